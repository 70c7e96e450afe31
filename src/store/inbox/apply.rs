//! One proved event of another origin into the log, as if it had been recorded here.

use std::sync::OnceLock;

use rusqlite::{OptionalExtension, params};

use super::{Arrival, Intake, Sender};
use crate::domain::catalogue::Event;
use crate::domain::id::{CausationId, CorrelationId, EventId};
use crate::domain::ledger::LedgerEvent;
use crate::store::chain::{self, Chain, GENESIS};
use crate::store::erase;
use crate::store::error::{Named, StoreError};
use crate::store::log::Recorded;
use crate::store::log::append;
use crate::store::log::claim::{self, Writer};
use crate::store::origin::heir;
use crate::store::remote::{self, SignedHead};
use crate::store::shape;

impl Intake<'_> {
    /// Stores a proved event; the inner error says why it does not fit, and nothing of it was kept then.
    pub(super) fn apply(
        &mut self,
        sender: &mut Sender,
        arrival: &Arrival,
        next: Option<&Arrival>,
    ) -> Result<Result<(), String>, StoreError> {
        let event = self.recorded(sender, arrival);
        if let Err(why) = self.fits(sender, &event, next)? {
            return Ok(Err(format!("event {} {why}", arrival.seq)));
        }
        append::insert(self.place, &event)?;
        if let Some(signature) = arrival.erasure.as_ref().filter(|_| arrival.is_blank()) {
            erase::keep_signature(self.place.connection, event.position, signature).named(self.place.path)?;
        }
        self.advance(sender, arrival)?;
        self.introduce(sender, arrival)?;
        heir::learn(self.place.connection, &sender.key, &event).named(self.place.path)?;
        self.erase_named(sender, &event)?;
        self.heads.advance(event.position, event.chain);
        self.follows(sender, arrival, event.position)?;
        self.taken.applied += 1;
        self.recorded.push(event);
        Ok(Ok(()))
    }

    /// Gives a proved event that is in the log already, and in no chain of what is shared, the place there that it says to have.
    /// False, and nothing is changed, when it is not here, or here with another link.
    pub(super) fn share_again(&self, sender: &mut Sender, arrival: &Arrival) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT {} FROM events e WHERE event_id = ?1 AND origin = ?2 \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position)",
            Recorded::COLUMNS
        );
        let here = self
            .place
            .cached(&sql)?
            .query_row(params![arrival.event_id.as_bytes(), sender.id], Recorded::from_row)
            .optional()
            .named(self.place.path)?;
        // The link covers stream, version and content.
        let link = |event: &Recorded| chain::link(Chain::Shared, &sender.chain, &event.envelope(&sender.key));
        match here.filter(|event| link(event) == arrival.chain) {
            Some(event) => self.follows(sender, arrival, event.position).map(|()| true),
            None => Ok(false),
        }
    }

    /// The event at a position is the next one that its origin has shared.
    fn follows(&self, sender: &mut Sender, arrival: &Arrival, position: i64) -> Result<(), StoreError> {
        self.place
            .cached("INSERT INTO outbox (origin, seq, position, chain) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![sender.id, arrival.seq, position, arrival.chain])
            .named(self.place.path)?;
        if let Some(signature) = &arrival.signature {
            let head = SignedHead { seq: arrival.seq, chain: arrival.chain, signature: signature.clone() };
            remote::keep_head(self.place.connection, sender.id, &head).named(self.place.path)?;
        }
        (sender.seq, sender.chain) = (arrival.seq, arrival.chain);
        Ok(())
    }

    /// A stream has one writer, no gaps, and an event one place, which it gets.
    fn fits(
        &mut self,
        sender: &Sender,
        event: &Recorded,
        next: Option<&Arrival>,
    ) -> Result<Result<(), String>, StoreError> {
        let writer = Writer { id: sender.id, key: &sender.key };
        // Whom a flake succeeds is said before where it is.
        let next = next.filter(|next| event.kind == "flake.succeeded" && next.stream == event.stream);
        let next = next.and_then(|next| shape::decode(&next.kind, next.schema_version, &next.payload).ok());
        let stand = match claim::stand(self.place, writer, (event, next.as_ref()))? {
            Ok(stand) => stand,
            Err(why) => return Ok(Err(format!("does not stand where it may: {why}"))),
        };
        if stand.before + 1 != event.version {
            let before = stand.before;
            return Ok(Err(format!("is number {} of {}, which has {before} here", event.version, event.stream)));
        }
        let known = self
            .place
            .cached("SELECT EXISTS (SELECT 1 FROM events WHERE event_id = ?1)")?
            .query_row([event.event_id.uuid().as_bytes()], |row| row.get::<_, bool>(0))
            .named(self.place.path)?;
        if known {
            return Ok(Err(format!("has the id of another event, {}", event.event_id)));
        }
        // Only what stands in the log then moves anything.
        if let Some(holder) = stand.displaced {
            claim::displace(self.place.connection, holder, &event.stream).named(self.place.path)?;
            self.caught.insert(holder);
        }
        Ok(Ok(()))
    }

    fn recorded(&self, sender: &Sender, arrival: &Arrival) -> Recorded {
        let mut event = Recorded {
            position: self.heads.position() + 1,
            event_id: EventId::new(arrival.event_id),
            origin: sender.id,
            stream: arrival.stream.clone(),
            version: arrival.version,
            kind: arrival.kind.clone(),
            schema_version: arrival.schema_version,
            payload: arrival.payload.clone(),
            content: arrival.content,
            occurred_at: arrival.occurred_at,
            recorded_at: arrival.recorded_at,
            correlation_id: CorrelationId::new(arrival.correlation_id),
            causation_id: CausationId::new(arrival.causation_id),
            actor: arrival.actor.clone(),
            undoes: arrival.undoes,
            chain: GENESIS,
            event: OnceLock::new(),
        };
        event.chain = chain::link(Chain::Local, &self.heads.local(), &event.envelope(&sender.key));
        event
    }

    fn advance(&self, sender: &Sender, arrival: &Arrival) -> Result<(), StoreError> {
        // What comes back of our own says nothing of what is to be shared from now on: consent does.
        let shared = sender.id != self.place.origin.id;
        self.place
            .cached(
                "INSERT INTO streams (stream, origin, version, shared) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (stream) DO UPDATE SET version = excluded.version, shared = max(shared, excluded.shared)",
            )?
            .execute(params![arrival.stream, sender.id, arrival.version.cast_signed(), shared])
            .named(self.place.path)
            .map(drop)
    }

    /// The user of an origin is that of its first event's actor, and its machine that of the newest one's, as machines get other names:
    /// the chain covers it. This machine knows its own.
    fn introduce(&self, sender: &mut Sender, arrival: &Arrival) -> Result<(), StoreError> {
        let (user, host) = of_actor(&arrival.actor);
        if host == sender.host || sender.id == self.place.origin.id {
            return Ok(());
        }
        self.place
            .cached("UPDATE origins SET user = iif(host = '', ?3, user), host = ?2 WHERE id = ?1")?
            .execute(params![sender.id, host, user])
            .named(self.place.path)?;
        host.clone_into(&mut sender.host);
        Ok(())
    }

    /// What an origin erased of its own events is erased here too.
    fn erase_named(&mut self, sender: &Sender, event: &Recorded) -> Result<(), StoreError> {
        let Ok(Event::Ledger(LedgerEvent::Erased { event: erased, .. })) = event.event() else { return Ok(()) };
        self.erase_for(sender.id, *erased)
    }

    /// What an heir erased before it said that it goes on, or before the event came, is erased as soon as both are known.
    pub(super) fn heed_heirs(&mut self) -> Result<(), StoreError> {
        let heirs = heir::all(self.place.connection).named(self.place.path)?;
        let is_concerned =
            |event: &Recorded| event.kind == "flake.succeeded" || heirs.values().any(|old| *old == event.origin);
        if heirs.is_empty() || !self.recorded.iter().any(is_concerned) {
            return Ok(());
        }
        let said = erase::said_by_heirs(self.place.connection).named(self.place.path)?;
        said.into_iter().try_for_each(|(heir, event)| self.erase_for(heir, event))
    }

    fn erase_for(&mut self, sender: i64, erased: EventId) -> Result<(), StoreError> {
        let found: Option<(i64, i64)> = self
            .place
            .cached("SELECT position, origin FROM events WHERE event_id = ?1")?
            .query_row([erased.uuid().as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .named(self.place.path)?;
        let Some((position, origin)) = found else { return Ok(()) };
        // Whoever goes on from another erases for it as well.
        if origin == sender || heir::was(self.place.connection, sender, origin).named(self.place.path)? {
            let is_new = erase::blank_here(self.place.connection, position)
                .and_then(|is_new| erase::drop_signature(self.place.connection, position).map(|()| is_new))
                .named(self.place.path)?;
            self.taken.erased += usize::from(is_new);
        }
        Ok(())
    }
}

/// User and machine of an actor: of `user@host`, and of the machine that did what somebody else asked for, `bus:name (user@host)`.
fn of_actor(actor: &str) -> (&str, &str) {
    let here = actor.strip_prefix("bus:").and_then(|asked| asked.strip_suffix(')')?.rsplit_once(" ("));
    let actor = here.map_or(actor, |(_, here)| here);
    actor.rsplit_once('@').unwrap_or((actor, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_of_an_actor_is_the_one_that_did_it() {
        assert_eq!(of_actor("ada@desk"), ("ada", "desk"));
        assert_eq!(of_actor("ada@home@desk"), ("ada@home", "desk"));
        assert_eq!(of_actor("bus:carol@phone (x) (ada@desk)"), ("ada", "desk"));
        assert_eq!(of_actor("nobody"), ("nobody", ""));
    }
}

//! The way out: asks the exchange what it holds of this origin and sends what it lacks, fenced and signed.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::super::Session;
use super::intake::{self, Progress};
use super::reading::{self, Reading};
use super::refill::{self, Found};
use super::{LEASE, Place, REMOTE, SyncError, wire};
use crate::bus::publish::{BATCH_BYTES, BATCH_MESSAGES};
use crate::bus::{Bus, BusError, Exchange, Held, Outgoing};
use crate::domain::delivery::Reason;
use crate::store::inbox::{Arrival, TakenBack, is_signed_by};
use crate::store::outbox::Shared;
use crate::store::remote::{Acknowledged, Lease, Remote, SignedHead};
use crate::store::{Reader, Signer, StoreError, chain};

/// Why the way out came to a stop.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something failed.
    Failed(SyncError),
    /// Something is wrong that no retry cures; in words.
    Refused(Reason, String),
    /// Another process delivers by now.
    Elsewhere,
}

impl<E: Into<SyncError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Looks whether the exchange is fit and what it holds of ours, and returns it. What it takes back of ours is counted with what
/// is taken in of others.
pub(super) fn reconcile(
    session: &Session,
    place: &Place,
    bus: &Bus,
    (holder, progress): (&str, &Progress),
) -> Result<Exchange, Stop> {
    let mut exchange = fit_exchange(session, place, bus)?;
    let (now, reader) = (session.clock.now(), session.store.reader()?);
    let known = reader.remote(REMOTE)?;
    if known.epoch.as_deref() != Some(&exchange.epoch) || exchange.last < known.taken {
        tracing::info!(
            epoch = exchange.epoch,
            "another exchange, or one that lost messages: it is read from its beginning"
        );
        session.store.set_epoch(REMOTE, &exchange.epoch, now)?;
    }
    let with = Asking { session, place, reader: &reader, bus, exchange: &exchange };
    let own = &session.store.origin().public_key;
    let mut held = bus.held(&exchange, own)?;
    let (shared, _) = reader.shared_head()?;
    if held.seq > shared {
        take_back(&with, (own, &held), progress)?;
        held = bus.held(&exchange, own)?;
    }
    refuse_fork(&reader, own, &held)?;
    let found = look_into_holes(&with, own, &held)?;
    // Where a hole was filled since, all is there as well.
    let is_whole = found.as_ref().is_none_or(|found| found.whole >= known.acked);
    if held.seq < known.acked && is_whole && known.epoch.as_deref() == Some(&exchange.epoch) {
        refuse_repetition(&with, own, &known, &held)?;
    }
    if let Some(found) = &found {
        exchange.repeated = found.highest;
    } else if held.seq < known.acked {
        tracing::warn!(acked = known.acked, held = held.seq, "the server lost events of ours: they are sent again");
    }
    let seq = found.map_or(held.seq, |found| found.whole.min(held.seq));
    keep(session, Acknowledged { seq, fence: held.fence }, None, holder)?;
    session.store.set_reconciled()?;
    Ok(exchange)
}

/// The exchange as it is now; none when it has turned: it is another one by now or has lost something, or holds less of ours than
/// it has acknowledged, or what we have not, or what somebody else has sent, and has to be asked again what it holds.
pub(super) fn look(with: &Asking<'_>) -> Result<Option<Exchange>, SyncError> {
    let Asking { session, place, reader, bus, exchange } = *with;
    // Read before it is asked: what is sent meanwhile makes it more than that, and never less.
    let known = reader.remote(REMOTE)?;
    let found = match bus.exchange(&place.layout, session.clock.now()) {
        Err(BusError::StreamMissing { .. }) => return Ok(None),
        found => found?,
    };
    if found.epoch != exchange.epoch || found.last < known.taken || found.lost != exchange.lost {
        return Ok(None);
    }
    let held = match bus.held(exchange, &session.store.origin().public_key) {
        Err(BusError::Unplaced { .. }) => return Ok(None),
        held => held?,
    };
    let (shared, _) = reader.shared_head()?;
    let is_ours = held.seq > known.acked || held.fence == known.fence;
    Ok(Some(found).filter(|_| is_ours && held.seq >= known.acked && held.seq <= shared))
}

/// How many shared events the exchange lacks.
pub(super) fn behind(reader: &Reader) -> Result<u64, SyncError> {
    let (head, _) = reader.shared_head()?;
    Ok(u64::try_from(head - reader.remote(REMOTE)?.acked).unwrap_or_default())
}

/// What the exchange is asked by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) session: &'a Session,
    pub(super) place: &'a Place,
    pub(super) reader: &'a Reader,
    pub(super) bus: &'a Bus,
    pub(super) exchange: &'a Exchange,
}

/// What a batch is sent by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) session: &'a Session,
    pub(super) reader: &'a Reader,
    pub(super) bus: &'a Bus,
    pub(super) exchange: &'a Exchange,
    pub(super) holder: &'a str,
    pub(super) signer: &'a Signer,
}

/// Sends one batch of what comes after that which is acknowledged; returns what is acknowledged then.
pub(super) fn publish(with: Sending<'_>, known: Acknowledged) -> Result<Acknowledged, Stop> {
    let Sending { session, reader, bus, exchange, holder, signer } = with;
    let most = if exchange.atomic { BATCH_MESSAGES } else { 1 };
    let own = session.store.origin().public_key.clone();
    let shared = reader.shared(known.seq, most)?;
    let mut messages = fitting(&shared, &own, &exchange.stream, bus.max_message())?;
    let Some((last, message)) =
        messages.len().checked_sub(1).and_then(|last| shared.get(last).zip(messages.last_mut()))
    else {
        return Ok(known);
    };
    let head = sign(signer, &own, last)?;
    message.sign(&head.signature);
    // The server knows their ids, from the first time.
    let again = shared.iter().take_while(|shared| shared.seq <= exchange.repeated).count();
    messages.iter_mut().take(again).for_each(Outgoing::once_more);
    sign_erasures(signer, &own, &shared, &mut messages)?;
    // Consent may have been taken back since it was asked last.
    if !reader.is_sync_enabled()? {
        return Ok(known);
    }
    let _span = tracing::info_span!("publish", events = messages.len(), last = last.seq).entered();
    let fence = bus.publish(exchange, &own, messages, known.fence)?;
    let acknowledged = Acknowledged { seq: last.seq, fence };
    keep(session, acknowledged, Some(head), holder)?;
    Ok(acknowledged)
}

/// Writes down what the exchange holds, while this process is the one that delivers.
fn keep(session: &Session, held: Acknowledged, signed: Option<SignedHead>, holder: &str) -> Result<(), Stop> {
    let lease = Lease { name: LEASE, holder };
    let kept = session.store.set_acknowledged(REMOTE, held, signed, lease, session.clock.now())?;
    if kept { Ok(()) } else { Err(Stop::Elsewhere) }
}

/// A server of this machine alone is set up by itself; any other is an administrator's.
fn fit_exchange(session: &Session, place: &Place, bus: &Bus) -> Result<Exchange, BusError> {
    match bus.exchange(&place.layout, session.clock.now()) {
        Err(BusError::StreamMissing { .. }) if place.target.is_loopback() => {
            bus.set_up_ledger(&place.layout, false)?;
            bus.set_up_events(&place.layout, false)?;
            bus.exchange(&place.layout, session.clock.now())
        }
        other => other,
    }
}

/// The exchange holds events of ours that we have not: this ledger was restored from a backup.
fn take_back(with: &Asking<'_>, (own, held): (&str, &Held), progress: &Progress) -> Result<(), Stop> {
    let Asking { session, reader, bus, exchange, .. } = *with;
    let (mut have, _) = reader.shared_head()?;
    tracing::warn!(have, held = held.seq, "the exchange holds events of ours that are not here: they are taken back");
    let mut waiting = BTreeMap::new();
    // What the client does not survive costs another connection, and not this one.
    Reading::new(bus.beside()?, exchange, Some(own)).up_to(held.fence, |messages| {
        for message in &messages {
            let arrival = wire::arrival(message).map_err(|unreadable| {
                Stop::Refused(Reason::Forged, format!("message {}: {}", message.sequence, unreadable.why))
            })?;
            if arrival.seq > have {
                waiting.entry(arrival.seq).or_insert(arrival);
            }
        }
        let signed = signed_for(&mut waiting, have);
        let Some(last) = signed.last() else { return Ok(()) };
        let is_ours = is_signed(own, last.seq, &last.chain, last.signature.as_deref());
        let forks_from = have + 1;
        let is_fork = is_ours && forks(reader.shared_link(own, have)?, &signed);
        have = last.seq;
        match session.store.take_back(signed, session.clock.now())? {
            TakenBack::Restored(count) => {
                progress.applied.fetch_add(count as u64, Ordering::Relaxed);
                Ok(())
            }
            TakenBack::Forked(_) if is_fork => {
                let why =
                    format!("event {forks_from} of this origin is another one on the exchange, signed by our key");
                Err(Stop::Refused(Reason::Forked, why))
            }
            TakenBack::Forked(why) => Err(Stop::Refused(who_wrote(is_ours), why)),
        }
    })
}

/// Whether events that our key signed hold together and do not follow ours: somebody went on with it from an earlier event.
fn forks(ours: Option<chain::Hash>, signed: &[Arrival]) -> bool {
    let follows = signed.first().zip(ours).is_none_or(|(first, ours)| first.can_follow(Some(&ours)));
    let mut pairs = signed.iter().zip(signed.iter().skip(1));
    !follows && pairs.all(|(one, next)| next.can_follow(Some(&one.chain)))
}

/// Whole batches only, and without a gap after what is here: what nobody signed for is not taken back, and waits for the message
/// that signs; what lies behind a hole waits for what fills it.
fn signed_for(waiting: &mut BTreeMap<i64, Arrival>, have: i64) -> Vec<Arrival> {
    let ready = waiting.iter().zip(have + 1..).take_while(|((seq, _), next)| *seq == next);
    let signed = ready.filter(|((_, arrival), _)| arrival.signature.is_some()).map(|((seq, _), _)| *seq).last();
    let rest = waiting.split_off(&(signed.unwrap_or(have) + 1));
    std::mem::replace(waiting, rest).into_values().collect()
}

/// The same number must be the same event on both sides.
fn refuse_fork(reader: &Reader, own: &str, held: &Held) -> Result<(), Stop> {
    if held.seq == 0 {
        return Ok(());
    }
    match reader.shared_place(own, held.seq)? {
        Some(ours) if held.chain == Some(ours.0) => return refuse_change(reader, own, held, ours),
        _ => {}
    }
    let signed = held.chain.is_some_and(|link| is_signed(own, held.seq, &link, held.signature.as_deref()));
    let who = if signed { "signed by our key" } else { "not signed by our key" };
    let why = format!("event {} of this origin is another one on the exchange, {who}", held.seq);
    Err(Stop::Refused(who_wrote(signed), why))
}

/// The last message under our name must be as we sent it, by its signature, its payload and every other field. What lies further
/// back is for whoever compares everything.
fn refuse_change(reader: &Reader, own: &str, held: &Held, ours: (chain::Hash, bool)) -> Result<(), Stop> {
    let Some(message) = &held.message else { return Ok(()) };
    let previous = reader.shared_link(own, held.seq - 1)?.unwrap_or(chain::GENESIS);
    let differs = match wire::arrival(message) {
        Err(unreadable) => Some(unreadable.why),
        Ok(arrival) => arrival.differs(ours, &previous).map(str::to_owned),
    };
    let Some(other) = differs else { return Ok(()) };
    let why = format!("message {} is event {} of this origin and not as it was sent: {other}", held.fence, held.seq);
    Err(Stop::Refused(Reason::Forged, why))
}

/// What the exchange has of ours, when it has lost something that was not looked into yet, and something of ours is missing or on
/// its way again. Once per loss: what is sent again leaves the hole.
fn look_into_holes(with: &Asking<'_>, own: &str, held: &Held) -> Result<Option<Found>, Stop> {
    let Asking { session, reader, bus, exchange, .. } = *with;
    let Some(lost) = &exchange.lost else { return Ok(None) };
    if held.seq == 0 || reader.looked_into()?.as_ref() == Some(lost) {
        return Ok(None);
    }
    let found = refill::look(reader, bus, exchange, (own, held.fence))?;
    if found.whole >= found.highest && held.seq >= found.highest {
        session.store.set_looked_into(lost)?;
        return Ok(None);
    }
    tracing::warn!(from = found.whole + 1, "the server lost events of ours from its middle: they are sent again");
    Ok(Some(found))
}

/// What the exchange holds last of ours is an older event, after the one that it has acknowledged. When that one is still there,
/// nothing was lost, and somebody else has published an event of ours once more.
fn refuse_repetition(with: &Asking<'_>, own: &str, known: &Remote, held: &Held) -> Result<(), Stop> {
    // Whoever lost the end of the stream, or has not got it yet, has nothing after it.
    if held.fence <= known.fence {
        return Ok(());
    }
    let link = with.reader.shared_link(own, known.acked)?;
    let mut follow = with.bus.follow(with.exchange, Some(own), known.fence.saturating_sub(1))?;
    // At least the repetition comes.
    let messages = intake::read(&mut follow)?;
    let first = messages.first().ok_or_else(reading::silence)?;
    let place = if first.sequence == known.fence { first.place_of(own) } else { None };
    if place.is_none() || place != link.map(|link| (known.acked, link)) {
        return Ok(());
    }
    let why = format!(
        "message {} is event {} of this origin once more: it was published by somebody else, after event {}",
        held.fence, held.seq, known.acked
    );
    Err(Stop::Refused(Reason::Forged, why))
}

/// Others take in no event that is larger than one may be, nor any that follows.
pub(super) fn refuse_oversized(reader: &Reader) -> Result<(), Stop> {
    let Some((seq, bytes)) = reader.oversized()? else { return Ok(()) };
    let why =
        format!("event {seq} of this origin names an actor of {bytes} bytes: no ledger takes it in, nor what follows");
    Err(Stop::Refused(Reason::Oversized, why))
}

/// Who wrote an event under one of our numbers that we have not: what the exchange holds last of ours tells best, as it is
/// signed for when it is the end of a batch.
pub(super) fn who_differs(with: &Asking<'_>) -> Result<Reason, SyncError> {
    let own = &with.session.store.origin().public_key;
    match refuse_fork(with.reader, own, &with.bus.held(with.exchange, own)?) {
        Err(Stop::Refused(reason, _)) => Ok(reason),
        Err(Stop::Failed(error)) => Err(error),
        Ok(()) | Err(Stop::Elsewhere) => Ok(Reason::Forged),
    }
}

/// Only what our own key has signed can be of a copy of this ledger; anybody can write the rest.
const fn who_wrote(signed: bool) -> Reason {
    if signed { Reason::Forked } else { Reason::Forged }
}

fn is_signed(own: &str, seq: i64, link: &chain::Hash, signature: Option<&[u8]>) -> bool {
    signature.is_some_and(|signature| is_signed_by(own, seq, link, signature))
}

/// As many as fit into one batch, at least one. One that is larger than the server takes goes nowhere, after all before it have gone.
fn fitting(shared: &[Shared], own: &str, stream: &str, most: usize) -> Result<Vec<Outgoing>, Stop> {
    let (mut messages, mut bytes) = (Vec::with_capacity(shared.len()), 0);
    for shared in shared {
        let message = wire::outgoing(shared, own);
        let message = message.map_err(|why| BusError::Failed { doing: "writing an event down", why })?;
        let needed = message.bytes(stream);
        bytes += needed;
        if needed > most && messages.is_empty() {
            return Err(too_large_for_server(shared.seq, needed, most));
        }
        if needed > most || (bytes > BATCH_BYTES && !messages.is_empty()) {
            break;
        }
        messages.push(message);
    }
    Ok(messages)
}

fn too_large_for_server(seq: i64, needed: usize, most: usize) -> Stop {
    let why = format!(
        "event {seq} of this origin needs a message of {needed} bytes, and the server takes at most {most} bytes"
    );
    Stop::Refused(Reason::PayloadLimit, why)
}

/// What signs for this origin.
pub(super) fn signer(session: &Session) -> Result<Signer, Stop> {
    session.store.signer().map_err(|error| no_key(&error))
}

fn no_key(error: &StoreError) -> Stop {
    Stop::Refused(Reason::NoKey, error.to_string())
}

fn sign(signer: &Signer, own: &str, last: &Shared) -> Result<SignedHead, Stop> {
    let signature = signer.sign(&chain::signed_head(own, last.seq, &last.chain)).map_err(|error| no_key(&error))?;
    Ok(SignedHead { seq: last.seq, chain: last.chain, signature })
}

/// What was erased is sent blank, with a signature that says so: the event that says it may come much later.
fn sign_erasures(signer: &Signer, own: &str, shared: &[Shared], messages: &mut [Outgoing]) -> Result<(), Stop> {
    for (Shared { event, .. }, message) in shared.iter().zip(messages).filter(|(shared, _)| shared.event.is_erased()) {
        let erased = chain::erasure(own, event.event_id.uuid(), &event.content);
        message.sign_erasure(&signer.sign(&erased).map_err(|error| no_key(&error))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn arrival(seq: i64, signed: bool) -> Arrival {
        Arrival {
            remote_seq: 0,
            origin: String::new(),
            seq,
            chain: chain::GENESIS,
            signature: signed.then(Vec::new),
            erasure: None,
            event_id: Uuid::nil(),
            stream: String::new(),
            version: 1,
            kind: String::new(),
            schema_version: 1,
            payload: String::new(),
            content: chain::GENESIS,
            occurred_at: 0,
            recorded_at: 0,
            correlation_id: Uuid::nil(),
            causation_id: Uuid::nil(),
            actor: String::new(),
            undoes: None,
        }
    }

    #[test]
    fn what_is_taken_back_goes_to_the_last_that_is_signed_for_and_the_rest_waits() {
        let (mut waiting, mut have) = (BTreeMap::new(), 0);
        let mut given = |seqs: std::ops::RangeInclusive<i64>, signed: &[i64]| {
            waiting.extend(seqs.map(|seq| (seq, arrival(seq, signed.contains(&seq)))));
            let given: Vec<i64> = signed_for(&mut waiting, have).iter().map(|arrival| arrival.seq).collect();
            have = given.last().copied().unwrap_or(have);
            given
        };
        assert_eq!(given(1..=5, &[2, 4]), [1, 2, 3, 4]);
        assert_eq!(given(6..=7, &[]), [0; 0]);
        assert_eq!(given(8..=9, &[8]), [5, 6, 7, 8]);
        assert_eq!(given(10..=10, &[10]), [9, 10]);
        // Behind a hole, until that is filled.
        assert_eq!(given(13..=14, &[14]), [0; 0]);
        assert_eq!(given(11..=12, &[12]), [11, 12, 13, 14]);
    }
}

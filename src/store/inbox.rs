//! Events of other origins: taken into the same log, in the order of their origin, each once.
//!
//! An origin's events are contiguous and chained, and only what its origin has signed for is taken in. What comes too
//! early waits; what does not fit is parked with the reason and holds up its origin alone. Events, read model and the
//! cursor of the remote are one transaction.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chain::{Chain, Envelope, GENESIS, Hash};
use super::error::{Named, StoreError};
use super::log::Recorded;
use super::log::append::{Heads, Place};
use super::open::Store;
use super::shape::ERASED;
use super::{chain, projection, remote};

mod admit;

mod apply;

mod back;

mod parked;

pub use admit::is_signed_by;
pub use back::TakenBack;
pub use parked::{Gap, Parked, ParkedRow};

use admit::Admitted;

/// One event as it arrived, before anything of it was proved but that its payload is what its content id says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The remote's own number of the message.
    pub remote_seq: u64,
    /// The public key of its origin.
    pub origin: String,
    /// Its place in what its origin has shared, from 1.
    pub seq: i64,
    /// Its link in its origin's shared chain.
    pub chain: Hash,
    /// Its origin's signature of the chain up to here, on the last message of a batch.
    pub signature: Option<Vec<u8>>,
    /// Its origin's signature that it erased the payload, on an event whose payload is blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Vec<u8>>,
    /// The event.
    pub event_id: Uuid,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// Its type.
    pub kind: String,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// Its payload: canonical JSON, or `null` once erased.
    pub payload: String,
    /// The content id of its payload as it was recorded.
    pub content: Hash,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    pub recorded_at: i64,
    /// The conversation.
    pub correlation_id: Uuid,
    /// The command.
    pub causation_id: Uuid,
    /// Who: `user@host`.
    pub actor: String,
    /// The command that it undoes.
    pub undoes: Option<Uuid>,
}

/// A message that is no event of ours, or not one that this release can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The remote's own number of the message.
    pub remote_seq: u64,
    /// Its subject.
    pub subject: String,
    /// Its body, what is not UTF-8 replaced, cut to a few thousand bytes.
    pub text: String,
    /// Whose it seems to be: that origin waits until somebody decides.
    pub origin: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

/// Messages of a remote, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The events.
    pub arrivals: Vec<Arrival>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// The remote's number of the last message; zero when the cursor must not move, as when some are read again.
    pub up_to: u64,
    /// Where the cursor was written down last; zero when that is not known. When it is elsewhere by now, somebody wants the
    /// remote read again, or has read on, and the chunk is not taken.
    pub after: u64,
}

/// What became of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many events entered the log.
    pub applied: usize,
    /// How many were here already.
    pub known: usize,
    /// How many are parked now, with the reason.
    pub parked: Vec<String>,
    /// The origins that wait for an event, with its number.
    pub gaps: Vec<(String, i64)>,
    /// How many events were blanked because their origin erased them.
    pub erased: usize,
    /// What the remote holds under our own name.
    pub own: Own,
    /// Nothing was taken in, as the remote is to be read from after this number.
    pub again: Option<u64>,
}

/// What was seen of this database's own events among those that arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Own {
    /// Nothing but what we sent.
    #[default]
    Fits,
    /// Events that this database does not have: it was restored from a backup.
    Ahead,
    /// Another event under one of our numbers.
    Differs,
}

/// How many events of one origin wait at most, and how many bytes of them: what lies further ahead is asked for again when its
/// turn comes. An origin signs far more often than that.
const WAITING: i64 = 2_000;
const WAITING_BYTES: usize = 32 << 20;

impl Store {
    /// Takes a chunk in: everything that is proved enters the log, the rest waits or is parked, and the cursor moves.
    ///
    /// # Errors
    /// Only for what concerns the whole database; then nothing of the chunk was kept.
    pub fn take_in(&self, remote: &str, chunk: Chunk, at: i64) -> Result<Taken, StoreError> {
        let remote = remote.to_owned();
        // What comes back of our own moves the cursor alone, and can be read again.
        let own = &self.origin().public_key;
        let echo = chunk.unreadable.is_empty() && chunk.arrivals.iter().all(|arrival| arrival.origin == *own);
        let work = move |place: &Place<'_>| Intake::new(place, at)?.take(&remote, chunk);
        if echo { self.write_relaxed(work) } else { self.write(work) }
    }
}

/// One transaction of taking in.
struct Intake<'a> {
    place: &'a Place<'a>,
    heads: Heads,
    at: i64,
    taken: Taken,
    recorded: Vec<Recorded>,
    /// The rows of the origins of which something moved aside: nothing more of them is taken in.
    caught: HashSet<i64>,
}

/// An origin, and where its shared chain ends here.
#[derive(Debug, Clone)]
struct Sender {
    id: i64,
    key: String,
    /// The machine that it is on, as far as it has told.
    host: String,
    active: bool,
    seq: i64,
    chain: Hash,
}

/// An origin while events of it are taken in, with what is not proved yet.
struct Line {
    sender: Sender,
    candidates: BTreeMap<i64, Arrival>,
    /// Whether anything of it was looked at.
    is_touched: bool,
}

impl<'a> Intake<'a> {
    fn new(place: &'a Place<'a>, at: i64) -> Result<Self, StoreError> {
        Ok(Self {
            place,
            heads: Heads::read(place)?,
            at,
            taken: Taken::default(),
            recorded: Vec::new(),
            caught: HashSet::new(),
        })
    }

    fn take(mut self, remote: &str, chunk: Chunk) -> Result<Taken, StoreError> {
        let written = self.written(remote)?;
        if chunk.after > 0 && written != chunk.after {
            self.taken.again = Some(written);
            return Ok(self.taken);
        }
        for message in &chunk.unreadable {
            self.refuse_unreadable(message)?;
        }
        // In the order of the messages: who says it first, has said it first everywhere.
        let mut lines: HashMap<String, Line> = HashMap::new();
        let mut arrivals = chunk.arrivals.into_iter().peekable();
        while let Some(first) = arrivals.next() {
            let origin = first.origin.clone();
            let mut run = vec![first];
            while let Some(next) = arrivals.next_if(|next| next.origin == origin) {
                run.push(next);
            }
            if origin == self.place.origin.public_key {
                self.compare_own(&run)?;
                continue;
            }
            let line = match lines.entry(origin) {
                Entry::Occupied(line) => line.into_mut(),
                Entry::Vacant(place) => {
                    let line = self.line(place.key())?;
                    place.insert(line)
                }
            };
            self.take_run(line, run)?;
        }
        for line in lines.into_values() {
            self.end_line(line)?;
        }
        if chunk.up_to > 0 {
            parked::forget_read_again(self.place, written, chunk.up_to)?;
            remote::keep_taken(self.place.connection, remote, chunk.up_to, self.at).named(self.place.path)?;
        }
        self.end()
    }

    /// Up to which of its messages the remote was taken in.
    fn written(&self, remote: &str) -> Result<u64, StoreError> {
        self.place
            .cached("SELECT taken_seq FROM remotes WHERE name = ?1")?
            .query_row([remote], |row| row.get::<_, i64>(0))
            .optional()
            .named(self.place.path)
            .map(|taken| taken.unwrap_or_default().cast_unsigned())
    }

    fn end(mut self) -> Result<Taken, StoreError> {
        self.heed_heirs()?;
        projection::apply_all(self.place.connection, &self.recorded)?;
        Ok(self.taken)
    }

    /// An origin with what waits of it, which is read once for all that arrives together: it may be much.
    fn line(&self, origin: &str) -> Result<Line, StoreError> {
        let sender = self.sender(origin)?;
        // Of one that is not listened to, it is read from the remote again when somebody lets it go on.
        let waiting = if sender.active { self.waiting(&sender)? } else { Vec::new() };
        let candidates = waiting.into_iter().map(|arrival| (arrival.seq, arrival)).collect();
        Ok(Line { sender, candidates, is_touched: false })
    }

    /// What arrived of one origin in a row, together with what waits.
    fn take_run(&mut self, line: &mut Line, arrivals: Vec<Arrival>) -> Result<(), StoreError> {
        self.hush(line);
        if !line.sender.active {
            return Ok(());
        }
        // Without a word that is signed, nothing more is proved.
        let mut is_signed = !line.is_touched;
        line.is_touched = true;
        for arrival in arrivals {
            if arrival.seq > line.sender.seq {
                is_signed |= arrival.signature.is_some();
                line.candidates.entry(arrival.seq).or_insert(arrival);
            } else if self.is_known(&line.sender, &arrival)? {
                self.taken.known += 1;
            } else {
                let why = format!("event {} of this origin is another one here: it was forged, or forked", arrival.seq);
                return self.refuse(line, &arrival, &why);
            }
        }
        if is_signed { self.prove(line) } else { Ok(()) }
    }

    /// Takes in what is proved by now.
    fn prove(&mut self, line: &mut Line) -> Result<(), StoreError> {
        let Admitted { proved, refused } = admit::admit(&line.sender, &mut line.candidates);
        for (place, arrival) in proved.iter().enumerate() {
            if let Err(why) = self.apply(&mut line.sender, arrival, proved.get(place + 1))? {
                return self.refuse(line, arrival, &why);
            }
        }
        let Some((arrival, why)) = refused else { return Ok(()) };
        line.sender.active = false;
        line.candidates.remove(&arrival.seq);
        self.quarantine(&line.sender, &arrival, &why)
    }

    /// Parks an arrival, and keeps nothing more of its origin: it is read from the remote again when somebody lets it go on.
    fn refuse(&mut self, line: &mut Line, arrival: &Arrival, why: &str) -> Result<(), StoreError> {
        line.sender.active = false;
        line.candidates.clear();
        self.quarantine(&line.sender, arrival, why)
    }

    /// Hears no more of an origin that was caught with what is another's.
    fn hush(&self, line: &mut Line) {
        if self.caught.contains(&line.sender.id) {
            line.sender.active = false;
            line.candidates.clear();
        }
    }

    /// Keeps what cannot be proved yet.
    fn end_line(&mut self, mut line: Line) -> Result<(), StoreError> {
        self.hush(&mut line);
        let Line { sender, candidates, is_touched } = line;
        if !is_touched {
            return Ok(());
        }
        self.forget_waiting(&sender)?;
        if let Some(first) = candidates.keys().next().filter(|first| **first > sender.seq + 1) {
            tracing::debug!(origin = sender.key, waits_for = sender.seq + 1, first, "gap");
            self.taken.gaps.push((sender.key.clone(), sender.seq + 1));
        }
        self.wait(&sender, candidates.into_values())
    }

    /// The origin of a key, made known when it is new.
    fn sender(&self, key: &str) -> Result<Sender, StoreError> {
        let path = self.place.path;
        let find = "SELECT id, state = 'active', host FROM origins WHERE public_key = ?1";
        let found = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?, row.get(2)?));
        let known = self.place.cached(find)?.query_row([key], found).optional().named(path)?;
        let (id, active, host) = if let Some(known) = known {
            known
        } else {
            self.place
                .cached("INSERT INTO origins (public_key, host, user, created_at) VALUES (?1, '', '', ?2)")?
                .execute(params![key, self.at])
                .named(path)?;
            (self.place.connection.last_insert_rowid(), true, String::new())
        };
        let head = self
            .place
            .cached("SELECT seq, chain FROM outbox WHERE origin = ?1 ORDER BY seq DESC LIMIT 1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .named(path)?;
        let (seq, chain) = head.unwrap_or((0, GENESIS));
        Ok(Sender { id, key: key.to_owned(), host, active, seq, chain })
    }

    /// What waits right after the end of the origin's chain.
    fn waiting(&self, sender: &Sender) -> Result<Vec<Arrival>, StoreError> {
        let texts: Vec<String> = self
            .place
            .cached("SELECT message FROM inbox WHERE origin = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?
            .query_map(params![sender.key, sender.seq, WAITING], |row| row.get(0))
            .and_then(Iterator::collect)
            .named(self.place.path)?;
        // What an older release kept in another shape is read from the remote again.
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    /// Keeps what cannot be proved yet, in the order of the chain; what is too far ahead, or too much, is not kept.
    fn wait(&self, sender: &Sender, arrivals: impl Iterator<Item = Arrival>) -> Result<(), StoreError> {
        let mut room = WAITING_BYTES;
        let nearest = sender.seq.saturating_add(WAITING);
        // The first is kept wherever it is: it says for what it waits.
        let kept = arrivals.enumerate().take_while(|(place, arrival)| *place == 0 || arrival.seq <= nearest);
        for (_, arrival) in kept {
            let Ok(message) = serde_json::to_string(&arrival) else { continue };
            let Some(left) = room.checked_sub(message.len()) else { break };
            room = left;
            self.place
                .cached(
                    "INSERT INTO inbox (origin, seq, remote_seq, message, received_at) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (origin, seq) DO NOTHING",
                )?
                .execute(params![arrival.origin, arrival.seq, arrival.remote_seq.cast_signed(), message, self.at])
                .named(self.place.path)?;
        }
        Ok(())
    }

    /// What waited, or was to be tried again, and is here now.
    fn forget_waiting(&self, sender: &Sender) -> Result<(), StoreError> {
        let gone = "DELETE FROM parked WHERE origin = ?1 AND seq <= ?2 AND attempts < 0";
        for sql in ["DELETE FROM inbox WHERE origin = ?1 AND seq <= ?2", gone] {
            self.place.cached(sql)?.execute(params![sender.key, sender.seq]).named(self.place.path)?;
        }
        Ok(())
    }

    fn is_known(&self, sender: &Sender, arrival: &Arrival) -> Result<bool, StoreError> {
        let chain: Option<Hash> = self.link(sender.id, arrival.seq)?;
        Ok(chain == Some(arrival.chain))
    }

    fn compare_own(&mut self, arrivals: &[Arrival]) -> Result<(), StoreError> {
        let own = self.place.origin.id;
        for arrival in arrivals {
            match self.link(own, arrival.seq)? {
                Some(chain) if chain == arrival.chain => self.taken.known += 1,
                Some(_) => self.taken.own = Own::Differs,
                None if self.taken.own == Own::Fits => self.taken.own = Own::Ahead,
                None => {}
            }
        }
        Ok(())
    }

    fn link(&self, origin: i64, seq: i64) -> Result<Option<Hash>, StoreError> {
        self.place
            .cached("SELECT chain FROM outbox WHERE origin = ?1 AND seq = ?2")?
            .query_row([origin, seq], |row| row.get(0))
            .optional()
            .named(self.place.path)
    }
}

impl Arrival {
    /// What of it is not as its origin sent the event of a link, which is here, blank or not, and comes after another one in its
    /// origin's chain. None when it is the same event.
    pub fn differs(&self, (link, blank): (Hash, bool), previous: &Hash) -> Option<&'static str> {
        if self.signature.as_ref().is_some_and(|signature| !is_signed_by(&self.origin, self.seq, &link, signature)) {
            return Some("its signature is not its origin's");
        }
        // What was erased here may be there still. Its origin blanks it there as well, but nobody else does.
        let is_whole = if self.payload == ERASED { blank } else { chain::content(&self.payload) == self.content };
        if !is_whole {
            return Some("its payload is another");
        }
        let is_same = self.chain == link && chain::link(Chain::Shared, previous, &self.envelope()) == link;
        if is_same { None } else { Some("it is another than its link says") }
    }

    /// Whether it can be the event after another one, where it is not here: its link is what it says itself. Without a signature,
    /// nobody has proved it yet.
    pub fn can_follow(&self, previous: Option<&Hash>) -> bool {
        let link = previous.map(|previous| chain::link(Chain::Shared, previous, &self.envelope()));
        admit::breach(&self.origin, self, &link.unwrap_or(self.chain)).is_none()
            && (!self.is_blank() || admit::is_erased_by(&self.origin, self))
    }

    /// What the chains hash of it.
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope {
            event_id: self.event_id,
            origin: &self.origin,
            stream: &self.stream,
            version: self.version,
            kind: &self.kind,
            schema_version: self.schema_version,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            actor: &self.actor,
            undoes: self.undoes,
            content: &self.content,
        }
    }
}

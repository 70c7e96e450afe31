//! Messages that cannot be taken in: kept with the reason until somebody decides, or a newer release can read them. And those
//! that wait for one before them.

use rusqlite::{Row, params};

use super::{Arrival, Intake, Sender, Unreadable};
use crate::store::error::{Named, StoreError};
use crate::store::log::append::Place;
use crate::store::open::Store;
use crate::store::reader::Reader;

/// A message that was parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// Its number here.
    pub id: i64,
    /// The public key of the origin that waits for it, when it has one.
    pub origin: Option<String>,
    /// Its place in what that origin has shared.
    pub seq: Option<i64>,
    /// The remote's own number of it.
    pub remote_seq: u64,
    /// Its subject; empty when only its content is known.
    pub subject: String,
    /// What it says.
    pub message: String,
    /// Why it was parked.
    pub reason: String,
    /// When, in microseconds since 1970 UTC.
    pub parked_at: i64,
    /// How often it was tried.
    pub attempts: u32,
}

/// Events of another origin that wait for one before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The public key of the origin.
    pub origin: String,
    /// Its machine; empty when nothing of it is here that tells.
    pub host: String,
    /// How many of its events wait here. More may wait on the remote.
    pub waiting: u64,
    /// Its place in what the origin has shared, of the event that is missing.
    pub event: i64,
}

/// What is to be done with a parked message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// Its origin may go on: it is read again, with all else of that origin that is parked.
    Retry,
    /// It is dropped; its origin is not listened to any more, when it waits for that.
    Discard,
}

impl Reader {
    /// Every parked message, in the order of their numbers.
    pub fn parked(&self) -> Result<Vec<ParkedRow>, StoreError> {
        let sql = "SELECT id, origin, seq, remote_seq, subject, message, reason, parked_at, attempts FROM parked \
                   WHERE attempts > 0 ORDER BY id";
        self.prepare_cached(sql).and_then(|mut statement| statement.query_map([], row)?.collect()).named(self.path())
    }
}

impl Reader {
    /// How many messages are parked: each may be as large as a message can be, and who only counts needs none of them.
    pub fn parked_count(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM parked WHERE attempts > 0")
    }

    /// How many messages wait for those before them.
    pub fn waiting(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM inbox")
    }

    /// The origins whose events wait for one that has not come.
    pub fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        // What follows what is here, and waits all the same, waits for the message that signs for it.
        let sql = "SELECT w.origin, o.host, w.waiting, w.last, CASE WHEN w.first > w.head + 1 THEN w.head + 1 ELSE \
                   (SELECT min(i.seq) + 1 FROM inbox i WHERE i.origin = w.origin AND NOT EXISTS \
                   (SELECT 1 FROM inbox n WHERE n.origin = i.origin AND n.seq = i.seq + 1)) END \
                   FROM (SELECT origin, count(*) AS waiting, min(seq) AS first, max(seq) AS last, \
                   coalesce((SELECT max(b.seq) FROM outbox b JOIN origins o ON o.id = b.origin \
                   WHERE o.public_key = inbox.origin), 0) AS head FROM inbox GROUP BY origin) w \
                   JOIN origins o ON o.public_key = w.origin ORDER BY o.id";
        let row = |row: &Row<'_>| {
            let (waiting, last) = (row.get::<_, i64>(2)?.unsigned_abs(), row.get::<_, i64>(3)?);
            let gap = Gap { origin: row.get(0)?, host: row.get(1)?, waiting, event: row.get(4)? };
            Ok((last > gap.event).then_some(gap))
        };
        self.prepare_cached(sql)
            .and_then(|mut statement| {
                statement.query_map([], row)?.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
            })
            .named(self.path())
    }

    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        self.prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
            .map(i64::cast_unsigned)
            .named(self.path())
    }
}

/// How many messages of one origin that cannot be read are parked.
const MOST: i64 = 100;

impl Store {
    /// Decides about a parked message, and about all of its origin when that is to go on. Returns it, and whether its origin is
    /// listened to or not from here on by this decision; none when there is none of that number.
    pub fn settle_parked(&self, id: i64, decision: Parked) -> Result<Option<(ParkedRow, bool)>, StoreError> {
        self.write(move |place| settle(place, id, decision))
    }
}

impl Store {
    /// Lets an origin go on, whatever of it is parked or was discarded; false, and nothing is changed, when this ledger itself went
    /// on from it.
    pub fn readmit(&self, origin: &str) -> Result<bool, StoreError> {
        let origin = origin.to_owned();
        self.write(move |place| {
            let left: bool = place
                .cached(
                    "WITH RECURSIVE own (id) AS (SELECT id FROM origins WHERE is_self = 1 UNION \
                     SELECT o.succeeds FROM origins o JOIN own ON o.id = own.id WHERE o.succeeds IS NOT NULL) \
                     SELECT EXISTS (SELECT 1 FROM origins o JOIN own ON o.id = own.id WHERE o.public_key = ?1)",
                )?
                .query_row([&origin], |row| row.get(0))
                .named(place.path)?;
            if left {
                return Ok(false);
            }
            listen(place, &origin)?;
            Ok(true)
        })
    }
}

impl Intake<'_> {
    pub(super) fn refuse_unreadable(&mut self, message: &Unreadable) -> Result<(), StoreError> {
        let sender = match &message.origin {
            Some(key) if *key != self.place.origin.public_key => Some(self.sender(key)?),
            _ => None,
        };
        if let Some(sender) = sender.as_ref().filter(|sender| !sender.active)
            && (self.is_retired(sender)? || self.has_enough(sender)?)
        {
            return Ok(());
        }
        let text = (message.subject.as_str(), message.text.as_str());
        self.park(sender.as_ref(), None, message.remote_seq, text, &message.why)
    }

    pub(super) fn quarantine(&mut self, sender: &Sender, arrival: &Arrival, why: &str) -> Result<(), StoreError> {
        let text = serde_json::to_string(arrival).unwrap_or_default();
        self.park(Some(sender), Some(arrival.seq), arrival.remote_seq, ("", &text), why)
    }

    /// Whether so much of an origin is parked that more tells nothing: it is read from the remote again when somebody lets it go on.
    fn has_enough(&self, sender: &Sender) -> Result<bool, StoreError> {
        self.place
            .cached("SELECT count(*) >= ?2 FROM (SELECT 1 FROM parked WHERE origin = ?1 AND attempts > 0 LIMIT ?2)")?
            .query_row(params![sender.key, MOST], |row| row.get(0))
            .named(self.place.path)
    }

    /// Whether an origin is not listened to any more.
    fn is_retired(&self, sender: &Sender) -> Result<bool, StoreError> {
        self.place
            .cached("SELECT state = 'retired' FROM origins WHERE id = ?1")?
            .query_row([sender.id], |row| row.get(0))
            .named(self.place.path)
    }

    fn park(
        &mut self,
        sender: Option<&Sender>,
        seq: Option<i64>,
        remote_seq: u64,
        (subject, text): (&str, &str),
        why: &str,
    ) -> Result<(), StoreError> {
        tracing::warn!(origin = sender.map(|sender| sender.key.as_str()), remote_seq, why, "parked");
        self.place
            .cached(
                "INSERT INTO parked (origin, seq, remote_seq, subject, message, reason, parked_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (remote_seq, subject) DO UPDATE SET \
                 attempts = CASE WHEN origin IS excluded.origin AND seq IS excluded.seq THEN abs(attempts) + 1 ELSE 1 END, \
                 parked_at = CASE WHEN attempts < 0 THEN excluded.parked_at ELSE parked_at END, origin = excluded.origin, \
                 seq = excluded.seq, message = excluded.message, reason = excluded.reason",
            )?
            .execute(params![
                sender.map(|sender| &sender.key),
                seq,
                remote_seq.cast_signed(),
                subject,
                text,
                why,
                self.at
            ])
            .named(self.place.path)?;
        if let Some(sender) = sender {
            self.place
                .cached("UPDATE origins SET state = 'quarantined', reason = ?2 WHERE id = ?1")?
                .execute(params![sender.id, why])
                .named(self.place.path)?;
        }
        self.taken.parked.push(why.to_owned());
        Ok(())
    }
}

fn settle(place: &Place<'_>, id: i64, decision: Parked) -> Result<Option<(ParkedRow, bool)>, StoreError> {
    let find = "SELECT id, origin, seq, remote_seq, subject, message, reason, parked_at, attempts FROM parked \
                WHERE id = ?1 AND attempts > 0";
    let mut found: Vec<ParkedRow> =
        place.cached(find)?.query_map([id], row).and_then(Iterator::collect).named(place.path)?;
    let Some(found) = found.pop() else { return Ok(None) };
    let decided = match (decision, &found.origin) {
        (Parked::Retry, Some(origin)) => listen(place, origin).map(|()| true)?,
        (Parked::Retry, None) => {
            place.cached(&format!("{TRY_AGAIN} id = ?1"))?.execute([id]).named(place.path)?;
            false
        }
        (Parked::Discard, origin) => {
            place.cached("DELETE FROM parked WHERE id = ?1")?.execute([id]).named(place.path)?;
            match origin {
                Some(origin) => retire(place, origin, &found.reason)?,
                None => false,
            }
        }
    };
    Ok(Some((found, decided)))
}

/// Below zero, the number of attempts says that a message is to be read again: it is parked no more, and were it parked once
/// more, that would be one attempt more.
const TRY_AGAIN: &str = "UPDATE parked SET attempts = -attempts, message = '' WHERE attempts > 0 AND";

/// Forgets what was read again between two of the remote's numbers and is not parked any more.
pub(super) fn forget_read_again(place: &Place<'_>, after: u64, up_to: u64) -> Result<(), StoreError> {
    let gone = "DELETE FROM parked WHERE attempts < 0 AND remote_seq > ?1 AND remote_seq <= ?2 \
                AND NOT EXISTS (SELECT 1 FROM origins o WHERE o.public_key = parked.origin AND o.state <> 'active')";
    place.cached(gone)?.execute([after.cast_signed(), up_to.cast_signed()]).named(place.path).map(drop)
}

/// Lets an origin go on: all of it that is parked is read again.
fn listen(place: &Place<'_>, origin: &str) -> Result<(), StoreError> {
    place.cached(&format!("{TRY_AGAIN} origin = ?1"))?.execute([origin]).named(place.path)?;
    place
        .cached("UPDATE origins SET state = 'active', reason = NULL WHERE public_key = ?1")?
        .execute([origin])
        .named(place.path)?;
    forget_inbox(place, origin)
}

/// Listens to an origin no more, unless it goes on though something old of it is parked; whether it is so from here on.
fn retire(place: &Place<'_>, origin: &str, why: &str) -> Result<bool, StoreError> {
    let changed = place
        .cached("UPDATE origins SET state = 'retired', reason = ?2 WHERE public_key = ?1 AND state <> 'active'")?
        .execute([origin, why])
        .named(place.path)?;
    if changed > 0 {
        forget_inbox(place, origin)?;
    }
    Ok(changed > 0)
}

/// What waited is read from the remote again, or not wanted any more.
fn forget_inbox(place: &Place<'_>, origin: &str) -> Result<(), StoreError> {
    place.cached("DELETE FROM inbox WHERE origin = ?1")?.execute([origin]).named(place.path).map(drop)
}

fn row(row: &Row<'_>) -> rusqlite::Result<ParkedRow> {
    Ok(ParkedRow {
        id: row.get(0)?,
        origin: row.get(1)?,
        seq: row.get(2)?,
        remote_seq: row.get::<_, i64>(3)?.cast_unsigned(),
        subject: row.get(4)?,
        message: row.get(5)?,
        reason: row.get(6)?,
        parked_at: row.get(7)?,
        attempts: row.get(8)?,
    })
}

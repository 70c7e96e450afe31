//! What this origin shares, in its own order: an append-only list with a chain of its own.
//!
//! An event enters in the transaction that records it when its stream is shared, or later when the stream is released.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::chain::{self, Chain, GENESIS, Hash};
use super::erase;
use super::error::{Named, StoreError};
use super::local::{self, LocalNote};
use super::log::Recorded;
use super::log::append::{Heads, Place};
use super::open::Store;
use super::projection;
use super::reader::Reader;
use super::remote;
use super::shape::{ERASED, NAME_LIMIT};
use crate::domain::stream::{Aggregate, StreamId};

/// What became of what is shared when consent was followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// What is shared now that was not before.
    pub released: Released,
    /// How many streams are private again.
    pub withdrawn: usize,
    /// How many of these hold problems that were found.
    pub of_findings: usize,
}

/// What a release to sharing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Released {
    /// How many streams are shared now that were not before.
    pub streams: usize,
    /// How many of their old events entered the outbox.
    pub events: usize,
    /// How many streams are shared only when the remote was asked what it holds, as this ledger was restored.
    pub waiting: usize,
}

/// An event of this origin as it is shared.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Its place in what this origin has shared, from 1.
    pub seq: i64,
    /// Its link in the shared chain.
    pub chain: Hash,
    /// The event.
    pub event: Recorded,
}

/// How far the outbox of one origin goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedHead {
    /// The public key of the origin.
    pub origin: String,
    /// The last event that it has shared; zero when there is none.
    pub seq: i64,
    /// Its link in the shared chain.
    pub chain: Hash,
    /// Whether its events are taken in.
    pub active: bool,
}

impl Reader {
    /// At most `limit` of this origin's shared events after one of them, in order.
    pub fn shared(&self, after: i64, limit: usize) -> Result<Vec<Shared>, StoreError> {
        let columns = Recorded::COLUMNS.split(", ").map(|column| format!("e.{}", column.trim()));
        let sql = format!(
            "SELECT {}, o.seq, o.chain FROM outbox o JOIN events e ON e.position = o.position \
             WHERE o.origin = (SELECT id FROM origins WHERE is_self = 1) AND o.seq > ?1 ORDER BY o.seq LIMIT ?2",
            columns.collect::<Vec<_>>().join(", ")
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.prepare_cached(&sql)
            .and_then(|mut statement| {
                let row = |row: &Row<'_>| {
                    Ok(Shared { event: Recorded::from_row(row)?, seq: row.get(16)?, chain: row.get(17)? })
                };
                statement.query_map(params![after, limit], row)?.collect()
            })
            .named(self.path())
    }

    /// The end of what this origin has shared.
    pub fn shared_head(&self) -> Result<(i64, Hash), StoreError> {
        self.prepare_cached(
            "SELECT seq, chain FROM outbox WHERE origin = (SELECT id FROM origins WHERE is_self = 1) \
             ORDER BY seq DESC LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map(|head| head.unwrap_or((0, GENESIS)))
        .named(self.path())
    }

    /// The link of one shared event of an origin, or of none, from which its chain begins; none when it is not here.
    pub fn shared_link(&self, origin: &str, seq: i64) -> Result<Option<Hash>, StoreError> {
        if seq == 0 {
            return Ok(Some(GENESIS));
        }
        self.prepare_cached(
            "SELECT b.chain FROM outbox b JOIN origins o ON o.id = b.origin WHERE o.public_key = ?1 AND b.seq = ?2",
        )
        .and_then(|mut statement| statement.query_row(params![origin, seq], |row| row.get(0)).optional())
        .named(self.path())
    }

    /// The link of an origin's shared event, and whether its payload is blank here; none when it is not here.
    pub fn shared_place(&self, origin: &str, seq: i64) -> Result<Option<(Hash, bool)>, StoreError> {
        self.prepare_cached(
            "SELECT b.chain, e.payload = ?3 FROM outbox b JOIN origins o ON o.id = b.origin \
             JOIN events e ON e.position = b.position WHERE o.public_key = ?1 AND b.seq = ?2",
        )
        .and_then(|mut statement| {
            statement.query_row(params![origin, seq, ERASED], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .named(self.path())
    }

    /// The links of an origin's shared events from one number to another, as far as they are here.
    pub fn shared_links(&self, origin: &str, from: i64, to: i64) -> Result<HashMap<i64, Hash>, StoreError> {
        self.prepare_cached(
            "SELECT b.seq, b.chain FROM outbox b JOIN origins o ON o.id = b.origin WHERE o.public_key = ?1 \
             AND b.seq BETWEEN ?2 AND ?3",
        )
        .and_then(|mut statement| {
            statement.query_map(params![origin, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .named(self.path())
    }

    /// The first of this origin's shared events that is larger than others take in, and by how many bytes its actor is named:
    /// an older release recorded what others asked under a name of any length.
    pub fn oversized(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let limit = i64::try_from(NAME_LIMIT).unwrap_or(i64::MAX);
        // Every event has the actor of its command, and there are far fewer of those.
        let some = self
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM commands WHERE octet_length(actor) > ?1)")
            .and_then(|mut statement| statement.query_row([limit], |row| row.get::<_, bool>(0)))
            .named(self.path())?;
        if !some {
            return Ok(None);
        }
        self.prepare_cached(
            "SELECT b.seq, octet_length(e.actor) FROM outbox b JOIN events e ON e.position = b.position \
             WHERE b.origin = (SELECT id FROM origins WHERE is_self = 1) AND octet_length(e.actor) > ?1 \
             ORDER BY b.seq LIMIT 1",
        )
        .and_then(|mut statement| statement.query_row([limit], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .named(self.path())
    }

    /// How many events wait to be sent after one of them, though their streams are private again.
    pub fn private_after(&self, seq: i64) -> Result<u64, StoreError> {
        self.prepare_cached(
            "SELECT count(*) FROM outbox o JOIN events e ON e.position = o.position JOIN streams s ON s.stream = e.stream \
             WHERE o.origin = (SELECT id FROM origins WHERE is_self = 1) AND o.seq > ?1 AND s.shared = 0",
        )
        .and_then(|mut statement| statement.query_row([seq], |row| row.get::<_, i64>(0)))
        .map(i64::unsigned_abs)
        .named(self.path())
    }

    /// Whether exactly some streams are shared, as far as they have events.
    pub fn shares_only(&self, covered: &HashSet<StreamId>) -> Result<bool, StoreError> {
        Ok(Difference::read(self, covered).named(self.path())?.is_empty())
    }

    /// Whether this origin recorded something after a position that is not shared, so that somebody must look whether
    /// it should be.
    pub fn has_private_after(&self, position: i64) -> Result<bool, StoreError> {
        self.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM events e JOIN streams s ON s.stream = e.stream WHERE e.position > ?1 \
             AND s.shared = 0 AND e.origin = (SELECT id FROM origins WHERE is_self = 1))",
        )
        .and_then(|mut statement| statement.query_row([position], |row| row.get(0)))
        .named(self.path())
    }

    /// Every origin with how much of it is here, this database's own among them.
    pub fn shared_heads(&self) -> Result<Vec<SharedHead>, StoreError> {
        let sql = "SELECT o.public_key, coalesce(b.seq, 0), b.chain, o.state = 'active' FROM origins o \
                   LEFT JOIN outbox b ON b.origin = o.id AND b.seq = (SELECT max(seq) FROM outbox WHERE origin = o.id) \
                   ORDER BY o.id";
        let row = |row: &Row<'_>| {
            let chain = row.get::<_, Option<Hash>>(2)?.unwrap_or(GENESIS);
            Ok(SharedHead { origin: row.get(0)?, seq: row.get(1)?, chain, active: row.get(3)? })
        };
        self.prepare_cached(sql).and_then(|mut statement| statement.query_map([], row)?.collect()).named(self.path())
    }
}

impl Store {
    /// Makes notes, and shares what consent covers then and nothing else: all at one moment, so that nobody withdraws consent
    /// between the question and the answer. `covered` says which streams those are, and is asked in the transaction.
    ///
    /// The old events of a stream that is shared now enter the outbox in order of position, new ones follow as they are
    /// recorded; in a restored ledger not before the remote was asked what it holds. Of one that is private again, what is recorded from now on stays here. What was shared stays shared.
    ///
    /// # Errors
    /// Those of `covered`, and of writing; then nothing is changed.
    pub fn settle_consent(
        &self,
        notes: Vec<LocalNote>,
        covered: impl FnOnce(&Connection) -> Result<HashSet<StreamId>, StoreError> + Send + 'static,
    ) -> Result<Settled, StoreError> {
        self.write(move |place| {
            for note in &notes {
                local::apply(place.connection, note).named(place.path)?;
            }
            let covered = covered(place.connection)?;
            let Difference { private, shared } = Difference::read(place.connection, &covered).named(place.path)?;
            for stream in &shared {
                withdraw(place.connection, &stream.to_string()).named(place.path)?;
            }
            let of_findings = shared.iter().filter(|stream| stream.aggregate() == Aggregate::Finding).count();
            // The exchange may hold other events at the places that these would get.
            let released = if remote::is_restored(place.connection).named(place.path)? {
                Released { waiting: private.len(), ..Released::default() }
            } else {
                share(place, &private)?
            };
            Ok(Settled { released, withdrawn: shared.len(), of_findings })
        })
    }
}

/// Where what is shared is not what consent covers, among the streams of this origin.
struct Difference {
    /// What is private and covered.
    private: Vec<String>,
    /// What is shared and not covered.
    shared: Vec<StreamId>,
}

impl Difference {
    fn read(connection: &Connection, covered: &HashSet<StreamId>) -> rusqlite::Result<Self> {
        let mut sql =
            "SELECT stream, shared FROM streams WHERE origin = (SELECT id FROM origins WHERE is_self = 1)".to_owned();
        if covered.is_empty() {
            // What is private already needs no look then.
            sql.push_str(" AND shared = 1");
        }
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut difference = Self { private: Vec::new(), shared: Vec::new() };
        while let Some(row) = rows.next()? {
            let (name, is_shared): (String, bool) = (row.get(0)?, row.get(1)?);
            // What a newer release made of a stream is left as it is.
            let Ok(stream) = name.parse::<StreamId>() else { continue };
            // What the ledger says of itself lies below no root.
            if stream.aggregate() == Aggregate::Ledger || covered.contains(&stream) == is_shared {
                continue;
            }
            if is_shared {
                difference.shared.push(stream);
            } else {
                difference.private.push(name);
            }
        }
        Ok(difference)
    }

    const fn is_empty(&self) -> bool {
        self.private.is_empty() && self.shared.is_empty()
    }
}

/// Adds one event to the outbox.
pub(crate) fn add(place: &Place<'_>, heads: &mut Heads, event: &Recorded) -> Result<(), StoreError> {
    let (seq, previous) = match heads.shared {
        Some(head) => head,
        None => read_head(place)?,
    };
    let link = chain::link(Chain::Shared, &previous, &event.envelope(&place.origin.public_key));
    place
        .cached("INSERT INTO outbox (origin, seq, position, chain) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![place.origin.id, seq + 1, event.position, link])
        .named(place.path)?;
    heads.shared = Some((seq + 1, link));
    Ok(())
}

fn read_head(place: &Place<'_>) -> Result<(i64, Hash), StoreError> {
    place
        .cached("SELECT seq, chain FROM outbox WHERE origin = ?1 ORDER BY seq DESC LIMIT 1")?
        .query_row([place.origin.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .named(place.path)
        .map(|head| head.unwrap_or((0, GENESIS)))
}

/// Marks a stream of this origin as private.
pub(crate) fn withdraw(connection: &Connection, stream: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE streams SET shared = 0 WHERE stream = ?1 AND origin = (SELECT id FROM origins WHERE is_self = 1)",
        )?
        .execute([stream])
        .map(drop)
}

/// Marks every stream of this origin as private, but for what the ledger says of itself.
pub(crate) fn withdraw_all(connection: &Connection) -> rusqlite::Result<()> {
    let ledger = format!("{}/", Aggregate::Ledger.name());
    let sql = "UPDATE streams SET shared = 0 WHERE shared = 1 AND substr(stream, 1, length(?1)) <> ?1 \
               AND origin = (SELECT id FROM origins WHERE is_self = 1)";
    connection.prepare_cached(sql)?.execute([ledger]).map(drop)
}

/// Marks streams as shared and lets their events into the outbox.
pub(crate) fn share(place: &Place<'_>, streams: &[String]) -> Result<Released, StoreError> {
    let mut fresh = Vec::new();
    for stream in streams {
        if release(place, stream)? > 0 {
            fresh.push(stream);
        }
    }
    let released = fresh.len();
    let mut heads = Heads::read(place)?;
    let (mut events, mut blank) = (0, Vec::new());
    let mut missing: Vec<i64> = Vec::new();
    for stream in fresh {
        let more: Vec<i64> = place
            .cached(
                "SELECT e.position FROM events e WHERE e.stream = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position)",
            )?
            .query_map([stream], |row| row.get(0))
            .and_then(Iterator::collect)
            .named(place.path)?;
        missing.extend(more);
    }
    missing.sort_unstable();
    for position in missing {
        let event = place
            .cached(&format!("SELECT {} FROM events WHERE position = ?1", Recorded::COLUMNS))?
            .query_row([position], Recorded::from_row)
            .named(place.path)?;
        add(place, &mut heads, &event)?;
        events += 1;
        if event.is_erased() {
            blank.push(event);
        }
    }
    events += say_erased(place, heads, &blank)?;
    Ok(Released { streams: released, events, waiting: 0 })
}

/// Says of events that were erased before they were shared that they were; how many more events are shared for that.
fn say_erased(place: &Place<'_>, mut heads: Heads, blank: &[Recorded]) -> Result<usize, StoreError> {
    if blank.is_empty() {
        return Ok(0);
    }
    let mut recorded = Vec::new();
    erase::say_again(place, &mut heads, blank, &mut recorded)?;
    projection::apply_all(place.connection, &recorded)?;
    let ledger = StreamId::shared_ledger(&place.origin.public_key).to_string();
    share(place, &[ledger]).map(|_| recorded.len())
}

/// Marks a stream as shared: one when it was not, zero when it was or does not exist.
fn release(place: &Place<'_>, stream: &str) -> Result<usize, StoreError> {
    let owner: Option<(i64, String)> = place
        .cached("SELECT o.id, o.public_key FROM streams s JOIN origins o ON o.id = s.origin WHERE s.stream = ?1")?
        .query_row([stream], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .named(place.path)?;
    match owner {
        Some((id, owner)) if id != place.origin.id => Err(StoreError::NotOwner { stream: stream.to_owned(), owner }),
        _ => place
            .cached("UPDATE streams SET shared = 1 WHERE stream = ?1 AND shared = 0")?
            .execute([stream])
            .named(place.path),
    }
}

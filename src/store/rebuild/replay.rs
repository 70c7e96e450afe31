//! Replay: the read model that chosen events alone would give, in tables of its own that nobody else sees, and a hash of
//! it. What two ledgers have both, replayed in the order of its origins, gives the same hash on both.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{StoreError, path_of};
use crate::store::chain::Hash;
use crate::store::error::Named;
use crate::store::open::Store;
use crate::store::projection::{self, Applied, Body, PROJECTIONS, Target, failed, give, kind_named, own_origin};
use crate::store::state_hash::add_row;

/// Which events are replayed; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// From this position on.
    pub from: Option<i64>,
    /// Up to this position.
    pub until: Option<i64>,
    /// Not before this time, in microseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Before this time.
    pub before: Option<i64>,
    /// Of this stream alone.
    pub stream: Option<String>,
    /// Of this conversation alone.
    pub correlation: Option<Uuid>,
    /// Only what is on the exchange, in the order of its origins: what every ledger in step has.
    pub shared: bool,
}

/// What a replay gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How many events there were.
    pub events: u64,
    /// Every table with its rows.
    pub tables: Vec<Table>,
    /// The hash over all of them.
    pub state: Hash,
}

/// One table of the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The hash over its rows, in whatever order they are.
    pub hash: Hash,
}

/// Generation of the tables: no live one has it, and they are temporary.
const ASIDE: i64 = 0;

impl Store {
    /// Replays events into tables of its own; nothing that others see is touched.
    ///
    /// # Errors
    /// [`StoreError::Projection`] when an event of this ledger's own does not fit.
    pub fn replay(&self, selection: &Selection) -> Result<Replayed, StoreError> {
        replay(&self.builder()?, selection)
    }
}

fn replay(connection: &Connection, selection: &Selection) -> Result<Replayed, StoreError> {
    let path = path_of(connection);
    at_one_moment(connection, selection).named(&path)?.map_err(|(name, position, reason)| StoreError::Projection {
        path,
        name,
        position,
        reason,
    })
}

fn at_one_moment(connection: &Connection, selection: &Selection) -> rusqlite::Result<Result<Replayed, Stopped>> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    for projection in PROJECTIONS {
        projection::create_temporary_tables(&transaction, *projection, ASIDE)?;
    }
    match apply_all(&transaction, selection)? {
        Ok(events) => Ok(Ok(sum_up(&transaction, events)?)),
        Err(stopped) => Ok(Err(stopped)),
    }
}

type Stopped = (&'static str, i64, String);

/// Positions count from 1 in the order of the replay, so that two ledgers see the same ones.
fn apply_all(connection: &Connection, selection: &Selection) -> rusqlite::Result<Result<u64, Stopped>> {
    let own = own_origin(connection)?;
    let targets: Vec<_> =
        PROJECTIONS.iter().map(|&projection| (projection, Target::fresh(connection, projection, ASIDE))).collect();
    let order = if selection.shared { "o.public_key, b.seq" } else { "e.position" };
    let sql = format!(
        "SELECT e.event_id, e.origin, e.stream, e.type, e.schema_version, e.payload, e.occurred_at FROM events e \
         LEFT JOIN outbox b ON b.position = e.position LEFT JOIN origins o ON o.id = b.origin \
         WHERE (?1 IS NULL OR e.position >= ?1) AND (?2 IS NULL OR e.position <= ?2) \
         AND (?3 IS NULL OR e.occurred_at >= ?3) AND (?4 IS NULL OR e.occurred_at < ?4) \
         AND (?5 IS NULL OR e.stream = ?5) AND (?6 IS NULL OR e.correlation_id = ?6) \
         AND (?7 = 0 OR b.seq IS NOT NULL) ORDER BY {order}"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![
        selection.from,
        selection.until,
        selection.since,
        selection.before,
        selection.stream,
        selection.correlation.map(Uuid::into_bytes),
        selection.shared,
    ])?;
    let mut events = 0_u64;
    while let Some(row) = rows.next()? {
        events += 1;
        let Some(event) = applied(row, events, own)? else { continue };
        for (projection, target) in targets.iter().filter(|(projection, _)| projection.kinds().contains(&event.kind)) {
            if let Err(error) = give(*projection, target, &event).and_then(|()| Ok(target.write_some()?)) {
                let outcome = failed(event.position, error)?;
                let reason = match outcome {
                    projection::Outcome::Failed { reason, .. } => reason,
                    projection::Outcome::Applied => String::new(),
                };
                return Ok(Err((projection.name(), event.position, reason)));
            }
        }
    }
    for (_, target) in &targets {
        target.write()?;
    }
    Ok(Ok(events))
}

fn applied<'r>(row: &'r Row<'_>, number: u64, own: i64) -> rusqlite::Result<Option<Applied<'r>>> {
    let Some(kind) = kind_named(row.get_ref(3)?.as_str()?, row.get_ref(2)?.as_str()?) else { return Ok(None) };
    let origin: i64 = row.get(1)?;
    Ok(Some(Applied {
        position: number.cast_signed(),
        event_id: Uuid::from_bytes(row.get(0)?),
        origin,
        foreign: origin != own,
        stream: row.get_ref(2)?.as_str()?,
        occurred_at: row.get(6)?,
        kind,
        body: Body::Stored { schema: row.get(4)?, payload: row.get_ref(5)?.as_str()? },
    }))
}

fn sum_up(connection: &Connection, events: u64) -> rusqlite::Result<Replayed> {
    let mut tables = Vec::new();
    let mut state = blake3::Hasher::new();
    for projection in PROJECTIONS {
        for table in projection.tables() {
            let (rows, hash) = hash_rows(connection, &table.select_all(ASIDE))?;
            state.update(table.name.as_bytes()).update(&rows.to_le_bytes()).update(&hash);
            tables.push(Table { name: table.name, rows, hash });
        }
    }
    Ok(Replayed { events, tables, state: state.finalize().into() })
}

/// The rows' own hashes, sorted: the order in which they lie does not count. The number of an origin is this ledger's own,
/// and follows from the flake.
fn hash_rows(connection: &Connection, sql: &str) -> rusqlite::Result<(u64, Hash)> {
    let mut statement = connection.prepare(sql)?;
    let names = statement.column_names().enumerate();
    let told: Vec<usize> = names.filter(|(_, name)| *name != "origin").map(|(column, _)| column).collect();
    let mut rows = statement.query([])?;
    let mut told_rows: Vec<Hash> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut one = blake3::Hasher::new();
        add_row(row, &told, &mut one)?;
        told_rows.push(one.finalize().into());
    }
    told_rows.sort_unstable();
    let mut all = blake3::Hasher::new();
    for row in &told_rows {
        all.update(row);
    }
    Ok((told_rows.len() as u64, all.finalize().into()))
}

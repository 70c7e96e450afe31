//! One short transaction of a build: events from where the last one stopped, and the swap when there are no more.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::store::projection::{
    self, Applied, Body, Outcome, Projection, Target, failed, give, kind_named, own_origin,
};

/// What one chunk came to.
pub(super) enum Step {
    /// There is more to do.
    More { position: i64, head: i64 },
    /// The tables are live, be it by another process's work.
    Done { position: i64 },
    /// An event could not be taken in.
    Failed { position: i64, reason: String },
}

/// One row of the table `projections`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) revision: u32,
    pub(super) generation: i64,
    pub(super) position: i64,
    /// Whether it failed or has not taken all events in.
    pub(super) behind: bool,
}

const ENTRY: &str = "SELECT revision, generation, position, \
                     state = 'failed' OR position < (SELECT coalesce(max(position), 0) FROM events) \
                     FROM projections WHERE name = ?1";

/// The generation that readers see.
pub(super) fn readable(connection: &Connection, projection: &dyn Projection) -> rusqlite::Result<Option<Entry>> {
    entry(connection, &format!("{ENTRY} AND state <> 'building'"), projection)
}

/// The generation that is being built, or caught up.
pub(super) fn building(connection: &Connection, projection: &dyn Projection) -> rusqlite::Result<Option<Entry>> {
    entry(connection, &format!("{ENTRY} AND state = 'building'"), projection)
}

/// Lets a generation that fell behind be built from where it stands.
pub(super) fn retry(connection: &mut Connection, projection: &dyn Projection, generation: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM projections WHERE name = ?1 AND state = 'building'", [projection.name()])?;
    let sql = "UPDATE projections SET state = 'building', error = NULL WHERE name = ?1 AND generation = ?2";
    transaction.execute(sql, (projection.name(), generation))?;
    transaction.commit()
}

/// Takes up to `size` events in, in one transaction; returns how long that held the write lock.
pub(super) fn run(
    connection: &mut Connection,
    projection: &'static dyn Projection,
    size: i64,
) -> rusqlite::Result<(Step, Duration)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let begun = Instant::now();
    let step = step(&transaction, projection, size)?;
    transaction.commit()?;
    Ok((step, begun.elapsed()))
}

/// Empties a table in short transactions, then drops it.
pub(super) fn drain(connection: &mut Connection, table: &str) -> rusqlite::Result<()> {
    let key: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let key = key.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    let sql = format!("DELETE FROM \"{table}\" WHERE ({key}) IN (SELECT {key} FROM \"{table}\" LIMIT 1000)");
    while !key.is_empty() && connection.execute(&sql, [])? > 0 {
        std::thread::yield_now();
    }
    connection.execute_batch(&format!("DROP TABLE \"{table}\""))
}

fn entry(connection: &Connection, sql: &str, projection: &dyn Projection) -> rusqlite::Result<Option<Entry>> {
    let read = |row: &Row<'_>| {
        Ok(Entry { revision: row.get(0)?, generation: row.get(1)?, position: row.get(2)?, behind: row.get(3)? })
    };
    connection.prepare_cached(sql)?.query_row([projection.name()], read).optional()
}

fn step(transaction: &Transaction<'_>, projection: &'static dyn Projection, size: i64) -> rusqlite::Result<Step> {
    let head: i64 =
        transaction.prepare_cached("SELECT coalesce(max(position), 0) FROM events")?.query_row([], |row| row.get(0))?;
    let Some(entry) = building(transaction, projection)? else { return Ok(Step::Done { position: head }) };
    let last = head.min(entry.position.saturating_add(size));
    if let Outcome::Failed { position, reason } =
        take_in(transaction, projection, (entry.position, last), entry.generation)?
    {
        fail(transaction, projection, entry, position, &reason)?;
        return Ok(Step::Failed { position, reason });
    }
    if last < head {
        let sql = "UPDATE projections SET position = ?3 WHERE name = ?1 AND generation = ?2";
        transaction.prepare_cached(sql)?.execute((projection.name(), entry.generation, last))?;
        return Ok(Step::More { position: last, head });
    }
    swap(transaction, projection, entry.generation, last)?;
    Ok(Step::Done { position: last })
}

/// Takes the events of the wanted kinds after one position and up to another in, all or none. The walk goes by
/// position; payloads of other kinds stay unread.
pub(super) fn take_in(
    connection: &Connection,
    projection: &'static dyn Projection,
    (after, last): (i64, i64),
    generation: i64,
) -> rusqlite::Result<Outcome> {
    connection.prepare_cached("SAVEPOINT projection")?.execute([])?;
    let outcome = apply_range(connection, projection, (after, last), generation)?;
    if let Outcome::Failed { .. } = outcome {
        connection.prepare_cached("ROLLBACK TO projection")?.execute([])?;
    }
    connection.prepare_cached("RELEASE projection")?.execute([])?;
    Ok(outcome)
}

fn apply_range(
    connection: &Connection,
    projection: &'static dyn Projection,
    range: (i64, i64),
    generation: i64,
) -> rusqlite::Result<Outcome> {
    let kinds: Vec<String> = projection.kinds().iter().map(|kind| format!("'{}'", kind.name())).collect();
    let sql = format!(
        "SELECT position, event_id, origin, stream, type, schema_version, payload, occurred_at FROM events \
         WHERE position > ?1 AND position <= ?2 AND +type IN ({}) ORDER BY position",
        kinds.join(", ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(range)?;
    let target = Target::new(connection, generation);
    let own = own_origin(connection)?;
    while let Some(row) = rows.next()? {
        let Some(kind) = kind_named(row.get_ref(4)?.as_str()?) else { continue };
        let event = Applied {
            position: row.get(0)?,
            event_id: Uuid::from_bytes(row.get(1)?),
            origin: row.get(2)?,
            foreign: row.get::<_, i64>(2)? != own,
            stream: row.get_ref(3)?.as_str()?,
            occurred_at: row.get(7)?,
            kind,
            body: Body::Stored { schema: row.get(5)?, payload: row.get_ref(6)?.as_str()? },
        };
        if let Err(error) = give(projection, &target, connection, &event) {
            return failed(event.position, error);
        }
    }
    Ok(Outcome::Applied)
}

/// Readers see the new generation from here on; the old one is swept later.
fn swap(
    transaction: &Transaction<'_>,
    projection: &'static dyn Projection,
    generation: i64,
    position: i64,
) -> rusqlite::Result<()> {
    transaction
        .execute("DELETE FROM projections WHERE name = ?1 AND generation <> ?2", (projection.name(), generation))?;
    let sql = "UPDATE projections SET state = 'live', position = ?3, error = NULL WHERE name = ?1 AND generation = ?2";
    transaction.execute(sql, (projection.name(), generation, position))?;
    projection::point_views(transaction, projection, generation)
}

/// A build that fails leaves what readers see alone; the first one there ever was is shown as it stands.
fn fail(
    transaction: &Transaction<'_>,
    projection: &'static dyn Projection,
    entry: Entry,
    position: i64,
    reason: &str,
) -> rusqlite::Result<()> {
    let error = format!("event {position}: {reason}");
    if let Some(shown) = readable(transaction, projection)? {
        transaction.execute("DELETE FROM projections WHERE name = ?1 AND state = 'building'", [projection.name()])?;
        let sql = "UPDATE projections SET error = ?3 WHERE name = ?1 AND generation = ?2";
        transaction.execute(sql, (projection.name(), shown.generation, error))?;
        return Ok(());
    }
    let sql = "UPDATE projections SET state = 'failed', error = ?3 WHERE name = ?1 AND generation = ?2";
    transaction.execute(sql, (projection.name(), entry.generation, error))?;
    projection::point_views(transaction, projection, entry.generation)
}

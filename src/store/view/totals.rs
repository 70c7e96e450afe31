//! How much there is, for status lines.

use rusqlite::Connection;

use super::At;
use super::query::rows;
use crate::store::StoreError;

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events in the log: the position of the last one.
    pub events: u64,
    /// Flakes that are there.
    pub flakes: u64,
    /// Those of them that are this machine's.
    pub own_flakes: u64,
    /// Their inputs.
    pub inputs: u64,
    /// The nodes of their locks, the roots not counted.
    pub lock_nodes: u64,
    /// Open problems.
    pub problems: u64,
}

/// A part of the read model and how far it has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionRow {
    /// Its name.
    pub name: String,
    /// `live`, `building` or `failed`.
    pub state: String,
    /// The last event that it took in.
    pub position: i64,
    /// How many events it has not taken in.
    pub behind: i64,
    /// Why it failed.
    pub error: Option<String>,
}

const COUNTS: &str = "
SELECT (SELECT count(*) FROM {live_flakes} f WHERE NOT {succeeded}) AS flakes,
       (SELECT count(*) FROM {live_flakes} f JOIN origins o ON o.id = f.origin WHERE o.is_self = 1) AS own_flakes,
       (SELECT count(*) FROM {inputs}) AS inputs,
       (SELECT count(*) FROM {lock_nodes} WHERE is_root = 0) AS lock_nodes,
       (SELECT count(*) FROM {problems} WHERE flake IS NULL
        OR flake IN (SELECT f.id FROM {live_flakes} f WHERE NOT {succeeded})) AS problems";

/// How much there is at a moment; the events are always counted to the end of the log.
pub fn counts(connection: &Connection, at: At) -> Result<Counts, StoreError> {
    let events = head(connection)?.unsigned_abs();
    let found = rows(connection, COUNTS, at, [], |row| {
        let count = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Counts {
            events,
            flakes: count("flakes")?,
            own_flakes: count("own_flakes")?,
            inputs: count("inputs")?,
            lock_nodes: count("lock_nodes")?,
            problems: count("problems")?,
        })
    })?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// The position of the last event; zero for an empty log.
pub fn head(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(position), 0) FROM events";
    Ok(rows(connection, sql, At::Now, [], |row| row.get(0))?.into_iter().next().unwrap_or(0))
}

/// How many events there were at a moment.
pub fn events_at(connection: &Connection, at: At) -> Result<u64, StoreError> {
    let count = match at {
        At::Now => head(connection)?,
        At::Position(position) => position.min(head(connection)?).max(0),
        At::Occurred(time) => {
            let sql = "SELECT count(*) FROM events WHERE occurred_at <= ?1";
            rows(connection, sql, At::Now, [time], |row| row.get(0))?.into_iter().next().unwrap_or(0)
        }
    };
    Ok(count.unsigned_abs())
}

/// The parts of the read model, by name.
pub fn projections(connection: &Connection) -> Result<Vec<ProjectionRow>, StoreError> {
    let sql = "SELECT name, state, position, error, (SELECT coalesce(max(position), 0) FROM events) - position AS behind \
               FROM projections ORDER BY name, generation";
    rows(connection, sql, At::Now, [], |row| {
        Ok(ProjectionRow {
            name: row.get("name")?,
            state: row.get("state")?,
            position: row.get("position")?,
            behind: row.get("behind")?,
            error: row.get("error")?,
        })
    })
}

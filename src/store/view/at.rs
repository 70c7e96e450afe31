//! The moment that is looked at, and the one place that knows how tables with intervals are cut at it.

use rusqlite::{Connection, OptionalExtension};

use super::query::failed;
use crate::store::StoreError;

/// Which moment a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// What is true now.
    #[default]
    Now,
    /// What was true then, in microseconds since 1970 UTC.
    Occurred(i64),
    /// What the ledger knew after the event at this position.
    Position(i64),
}

/// What the ledger knew at a time: the position of the last event recorded by then.
pub fn seen(connection: &Connection, recorded_at: i64) -> Result<At, StoreError> {
    last_recorded_by(connection, recorded_at).map(At::Position).map_err(|error| failed(connection, error))
}

impl At {
    /// The condition that rows with an interval meet at this moment.
    pub(crate) fn condition(self) -> String {
        match self {
            Self::Now => "valid_to IS NULL".to_owned(),
            Self::Occurred(at) => format!("valid_from <= {at} AND (valid_to IS NULL OR valid_to > {at})"),
            Self::Position(at) => format!("from_position <= {at} AND (to_position IS NULL OR to_position > {at})"),
        }
    }

    /// The condition that rows about one event meet once it has happened.
    pub(crate) fn happened(self) -> String {
        match self {
            Self::Now => "1".to_owned(),
            Self::Occurred(at) => format!("occurred_at <= {at}"),
            Self::Position(at) => format!("position <= {at}"),
        }
    }
}

/// Positions are handed out in the order of recording, so halving finds the last one without a scan.
fn last_recorded_by(connection: &Connection, recorded_at: i64) -> rusqlite::Result<i64> {
    let mut probe =
        connection.prepare_cached("SELECT recorded_at FROM events WHERE position >= ?1 ORDER BY position LIMIT 1")?;
    let mut late = connection.query_row("SELECT coalesce(max(position), 0) + 1 FROM events", [], |row| row.get(0))?;
    let mut early = 0_i64;
    while late - early > 1 {
        let middle = early + (late - early) / 2;
        let recorded: Option<i64> = probe.query_row([middle], |row| row.get(0)).optional()?;
        if recorded.is_some_and(|at| at <= recorded_at) { early = middle } else { late = middle }
    }
    Ok(early)
}

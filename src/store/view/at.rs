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
    /// The condition that an interval meets which has begun by this moment; none for now, when all have.
    pub(crate) fn begun(self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Occurred(at) => Some(format!("valid_from <= {at}")),
            Self::Position(at) => Some(format!("from_position <= {at}")),
        }
    }

    /// The condition that an interval of the past meets which had not ended by this moment; none for now, when all have.
    pub(crate) fn unended(self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Occurred(at) => Some(format!("valid_to > {at}")),
            Self::Position(at) => Some(format!("to_position > {at}")),
        }
    }

    /// The condition that rows about one event meet once it has happened; none for now, when all have.
    pub(crate) fn happened(self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Occurred(at) => Some(format!("occurred_at <= {at}")),
            Self::Position(at) => Some(format!("position <= {at}")),
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

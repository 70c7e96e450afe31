//! Unlearning what an erased event told: the next scan reads the files of which it told again and records what is still so,
//! and `undo` has no text of them. Knows no read model.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use super::edits;
use super::undo::Undo;
use super::{FileRow, path_at};
use crate::domain::catalogue::Event;
use crate::domain::finding::event::FindingEvent;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::id::read_id;
use crate::domain::lock_history::LockHistoryEvent;
use crate::domain::module::ModuleEvent;
use crate::domain::overlay::OverlayEvent;
use crate::domain::path::RecordedPath;
use crate::domain::pins::PinsEvent;
use crate::domain::stream::{Aggregate, StreamId};
use crate::store::log::Recorded;

/// Which edits have no text for `undo` any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanked {
    /// Those of the files of which the event told.
    There,
    /// All there are, as it is not recorded any more where the flake was.
    Everywhere,
}

/// Makes a scan take the files of the event's flake for unread, or those without a flake, and blanks the texts of edits where
/// the event told of. The event is as it was.
pub(crate) fn unlearn(connection: &Connection, event: &Recorded) -> rusqlite::Result<Blanked> {
    let Some(aggregate) = event.stream.parse::<StreamId>().ok().map(|stream| stream.aggregate()) else {
        return Ok(Blanked::There);
    };
    let flake = flake(event, aggregate);
    if flake.is_none() && matches!(aggregate, Aggregate::Config | Aggregate::Ledger) {
        // A profile of the machine: it is looked at every time, and nothing there is edited. Nor in the ledger itself.
        return Ok(Blanked::There);
    }
    read_again(connection, flake)?;
    if let Ok(Event::LockHistory(LockHistoryEvent::Unreachable { flake, .. })) = event.event() {
        // Which commits are gone is asked for where the end of the last reading is not known.
        connection.execute("DELETE FROM history_cursors WHERE flake = ?1", [flake.uuid().as_bytes()])?;
    }
    let places = places(connection, event, flake)?;
    if places.is_empty() {
        // One that is kept cannot be taken back.
        edits::erase_where(connection, &Undo::AllErased, |_| true)?;
        return Ok(Blanked::Everywhere);
    }
    edits::erase_where(connection, &Undo::Erased, |path| places.iter().any(|place| path.starts_with(place)))?;
    Ok(Blanked::There)
}

/// Whether anything of ours was erased since the ledger ended at a position: what makes it blank brings the event that says so.
pub(super) fn is_since(connection: &Connection, head: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM events WHERE type = 'ledger.erased' AND position > ?1 \
               AND origin = (SELECT id FROM origins WHERE is_self = 1))";
    connection.prepare_cached(sql)?.query_row([head], |row| row.get(0))
}

/// The rows stay, as by them a scan knows what is gone, and the stamps, as by them it knows on which disk that was. No
/// extractor has the number that is left, and no text has this hash.
fn read_again(connection: &Connection, flake: Option<Uuid>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE files SET extractor = extractor & ?2, content = zeroblob(32) WHERE flake IS ?1")?
        .execute(params![flake.map(Uuid::into_bytes), FileRow::CHECKED])
        .map(drop)
}

/// Where the event's flake is and was, as what was seen and all its events tell; of what is in no flake, as the event tells.
fn places(connection: &Connection, event: &Recorded, flake: Option<Uuid>) -> rusqlite::Result<BTreeSet<PathBuf>> {
    let mut places: BTreeSet<PathBuf> = told(event).into_iter().collect();
    let Some(flake) = flake else { return Ok(places) };
    let seen: Vec<PathBuf> = connection
        .prepare_cached("SELECT path FROM files WHERE flake = ?1")?
        .query_map([flake.into_bytes()], |row| path_at(row, 0))?
        .collect::<Result<_, _>>()?;
    places.extend(seen);
    // What was seen goes when the flake is forgotten or removed; what was recorded stays.
    let sql = format!("SELECT {} FROM events WHERE stream = ?1", Recorded::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let recorded = statement.query_map([format!("{}/{flake}", Aggregate::Flake.name())], Recorded::from_row)?;
    for recorded in recorded {
        places.extend(told(&recorded?));
    }
    Ok(places)
}

/// The directories and files that an event names by their whole paths.
fn told(event: &Recorded) -> Vec<PathBuf> {
    let named: Vec<&RecordedPath> = match event.event() {
        Ok(Event::Flake(event)) => told_of_flake(event),
        Ok(Event::Finding(
            FindingEvent::Raised { subject, .. }
            | FindingEvent::Changed { subject, .. }
            | FindingEvent::Resolved { subject, .. }
            | FindingEvent::Suppressed { subject, .. },
        )) => vec![&subject.file],
        Ok(
            Event::Module(
                ModuleEvent::Discovered { file, .. }
                | ModuleEvent::Updated { file, .. }
                | ModuleEvent::Deleted { file },
            )
            | Event::Overlay(
                OverlayEvent::Discovered { file, .. }
                | OverlayEvent::Updated { file, .. }
                | OverlayEvent::Deleted { file },
            ),
        ) => vec![&file.path],
        Ok(Event::Pins(
            PinsEvent::Discovered { file, .. } | PinsEvent::Updated { file, .. } | PinsEvent::Removed { file },
        )) => vec![file],
        _ => Vec::new(),
    };
    named.into_iter().map(RecordedPath::to_path).filter(|path| path.is_absolute()).collect()
}

fn told_of_flake(event: &FlakeEvent) -> Vec<&RecordedPath> {
    match event {
        FlakeEvent::Discovered(found) => vec![&found.directory],
        FlakeEvent::Moved { from, to } => vec![from, to],
        FlakeEvent::Removed { directory } | FlakeEvent::Forgotten { directory } => vec![directory],
        _ => Vec::new(),
    }
}

/// The flake of which the event tells.
fn flake(event: &Recorded, aggregate: Aggregate) -> Option<Uuid> {
    match aggregate {
        Aggregate::Flake | Aggregate::LockHistory => event.stream.split_once('/').and_then(|(_, id)| id.parse().ok()),
        _ => {
            let payload: Value = serde_json::from_str(&event.payload).ok()?;
            payload.get("flake").and_then(read_id)
        }
    }
}

//! What this machine remembers of the files of which an erased event told: the next scan looks at them again and records what
//! is still so, and `undo` has no text of them. Knows no read model.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use super::edits;
use super::path_at;
use crate::domain::id::read_id;
use crate::domain::stream::{Aggregate, StreamId};
use crate::store::log::Recorded;

/// Makes a scan take the files of the event's flake for unread, or those without a flake, and blanks the texts of edits there.
/// The event is as it was.
pub(crate) fn forget_what_was_seen(connection: &Connection, event: &Recorded) -> rusqlite::Result<()> {
    let Some(aggregate) = event.stream.parse::<StreamId>().ok().map(|stream| stream.aggregate()) else { return Ok(()) };
    let flake = flake(event, aggregate);
    if flake.is_none() && aggregate == Aggregate::Config {
        // A profile of the machine: it is looked at every time, and nothing there is edited.
        return Ok(());
    }
    let flake = flake.map(Uuid::into_bytes);
    // The rows stay, as by them a scan knows what is gone, and the stamps, as by them it knows on which disk that was. No
    // extractor has the number that is left, whose highest bit tells Nix files from flakes, and no text has this hash.
    connection
        .prepare_cached(
            "UPDATE files SET extractor = extractor & 0x80000000, content = zeroblob(32) WHERE flake IS ?1",
        )?
        .execute(params![flake])?;
    let places: Vec<PathBuf> = connection
        .prepare_cached("SELECT path FROM files WHERE flake IS ?1")?
        .query_map(params![flake], |row| path_at(row, 0))?
        .collect::<Result<_, _>>()?;
    // Where it is not known where the flake was, every text goes: one that is kept cannot be taken back.
    edits::erase_where(connection, |path| places.is_empty() || places.iter().any(|place| path.starts_with(place)))
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

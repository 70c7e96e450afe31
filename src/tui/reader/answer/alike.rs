//! What a search of the history may have meant: names that the ledger knows and that hold its letters in their order. So a
//! million events are not matched one by one; the names are few, and the ledger is asked for what is called so.

use rusqlite::Connection;

use super::Names;
use crate::domain::catalogue::EVENTS;
use crate::store::StoreError;
use crate::store::view::{self, Alike};
use crate::tui::fuzzy;

/// Fewer letters are like nearly everything.
const LEAST: usize = 3;
/// How many flakes, and how many inputs, are taken at most, the best first.
const FLAKES: usize = 50;
const INPUTS: usize = 4;

/// The flakes, types and inputs whose names are like a text.
pub(super) fn names(connection: &Connection, text: &str, names: &Names) -> Result<Alike, StoreError> {
    if text.trim().chars().count() < LEAST {
        return Ok(Alike::default());
    }
    let kinds: Vec<String> = EVENTS.iter().map(|kind| kind.name()).collect();
    let flakes: Vec<(&String, &str)> =
        names.0.iter().map(|(id, path)| (id, path.rsplit('/').next().unwrap_or_default())).collect();
    let folders: Vec<&str> = flakes.iter().map(|(_, folder)| *folder).collect();
    let inputs = view::input_names(connection)?;
    let best = |found: Vec<usize>, most: usize| found.into_iter().take(most);
    Ok(Alike {
        flakes: best(fuzzy::rank(text, &folders), FLAKES).filter_map(|at| flakes.get(at)?.0.parse().ok()).collect(),
        kinds: best(fuzzy::rank(text, &kinds), kinds.len()).filter_map(|at| kinds.get(at).cloned()).collect(),
        words: best(fuzzy::rank(text, &inputs), INPUTS).filter_map(|at| inputs.get(at).cloned()).collect(),
    })
}

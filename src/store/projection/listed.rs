//! Names in one column, as JSON, and what a change makes of them.

use super::ApplyError;
use super::cell::Cell;
use crate::domain::nix_file::{Names, NamesChange};

/// Names as a column holds them.
pub(super) fn cell(names: &Names) -> Result<Cell, ApplyError> {
    Ok(serde_json::to_string(names)?.into())
}

/// A column of names after a change; one that is not there has none.
pub(super) fn changed(before: Option<&Cell>, change: &NamesChange) -> Result<Cell, ApplyError> {
    let mut names: Names = match before.and_then(Cell::text) {
        Some(text) => serde_json::from_str(text)?,
        None => Names::new(),
    };
    change.apply(&mut names);
    cell(&names)
}

/// How many names a column holds.
pub(super) fn count(names: &Cell) -> Result<usize, ApplyError> {
    Ok(serde_json::from_str::<Names>(names.text().unwrap_or("[]"))?.len())
}

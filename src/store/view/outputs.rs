//! What a flake gives, as far as that is known without evaluation.

use rusqlite::Connection;

use super::At;
use super::query::rows;
use crate::domain::id::FlakeId;
use crate::store::StoreError;

/// One attribute path of the outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRow {
    /// The attribute path: `packages.x86_64-linux.default`.
    pub path: String,
    /// Why what is below the path cannot be known; absent for a path that certainly exists.
    pub unknown: Option<String>,
}

/// The outputs of a flake, in path order, the certain ones first.
pub fn outputs(connection: &Connection, flake: FlakeId, at: At) -> Result<Vec<OutputRow>, StoreError> {
    let sql = "SELECT path, CASE known WHEN 0 THEN reason END AS unknown FROM {outputs} WHERE flake = ?1 \
               ORDER BY known DESC, path, reason";
    rows(connection, sql, at, [flake.to_string()], |row| {
        Ok(OutputRow { path: row.get("path")?, unknown: row.get("unknown")? })
    })
}

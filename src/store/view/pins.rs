//! What files pin without a flake.

use rusqlite::{Connection, Row};

use super::At;
use super::query::{json, rows};
use crate::domain::Attrs;
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// One pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRow {
    /// The file.
    pub file: RecordedPath,
    /// Whose file it is: `npins`, `niv` or `channels`.
    pub manager: String,
    /// Its name.
    pub name: String,
    /// Its attributes, as a lock would write them.
    pub attrs: Attrs,
    /// Since when it has been pinned like this.
    pub since: i64,
}

const PINS: &str = "
SELECT p.file, p.file_bytes, p.manager, p.name, p.attrs, p.valid_from AS since
FROM {pins} p JOIN {pin_files} f ON f.file_id = p.file_id JOIN origins o ON o.id = f.origin
WHERE o.is_self = 1 ORDER BY p.file, p.name";

const FILES: &str = "
SELECT f.file, f.file_bytes, f.manager FROM {pin_files} f JOIN origins o ON o.id = f.origin
WHERE o.is_self = 1 ORDER BY f.file";

/// The pins of this machine, by file and name.
pub fn pins(connection: &Connection, at: At) -> Result<Vec<PinRow>, StoreError> {
    rows(connection, PINS, at, [], |row| {
        Ok(PinRow {
            file: file(row)?,
            manager: row.get("manager")?,
            name: row.get("name")?,
            attrs: json(row, "attrs")?,
            since: row.get("since")?,
        })
    })
}

/// The files of this machine that pin something now, in path order, and whose they are.
pub fn pin_files(connection: &Connection) -> Result<Vec<(RecordedPath, String)>, StoreError> {
    rows(connection, FILES, At::Now, [], |row| Ok((file(row)?, row.get("manager")?)))
}

fn file(row: &Row<'_>) -> rusqlite::Result<RecordedPath> {
    Ok(RecordedPath::from_parts(row.get("file")?, row.get("file_bytes")?))
}

//! The files of which something is recorded now, apart from what they are: a scan compares them with what it came by.

use rusqlite::{Connection, Row};

use super::At;
use super::flakes::read_path;
use super::modules::flake_of;
use super::query::{parsed, rows};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::store::StoreError;

/// A file of which something is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// The stream that tells it.
    pub stream: StreamId,
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The path of a module or an overlay inside its flake; the whole path of one without a flake, and of one with problems.
    pub path: RecordedPath,
}

/// The origin of a problem shows in its stream alone.
const FILES: &str = "
SELECT 'module/' || m.file_id AS stream, m.flake, m.path, m.path_bytes
FROM {modules} m JOIN origins o ON o.id = m.origin WHERE o.is_self = 1
UNION ALL SELECT 'overlay/' || v.file_id, v.flake, v.path, v.path_bytes
FROM {overlays} v JOIN origins o ON o.id = v.origin WHERE o.is_self = 1
UNION ALL SELECT DISTINCT p.stream, p.flake, p.path, p.path_bytes FROM {problems} p";

const WITHOUT_A_FLAKE: &str = "
SELECT DISTINCT p.stream, p.flake, p.path, p.path_bytes FROM {problems} p WHERE p.flake IS NULL";

/// The modules and overlays of this machine, and the files with problems of every machine.
pub fn recorded_files(connection: &Connection) -> Result<Vec<RecordedFile>, StoreError> {
    rows(connection, FILES, At::Now, [], read)
}

/// The files with problems that belong to no flake, of every machine.
pub fn found_without_a_flake(connection: &Connection) -> Result<Vec<RecordedFile>, StoreError> {
    rows(connection, WITHOUT_A_FLAKE, At::Now, [], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RecordedFile> {
    Ok(RecordedFile { stream: parsed(row, "stream")?, flake: flake_of(row)?, path: read_path(row)? })
}

//! Streams of this machine, with what they are about: what consent is asked by.

use rusqlite::{Connection, Row};

use super::At;
use super::flakes::read_path;
use super::modules::flake_of;
use super::query::{json, parsed, rows};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::store::StoreError;

/// The stream of something that a flake or a file holds, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldStream {
    /// The stream.
    pub stream: StreamId,
    /// The flake that holds it.
    pub flake: Option<FlakeId>,
    /// The file, whole where there is no flake; empty for a configuration of a flake.
    pub path: RecordedPath,
}

/// Both what is and what was: a stream is shared from its first event on. Channels are the machine's, wherever their file lies.
const HELD: &str = "
SELECT t.stream, t.flake, t.path, t.path_bytes FROM (
  SELECT 'module/' || file_id AS stream, origin, flake, path, path_bytes FROM {modules}
  UNION SELECT 'module/' || file_id, origin, flake, path, path_bytes FROM {modules_past}
  UNION SELECT 'overlay/' || file_id, origin, flake, path, path_bytes FROM {overlays}
  UNION SELECT 'overlay/' || file_id, origin, flake, path, path_bytes FROM {overlays_past}
  UNION SELECT 'config/' || config, origin, flake, '', NULL FROM {configs}
  UNION SELECT 'config/' || config, origin, flake, '', NULL FROM {configs_past}
  UNION SELECT 'pins/' || file_id, origin, NULL, file, file_bytes FROM {pin_files} WHERE manager <> 'channels'
  UNION SELECT 'pins/' || file_id, origin, NULL, file, file_bytes FROM {pin_files_past} WHERE manager <> 'channels'
) t JOIN origins o ON o.id = t.origin WHERE o.is_self = 1 ORDER BY t.stream";

/// A configuration as it is, or once was, with the files that it takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// Its stream.
    pub stream: StreamId,
    /// Paths inside the flake, without secrets.
    pub files: Vec<String>,
    /// How many names of it, perhaps of such files, there was no room for.
    pub left_out: u64,
}

const CONFIG_FILES: &str = "
SELECT 'config/' || config AS stream, modules, left_out FROM {configs} WHERE flake = ?1
UNION SELECT 'config/' || config, modules, left_out FROM {configs_past} WHERE flake = ?1 ORDER BY stream";

const SYSTEM: &str = "
SELECT t.stream FROM (
  SELECT DISTINCT 'config/' || config AS stream, origin FROM {generations}
  UNION SELECT 'pins/' || file_id, origin FROM {pin_files} WHERE manager = 'channels'
  UNION SELECT 'pins/' || file_id, origin FROM {pin_files_past} WHERE manager = 'channels'
) t JOIN origins o ON o.id = t.origin WHERE o.is_self = 1 ORDER BY t.stream";

/// The modules, overlays and configurations of this machine's flakes, and its files without one that are such or pin something.
pub fn held_streams(connection: &Connection) -> Result<Vec<HeldStream>, StoreError> {
    let read =
        |row: &Row<'_>| Ok(HeldStream { stream: parsed(row, "stream")?, flake: flake_of(row)?, path: read_path(row)? });
    rows(connection, HELD, At::Now, [], read)
}

/// The configurations of a flake with the files that say what they are, now and at every moment before.
pub fn config_files(connection: &Connection, flake: FlakeId) -> Result<Vec<ConfigFiles>, StoreError> {
    rows(connection, CONFIG_FILES, At::Now, [flake.to_string()], |row| {
        let left_out = row.get::<_, i64>("left_out")?.unsigned_abs();
        Ok(ConfigFiles { stream: parsed(row, "stream")?, files: json(row, "modules")?, left_out })
    })
}

/// What this machine runs: the generations of its profiles, and its channels.
pub fn system_streams(connection: &Connection) -> Result<Vec<StreamId>, StoreError> {
    rows(connection, SYSTEM, At::Now, [], |row| parsed(row, "stream"))
}

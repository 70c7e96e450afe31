//! Which generation of a machine's profiles was current when.

use rusqlite::{Connection, Row};

use super::query::rows;
use super::{At, Whose};
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// One time that a generation was the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationRow {
    /// The public key of the origin whose machine it is.
    pub origin: String,
    /// The profile.
    pub profile: RecordedPath,
    /// Its number.
    pub number: u64,
    /// What it is: a path in the Nix store.
    pub store_path: String,
    /// The version that the system says it has.
    pub version: Option<String>,
    /// The revision of nixpkgs, in full or its beginning.
    pub revision: Option<String>,
    /// The revision of the configuration.
    pub configuration: Option<String>,
    /// Whether it was gone back to from a later one.
    pub rolled_back: bool,
    /// From when it was the current one.
    pub since: i64,
    /// Until when; absent for the one that is current at the moment.
    pub until: Option<i64>,
}

const GENERATIONS: &str = "
SELECT o.public_key AS origin, g.profile, g.profile_bytes, g.generation, g.store_path, g.version, g.revision, g.configuration, g.rolled_back,
       g.occurred_at, (SELECT n.occurred_at FROM {generations} n
                       WHERE n.config = g.config AND n.position > g.position ORDER BY n.position LIMIT 1) AS until
FROM {generations} g JOIN origins o ON o.id = g.origin
WHERE ?1 OR o.is_self = 1 ORDER BY NOT o.is_self, o.public_key, g.profile, g.position";

/// The generations of the profiles of this machine or of every one, each time that one was the current one, the first first.
pub fn generations(connection: &Connection, whose: Whose, at: At) -> Result<Vec<GenerationRow>, StoreError> {
    rows(connection, GENERATIONS, at, [whose == Whose::All], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<GenerationRow> {
    Ok(GenerationRow {
        origin: row.get("origin")?,
        profile: RecordedPath::from_parts(row.get("profile")?, row.get("profile_bytes")?),
        number: row.get::<_, i64>("generation")?.unsigned_abs(),
        store_path: row.get("store_path")?,
        version: row.get("version")?,
        revision: row.get("revision")?,
        configuration: row.get("configuration")?,
        rolled_back: row.get("rolled_back")?,
        since: row.get("occurred_at")?,
        until: row.get("until")?,
    })
}

//! The configurations that flakes have.

use rusqlite::Connection;

use super::At;
use super::query::{json, parsed, rows};
use crate::domain::id::FlakeId;
use crate::store::StoreError;

/// One configuration of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRow {
    /// The flake.
    pub flake: FlakeId,
    /// Public key of the origin that recorded it.
    pub origin: String,
    /// What it is for: `nixos`, `darwin` or `home`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The system, where the flake says it.
    pub system: Option<String>,
    /// Its modules, as paths inside the flake.
    pub modules: Vec<String>,
    /// The users that these define.
    pub users: Vec<String>,
    /// The services that these enable.
    pub services: Vec<String>,
    /// What else may be part of it, each with why.
    pub unknown: Vec<String>,
    /// How many names there was no room for.
    pub left_out: u64,
    /// Since when it has been so.
    pub since: i64,
}

const CONFIGS: &str = "
SELECT c.flake, o.public_key AS origin, c.kind, c.name, c.system, c.modules, c.users, c.services, c.unknown, c.left_out,
       c.valid_from AS since
FROM {configs} c JOIN origins o ON o.id = c.origin
WHERE (?1 IS NULL OR c.flake = ?1) AND c.flake IN (SELECT f.id FROM {live_flakes} f WHERE NOT {succeeded})
ORDER BY c.name, c.kind DESC, c.flake";

/// The configurations of one flake, or of all that are there, by name.
pub fn configs(connection: &Connection, flake: Option<FlakeId>, at: At) -> Result<Vec<ConfigRow>, StoreError> {
    rows(connection, CONFIGS, at, [flake.map(|id| id.to_string())], |row| {
        Ok(ConfigRow {
            flake: parsed(row, "flake")?,
            origin: row.get("origin")?,
            kind: row.get("kind")?,
            name: row.get("name")?,
            system: row.get("system")?,
            modules: json(row, "modules")?,
            users: json(row, "users")?,
            services: json(row, "services")?,
            unknown: json(row, "unknown")?,
            left_out: row.get::<_, i64>("left_out")?.unsigned_abs(),
            since: row.get("since")?,
        })
    })
}

const OF_THIS_MACHINE: &str = "
SELECT c.flake, c.kind, c.name FROM {configs} c JOIN origins o ON o.id = c.origin WHERE o.is_self = 1 ORDER BY c.flake";

/// Every configuration that this machine has recorded and that was not deleted, whatever became of its flake: flake, kind
/// and name.
pub fn recorded_configs(connection: &Connection) -> Result<Vec<(FlakeId, String, String)>, StoreError> {
    rows(connection, OF_THIS_MACHINE, At::Now, [], |row| {
        Ok((parsed(row, "flake")?, row.get("kind")?, row.get("name")?))
    })
}

//! Flakes: the list, and the one that somebody means.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;

use rusqlite::{Connection, Row, ToSql};

use super::At;
use super::query::{json, parsed, rows};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// One flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlakeRow {
    /// Its id.
    pub id: FlakeId,
    /// The public key of the origin that it belongs to.
    pub origin: String,
    /// Whether that is this machine.
    pub own: bool,
    /// The directory of its `flake.nix`.
    pub path: RecordedPath,
    /// Its own description.
    pub description: Option<String>,
    /// Which project it is.
    pub lineage: Option<String>,
    /// How many inputs it has.
    pub inputs: u64,
    /// How many nodes its lock has, the root not counted.
    pub lock_nodes: u64,
    /// The format version of its lock.
    pub lock_version: Option<u64>,
    /// When its nixpkgs was last modified, in seconds since 1970 UTC.
    pub nixpkgs_last_modified: Option<i64>,
    /// How many problems are open in its files; none when nobody tells, as another origin that has shared none of any flake.
    pub problems: Option<u64>,
    /// Its `nixConfig`, values as text.
    pub nix_config: BTreeMap<String, String>,
    /// When it was first seen.
    pub discovered_at: i64,
    /// When it changed last.
    pub changed_at: i64,
    /// The version of the extractor that read it.
    pub extractor: u32,
}

/// One flake that is or was known, for whoever looks for flakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFlakeRow {
    /// Its id.
    pub id: FlakeId,
    /// The public key of the origin that it belongs to.
    pub origin: String,
    /// Its directory, or the last one it had.
    pub directory: RecordedPath,
    /// Whether it is gone, or no longer watched.
    pub removed: bool,
    /// Whether the user wants to hear no more of it.
    pub forgotten: bool,
}

const FLAKES: &str = "
SELECT f.id, o.public_key AS origin, o.is_self, f.path, f.path_bytes, f.description, f.lineage, f.nix_config,
       f.discovered_at, f.changed_at, f.extractor,
       (SELECT count(*) FROM {inputs flake = f.id} i WHERE i.flake = f.id) AS inputs,
       (SELECT count(*) FROM {lock_nodes flake = f.id} n WHERE n.flake = f.id AND n.is_root = 0) AS lock_nodes,
       (SELECT l.version FROM {locks flake = f.id} l WHERE l.flake = f.id) AS lock_version,
       (SELECT max(n.last_modified) FROM {lock_nodes flake = f.id} n WHERE n.flake = f.id AND n.is_nixpkgs = 1) AS nixpkgs_last_modified,
       CASE WHEN {tells_problems} THEN (SELECT count(*) FROM {problems flake = f.id} p WHERE p.flake = f.id) END AS problems
FROM {live_flakes} f JOIN origins o ON o.id = f.origin";

/// Whose flakes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of this machine.
    Own,
    /// Those of every machine whose events are here, but those that another goes on from after a fork.
    All,
}

/// The flakes that are there, in the order of their paths.
pub fn flakes(connection: &Connection, whose: Whose, at: At) -> Result<Vec<FlakeRow>, StoreError> {
    let which = match whose {
        Whose::Own => "WHERE o.is_self = 1",
        Whose::All => "WHERE NOT {succeeded}",
    };
    rows(connection, &format!("{FLAKES} {which} ORDER BY f.path, f.id"), at, [], read_flake)
}

/// The one flake that is meant: by its path, its id, or a beginning of its id that no other has. A path means this
/// machine's flake, when it has one there.
pub fn flake(connection: &Connection, selector: &str, at: At) -> Result<FlakeRow, StoreError> {
    let path = without_flake_nix(selector);
    let mut found = at_path(connection, "f.path = ?1", at, &[&path])?;
    if found.is_empty() {
        found = by_id(connection, selector, at)?;
    }
    only(found, selector)
}

/// The flakes in directories of a name, in the order of their paths; those of this machine, when it has any.
pub fn flakes_named(connection: &Connection, name: &OsStr, at: At) -> Result<Vec<FlakeRow>, StoreError> {
    // What is not UTF-8 may read alike.
    let alike = format!("{FLAKES} WHERE NOT {{succeeded}} AND substr(f.path, -length(?1)) = ?1 ORDER BY f.path, f.id");
    let ending = format!("/{}", name.to_string_lossy());
    let mut found = rows(connection, &alike, at, [ending], read_flake)?;
    found.retain(|flake| flake.path.to_path().file_name() == Some(name));
    prefer_own(&mut found);
    Ok(found)
}

/// The one flake at a path, which need not be UTF-8; that of this machine, when it has one there.
pub fn flake_at(connection: &Connection, path: &RecordedPath, at: At) -> Result<FlakeRow, StoreError> {
    let found = at_path(connection, "f.path = ?1 AND f.path_bytes IS ?2", at, &[&path.text(), &path.bytes()])?;
    only(found, path.text())
}

/// The flakes at a path; without those that another goes on from, where that is there.
fn at_path(connection: &Connection, place: &str, at: At, params: &[&dyn ToSql]) -> Result<Vec<FlakeRow>, StoreError> {
    let found = rows(connection, &format!("{FLAKES} WHERE {place} ORDER BY f.id"), at, params, read_flake)?;
    if found.len() < 2 {
        return Ok(found);
    }
    let sql = format!("{FLAKES} WHERE {place} AND NOT {{succeeded}} ORDER BY f.id");
    let going_on = rows(connection, &sql, at, params, read_flake)?;
    Ok(if going_on.is_empty() { found } else { going_on })
}

fn only(mut found: Vec<FlakeRow>, selector: &str) -> Result<FlakeRow, StoreError> {
    // Paths that are not UTF-8 may read alike.
    prefer_own(&mut found);
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| StoreError::NoFlake { selector: selector.to_owned() }),
        _ => Err(StoreError::AmbiguousFlake {
            selector: selector.to_owned(),
            candidates: found.iter().map(|flake| format!("{} ({})", flake.id, flake.path)).collect(),
        }),
    }
}

fn prefer_own(found: &mut Vec<FlakeRow>) {
    if found.iter().any(|flake| flake.own) {
        found.retain(|flake| flake.own);
    }
}

/// Every flake the ledger ever knew, as it is known last.
pub fn known_flakes(connection: &Connection) -> Result<Vec<KnownFlakeRow>, StoreError> {
    let sql = "SELECT f.id, o.public_key AS origin, f.path, f.path_bytes, f.state <> 'present' AS removed, \
               f.state = 'forgotten' AS forgotten FROM {flakes} f JOIN origins o ON o.id = f.origin ORDER BY f.id";
    rows(connection, sql, At::Now, [], |row| {
        Ok(KnownFlakeRow {
            id: parsed(row, "id")?,
            origin: row.get("origin")?,
            directory: read_path(row)?,
            removed: row.get("removed")?,
            forgotten: row.get("forgotten")?,
        })
    })
}

/// Where each flake was seen first.
const FIRST_PLACES: &str = "
SELECT id, path, path_bytes, min(from_position)
FROM (SELECT id, path, path_bytes, from_position FROM p_flakes
      UNION ALL SELECT id, path, path_bytes, from_position FROM p_flakes_past)
GROUP BY id";

/// Where each flake that was ever known lay at a moment; where it was seen first, when it was not known then.
pub fn places(connection: &Connection, at: At) -> Result<HashMap<FlakeId, RecordedPath>, StoreError> {
    let read = |row: &Row<'_>| Ok((parsed(row, "id")?, read_path(row)?));
    let first = if at == At::Now { Vec::new() } else { rows(connection, FIRST_PLACES, At::Now, [], read)? };
    let then = rows(connection, "SELECT id, path, path_bytes FROM {flakes}", at, [], read)?;
    Ok(first.into_iter().chain(then).collect())
}

/// The path of a row with the columns `path` and `path_bytes`.
pub(super) fn read_path(row: &Row<'_>) -> rusqlite::Result<RecordedPath> {
    Ok(RecordedPath::from_parts(row.get("path")?, row.get("path_bytes")?))
}

fn by_id(connection: &Connection, selector: &str, at: At) -> Result<Vec<FlakeRow>, StoreError> {
    let prefix = selector.to_ascii_lowercase();
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(Vec::new());
    }
    let sql = format!("{FLAKES} WHERE f.id >= ?1 AND f.id < ?1 || 'g' ORDER BY f.id");
    rows(connection, &sql, at, [prefix], read_flake)
}

/// `/a/flake.nix`, `/a/` and `/a` mean the same flake.
fn without_flake_nix(selector: &str) -> &str {
    let directory = selector.strip_suffix("/flake.nix").unwrap_or(selector);
    let trimmed = directory.trim_end_matches('/');
    if trimmed.is_empty() { selector } else { trimmed }
}

fn read_flake(row: &Row<'_>) -> rusqlite::Result<FlakeRow> {
    let count = |column: &str| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(FlakeRow {
        id: parsed(row, "id")?,
        origin: row.get("origin")?,
        own: row.get("is_self")?,
        path: read_path(row)?,
        description: row.get("description")?,
        lineage: row.get("lineage")?,
        inputs: count("inputs")?,
        lock_nodes: count("lock_nodes")?,
        lock_version: row.get::<_, Option<i64>>("lock_version")?.map(i64::unsigned_abs),
        nixpkgs_last_modified: row.get("nixpkgs_last_modified")?,
        problems: row.get::<_, Option<i64>>("problems")?.map(i64::unsigned_abs),
        nix_config: json(row, "nix_config")?,
        discovered_at: row.get("discovered_at")?,
        changed_at: row.get("changed_at")?,
        extractor: row.get("extractor")?,
    })
}

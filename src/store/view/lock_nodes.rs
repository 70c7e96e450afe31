//! The lock of one flake, node by node, and the sources that locks hold more than once.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::At;
use super::query::{json, optional_json, parsed, rows};
use crate::domain::Attrs;
use crate::domain::id::FlakeId;
use crate::domain::lock::{Edge, Lock, LockNode};
use crate::store::StoreError;
use crate::store::projection::stored;

/// One node of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockNodeRow {
    /// Its key.
    pub key: String,
    /// The shortest input path that leads to it without `follows`; absent when none does.
    pub path: Option<String>,
    /// What each of its inputs is.
    pub inputs: BTreeMap<String, Edge>,
    /// The exact source, with the lock's own fields.
    pub locked: Option<Attrs>,
    /// The reference that was locked.
    pub original: Option<Attrs>,
    /// Whether the source is itself a flake.
    pub flake: bool,
    /// When the source was last modified, in seconds since 1970 UTC.
    pub last_modified: Option<i64>,
    /// What makes two nodes the same source at different revisions: `github:nixos/nixpkgs`.
    pub identity: Option<String>,
}

/// A flake whose lock holds sources more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateRow {
    /// The flake.
    pub flake: FlakeId,
    /// Its directory.
    pub path: String,
    /// The sources, in the order of their identity.
    pub groups: Vec<Group>,
}

/// One source that a lock holds more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The identity of the source.
    pub key: String,
    /// The keys of its nodes, in order.
    pub nodes: Vec<String>,
}

const NODES: &str = "
SELECT key, path, inputs, locked, original, is_flake, last_modified, identity, is_root, parent
FROM {lock_nodes} WHERE flake = ?1 ORDER BY key";

const DUPLICATES: &str = "
SELECT f.id, f.path, n.identity, n.key
FROM {live_flakes} f JOIN {lock_nodes} n ON n.flake = f.id
WHERE n.is_root = 0 AND n.path IS NOT NULL AND n.identity IS NOT NULL AND (?1 IS NULL OR f.id = ?1)
ORDER BY f.path, f.id, n.identity, n.key";

/// The nodes of a flake's lock in key order, without the root.
pub fn lock_nodes(connection: &Connection, flake: FlakeId, at: At) -> Result<Vec<LockNodeRow>, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get::<_, bool>("is_root")?, read_node(row)?));
    let all = rows(connection, NODES, at, [flake.to_string()], read)?;
    Ok(all.into_iter().filter(|(is_root, _)| !is_root).map(|(_, node)| node).collect())
}

/// The whole lock of a flake, root included; none when it has no lock.
pub fn lock(connection: &Connection, flake: FlakeId, at: At) -> Result<Option<Lock>, StoreError> {
    let sql = "SELECT version, root FROM {locks} WHERE flake = ?1 AND root IS NOT NULL";
    let id = flake.to_string();
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>("version")?.map(i64::unsigned_abs), row.get("root")?));
    let Some((version, root)) = rows(connection, sql, at, [&id], read)?.pop() else { return Ok(None) };
    let read = |row: &Row<'_>| Ok((row.get("key")?, stored_node(row)?));
    let nodes = rows(connection, NODES, at, [&id], read)?;
    Ok(Some(Lock { version, root, nodes: nodes.into_iter().collect() }))
}

/// The sources that locks hold more than once: of one flake, or of all.
pub fn duplicates(connection: &Connection, flake: Option<FlakeId>, at: At) -> Result<Vec<DuplicateRow>, StoreError> {
    let read = |row: &Row<'_>| Ok((parsed(row, "id")?, row.get("path")?, row.get("identity")?, row.get("key")?));
    let id = flake.map(|id| id.to_string());
    let nodes: Vec<(FlakeId, String, String, String)> = rows(connection, DUPLICATES, at, [id], read)?;
    let mut found: Vec<DuplicateRow> = Vec::new();
    for same in nodes.chunk_by(|a, b| (a.0, &a.2) == (b.0, &b.2)).filter(|same| same.len() > 1) {
        let Some((flake, path, key, _)) = same.first().cloned() else { continue };
        let group = Group { key, nodes: same.iter().map(|node| node.3.clone()).collect() };
        match found.last_mut().filter(|last| last.flake == flake) {
            Some(last) => last.groups.push(group),
            None => found.push(DuplicateRow { flake, path, groups: vec![group] }),
        }
    }
    Ok(found)
}

fn read_node(row: &Row<'_>) -> rusqlite::Result<LockNodeRow> {
    let node = stored_node(row)?;
    Ok(LockNodeRow {
        key: row.get("key")?,
        path: row.get("path")?,
        inputs: node.inputs,
        locked: node.locked,
        original: node.original,
        flake: node.flake,
        last_modified: row.get("last_modified")?,
        identity: row.get("identity")?,
    })
}

fn stored_node(row: &Row<'_>) -> rusqlite::Result<LockNode> {
    let inputs: BTreeMap<String, stored::Edge> = json(row, "inputs")?;
    Ok(LockNode {
        inputs: inputs.into_iter().map(|(name, edge)| (name, edge.into())).collect(),
        locked: optional_json(row, "locked")?,
        original: optional_json(row, "original")?,
        flake: row.get("is_flake")?,
        parent: optional_json(row, "parent")?,
    })
}

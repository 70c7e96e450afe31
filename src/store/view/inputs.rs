//! The inputs of one flake: what flake.nix says, and what the lock makes of it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::At;
use super::query::{json, optional_json, rows};
use crate::domain::Attrs;
use crate::domain::flake::Override;
use crate::domain::id::FlakeId;
use crate::store::StoreError;
use crate::store::projection::stored::StoredOverride;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// Its name.
    pub name: String,
    /// The URL form, as written.
    pub url: Option<String>,
    /// The attribute form.
    pub attrs: Option<Attrs>,
    /// The input path that it follows.
    pub follows: Option<String>,
    /// Whether the source is itself a flake.
    pub flake: bool,
    /// What is said about the inputs of this input, by the path below it.
    pub overrides: BTreeMap<String, Override>,
    /// False for an input that only `outputs` names.
    pub declared: bool,
    /// The key of the lock node that it really is, `follows` included.
    pub node: Option<String>,
    /// The lock's own fields of that node.
    pub locked: Option<Attrs>,
}

const INPUTS: &str = "
SELECT i.name, i.url, i.attrs, i.follows, i.is_flake, i.overrides, i.declared, i.node, n.locked
FROM {inputs} i LEFT JOIN {lock_nodes} n ON n.flake = ?1 AND n.key = i.node
WHERE i.flake = ?1 ORDER BY i.name";

/// The name of every input that a flake has now, each once.
pub fn input_names(connection: &Connection) -> Result<Vec<String>, StoreError> {
    rows(connection, "SELECT DISTINCT name FROM {inputs} ORDER BY name", At::Now, [], |row| row.get(0))
}

/// The inputs of a flake, in name order.
pub fn inputs(connection: &Connection, flake: FlakeId, at: At) -> Result<Vec<InputRow>, StoreError> {
    rows(connection, INPUTS, at, [flake.to_string()], read_input)
}

fn read_input(row: &Row<'_>) -> rusqlite::Result<InputRow> {
    let overrides: BTreeMap<String, StoredOverride> = json(row, "overrides")?;
    Ok(InputRow {
        name: row.get("name")?,
        url: row.get("url")?,
        attrs: optional_json(row, "attrs")?,
        follows: row.get("follows")?,
        flake: row.get("is_flake")?,
        overrides: overrides.into_iter().map(|(path, over)| (path, over.into())).collect(),
        declared: row.get("declared")?,
        node: row.get("node")?,
        locked: optional_json(row, "locked")?,
    })
}

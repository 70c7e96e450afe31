//! Rows of the projection `inputs`, read and written one interval at a time.

use std::collections::BTreeMap;

use rusqlite::Row;

use crate::domain::flake::Input;
use crate::domain::lock::LockNode;
use crate::store::projection::stored::{Edge, StoredOverride, attrs_text, map_read, map_text};
use crate::store::projection::{Applied, ApplyError, Target};

/// One input as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputRow {
    pub(super) url: Option<String>,
    pub(super) attrs: Option<String>,
    pub(super) follows: Option<String>,
    pub(super) is_flake: bool,
    pub(super) overrides: String,
    pub(super) declared: bool,
    pub(super) node: Option<String>,
}

/// One lock node as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeRow {
    pub(super) place: Place,
    pub(super) inputs: String,
    pub(super) locked: Option<String>,
    pub(super) original: Option<String>,
    pub(super) is_flake: bool,
    pub(super) parent: Option<String>,
    pub(super) last_modified: Option<i64>,
}

/// What only the whole lock tells of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: Option<String>,
    pub(super) is_root: bool,
    pub(super) is_nixpkgs: bool,
    pub(super) identity: Option<String>,
}

/// The head of a lock: its version and the key of its root; no key without a lock.
pub(super) type Head = (Option<i64>, Option<String>);

/// The tables of one flake, where rows end and begin with one event.
pub(super) struct Interval<'a> {
    target: &'a Target<'a>,
    flake: &'a str,
    at: i64,
    position: i64,
}

impl InputRow {
    pub(super) fn of(input: &Input, node: Option<String>) -> Result<Self, ApplyError> {
        Ok(Self {
            url: input.url.clone(),
            attrs: attrs_text(input.attrs.as_ref())?,
            follows: input.follows.clone(),
            is_flake: input.flake,
            overrides: map_text::<_, StoredOverride>(&input.overrides)?,
            declared: input.declared,
            node,
        })
    }

    pub(super) fn input(&self, name: &str) -> Result<Input, ApplyError> {
        Ok(Input {
            name: name.to_owned(),
            url: self.url.clone(),
            attrs: self.attrs.as_deref().map(serde_json::from_str).transpose()?,
            follows: self.follows.clone(),
            flake: self.is_flake,
            overrides: map_read::<_, StoredOverride>(&self.overrides)?,
            declared: self.declared,
        })
    }
}

impl NodeRow {
    pub(super) fn of(node: &LockNode) -> Result<Self, ApplyError> {
        let modified = node.locked.as_ref().and_then(|locked| locked.get("lastModified")?.as_i64());
        Ok(Self {
            place: Place::default(),
            inputs: map_text::<_, Edge>(&node.inputs)?,
            locked: attrs_text(node.locked.as_ref())?,
            original: attrs_text(node.original.as_ref())?,
            is_flake: node.flake,
            parent: node.parent.as_ref().map(serde_json::to_string).transpose()?,
            last_modified: modified,
        })
    }

    pub(super) fn placed_as(self, before: Self) -> Self {
        Self { place: before.place, ..self }
    }

    pub(super) fn node(&self) -> Result<LockNode, ApplyError> {
        Ok(LockNode {
            inputs: map_read::<_, Edge>(&self.inputs)?,
            locked: self.locked.as_deref().map(serde_json::from_str).transpose()?,
            original: self.original.as_deref().map(serde_json::from_str).transpose()?,
            flake: self.is_flake,
            parent: self.parent.as_deref().map(serde_json::from_str).transpose()?,
        })
    }
}

const NODE_COLUMNS: &str = "key, path, is_root, is_nixpkgs, identity, inputs, locked, original, is_flake, parent, \
                            last_modified";

impl<'a> Interval<'a> {
    pub(super) fn new(target: &'a Target<'a>, event: &'a Applied<'a>) -> Self {
        Self { target, flake: event.key(), at: event.occurred_at, position: event.position }
    }

    pub(super) fn head(&self) -> rusqlite::Result<Option<Head>> {
        let sql = "SELECT version, root FROM {locks} WHERE flake = ?1 AND valid_to IS NULL";
        let rows = self.target.rows(sql, [self.flake], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.into_iter().next())
    }

    pub(super) fn inputs(&self) -> rusqlite::Result<BTreeMap<String, InputRow>> {
        let sql = "SELECT name, url, attrs, follows, is_flake, overrides, declared, node FROM {inputs} \
                   WHERE flake = ?1 AND valid_to IS NULL";
        let rows = self.target.rows(sql, [self.flake], |row| Ok((row.get(0)?, read_input(row)?)))?;
        Ok(rows.into_iter().collect())
    }

    pub(super) fn nodes(&self) -> rusqlite::Result<BTreeMap<String, NodeRow>> {
        let sql = format!("SELECT {NODE_COLUMNS} FROM {{lock_nodes}} WHERE flake = ?1 AND valid_to IS NULL");
        let rows = self.target.rows(&sql, [self.flake], |row| Ok((row.get(0)?, read_node(row)?)))?;
        Ok(rows.into_iter().collect())
    }

    pub(super) fn node(&self, key: &str) -> rusqlite::Result<Option<NodeRow>> {
        let sql =
            format!("SELECT {NODE_COLUMNS} FROM {{lock_nodes}} WHERE flake = ?1 AND key = ?2 AND valid_to IS NULL");
        Ok(self.target.rows(&sql, [self.flake, key], read_node)?.into_iter().next())
    }

    pub(super) fn end_head(&self) -> rusqlite::Result<usize> {
        let sql = "UPDATE {locks} SET valid_to = max(valid_from, ?2), to_position = ?3 \
                   WHERE flake = ?1 AND valid_to IS NULL";
        self.target.run(sql, (self.flake, self.at, self.position))
    }

    pub(super) fn begin_head(&self, (version, root): &Head) -> rusqlite::Result<usize> {
        let sql = "INSERT INTO {locks} (flake, version, root, valid_from, from_position) \
                   SELECT ?1, ?2, ?3, max(?4, coalesce(max(valid_to), ?4)), ?5 FROM {locks} WHERE flake = ?1";
        self.target.run(sql, (self.flake, version, root, self.at, self.position))
    }

    pub(super) fn end_input(&self, name: &str) -> rusqlite::Result<usize> {
        let sql = "UPDATE {inputs} SET valid_to = max(valid_from, ?3), to_position = ?4 \
                   WHERE flake = ?1 AND name = ?2 AND valid_to IS NULL";
        self.target.run(sql, (self.flake, name, self.at, self.position))
    }

    pub(super) fn begin_input(&self, name: &str, row: &InputRow) -> rusqlite::Result<usize> {
        let sql = "INSERT INTO {inputs} (flake, name, url, attrs, follows, is_flake, overrides, declared, node, \
                   valid_from, from_position) \
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, max(?10, coalesce(max(valid_to), ?10)), ?11 \
                   FROM {inputs} WHERE flake = ?1 AND name = ?2";
        let params = (
            self.flake,
            name,
            &row.url,
            &row.attrs,
            &row.follows,
            row.is_flake,
            &row.overrides,
            row.declared,
            &row.node,
            self.at,
            self.position,
        );
        self.target.run(sql, params)
    }

    pub(super) fn end_node(&self, key: &str) -> rusqlite::Result<usize> {
        let sql = "UPDATE {lock_nodes} SET valid_to = max(valid_from, ?3), to_position = ?4 \
                   WHERE flake = ?1 AND key = ?2 AND valid_to IS NULL";
        self.target.run(sql, (self.flake, key, self.at, self.position))
    }

    pub(super) fn begin_node(&self, key: &str, row: &NodeRow) -> rusqlite::Result<usize> {
        let sql = "INSERT INTO {lock_nodes} (flake, key, path, is_root, is_nixpkgs, identity, inputs, locked, original, \
                   is_flake, parent, last_modified, valid_from, from_position) \
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, max(?13, coalesce(max(valid_to), ?13)), ?14 \
                   FROM {lock_nodes} WHERE flake = ?1 AND key = ?2";
        let place = &row.place;
        let params = (
            self.flake,
            key,
            &place.path,
            place.is_root,
            place.is_nixpkgs,
            &place.identity,
            &row.inputs,
            &row.locked,
            &row.original,
            row.is_flake,
            &row.parent,
            row.last_modified,
            self.at,
            self.position,
        );
        self.target.run(sql, params)
    }
}

fn read_input(row: &Row<'_>) -> rusqlite::Result<InputRow> {
    Ok(InputRow {
        url: row.get("url")?,
        attrs: row.get("attrs")?,
        follows: row.get("follows")?,
        is_flake: row.get("is_flake")?,
        overrides: row.get("overrides")?,
        declared: row.get("declared")?,
        node: row.get("node")?,
    })
}

fn read_node(row: &Row<'_>) -> rusqlite::Result<NodeRow> {
    let place = Place {
        path: row.get("path")?,
        is_root: row.get("is_root")?,
        is_nixpkgs: row.get("is_nixpkgs")?,
        identity: row.get("identity")?,
    };
    Ok(NodeRow {
        place,
        inputs: row.get("inputs")?,
        locked: row.get("locked")?,
        original: row.get("original")?,
        is_flake: row.get("is_flake")?,
        parent: row.get("parent")?,
        last_modified: row.get("last_modified")?,
    })
}

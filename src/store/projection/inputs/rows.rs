//! Rows of the projection `inputs`: domain values as they are stored, and back.

use std::collections::BTreeMap;

use crate::domain::Attrs;
use crate::domain::flake::{Input, Override};
use crate::domain::lock::{self, LockNode};
use crate::store::projection::ApplyError;
use crate::store::projection::cell::Cell;
use crate::store::projection::stored::{Edge, StoredOverride, attrs_text, map_read, map_text};
use crate::store::shape::raw::{self, text};

/// What only the whole lock tells of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: Option<String>,
    pub(super) is_root: bool,
    pub(super) is_nixpkgs: bool,
    pub(super) identity: Option<String>,
}

/// How many of a node's cells are its [`Place`].
pub(super) const PLACE: usize = 4;
/// Which of an input's cells is the node that it really is.
pub(super) const NODE: usize = 6;

/// The values of an input's row.
pub(super) fn of_input(input: &Input, node: Cell) -> Result<Vec<Cell>, ApplyError> {
    Ok(vec![
        input.url.as_ref().into(),
        attrs_text(input.attrs.as_ref())?.into(),
        input.follows.as_ref().into(),
        input.flake.into(),
        map_text::<_, StoredOverride>(&input.overrides)?.into(),
        input.declared.into(),
        node,
    ])
}

/// The input of a row.
pub(super) fn input(name: &str, row: &[Cell]) -> Result<Input, ApplyError> {
    let [url, attrs, follows, is_flake, overrides, declared, _] = row else { return Err(ApplyError::Shorter) };
    Ok(Input {
        name: name.to_owned(),
        url: owned(url),
        attrs: attributes(attrs)?,
        follows: owned(follows),
        flake: is_yes(is_flake),
        overrides: map::<Override, StoredOverride>(overrides)?,
        declared: is_yes(declared),
    })
}

/// The values of a node's row, without its place.
pub(super) fn of_node(node: &LockNode) -> Result<[Cell; 6], ApplyError> {
    let modified = node.locked.as_ref().and_then(|locked| locked.get("lastModified")?.as_i64());
    Ok([
        map_text::<_, Edge>(&node.inputs)?.into(),
        attrs_text(node.locked.as_ref())?.into(),
        attrs_text(node.original.as_ref())?.into(),
        node.flake.into(),
        node.parent.as_ref().map(serde_json::to_string).transpose()?.into(),
        modified.into(),
    ])
}

/// The same of a node whose parts are JSON already.
pub(super) fn of_raw(node: &raw::Node<'_>) -> [Cell; 6] {
    [
        text(node.inputs).unwrap_or("{}").into(),
        text(node.locked).into(),
        text(node.original).into(),
        node.flake.into(),
        text(node.parent).into(),
        node.last_modified().into(),
    ]
}

/// The node of a row.
pub(super) fn node(row: &[Cell]) -> Result<LockNode, ApplyError> {
    let Some([inputs, locked, original, is_flake, parent, _]) = row.get(PLACE..) else {
        return Err(ApplyError::Shorter);
    };
    Ok(LockNode {
        inputs: map::<lock::Edge, Edge>(inputs)?,
        locked: attributes(locked)?,
        original: attributes(original)?,
        flake: is_yes(is_flake),
        parent: parent.text().map(serde_json::from_str).transpose()?,
    })
}

/// Where one input of a node's row leads.
pub(super) fn edge(row: &[Cell], name: &str) -> Result<Option<lock::Edge>, ApplyError> {
    let inputs = row.get(PLACE).ok_or(ApplyError::Shorter)?;
    Ok(map::<lock::Edge, Edge>(inputs)?.remove(name))
}

impl Place {
    /// Its cells, which come before those of the node itself.
    pub(super) fn cells(self) -> [Cell; PLACE] {
        [self.path.into(), self.is_root.into(), self.is_nixpkgs.into(), self.identity.into()]
    }
}

fn map<V, S>(cell: &Cell) -> Result<BTreeMap<String, V>, ApplyError>
where
    S: serde::de::DeserializeOwned + Into<V>,
{
    Ok(map_read::<V, S>(cell.text().unwrap_or_default())?)
}

fn attributes(cell: &Cell) -> Result<Option<Attrs>, ApplyError> {
    Ok(cell.text().map(serde_json::from_str).transpose()?)
}

fn owned(cell: &Cell) -> Option<String> {
    cell.text().map(str::to_owned)
}

fn is_yes(cell: &Cell) -> bool {
    cell.integer() == Some(1)
}

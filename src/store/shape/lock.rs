//! Stored shapes of locks and their differences, shared by the flake and the lock history events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{StoredAttrs, Whole, is_true, yes};
use crate::domain::lock::{Edge, Lock, LockHead, LockNode, NodeChange, PathChange};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredLock<'a> {
    #[serde(default)]
    nodes: BTreeMap<String, StoredNode<'a>>,
    root: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Whole>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredHead {
    root: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Whole>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredNode<'a> {
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    flake: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<String, StoredEdge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked: Option<StoredAttrs<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<StoredAttrs<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<Vec<String>>,
}

/// As in `flake.lock` itself: a node's key, or the path of the input that it follows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredEdge {
    Node(String),
    Follows(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredPathChange<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<StoredAttrs<'a>>,
    input: String,
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StoredAttrs<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredNodeChange<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<StoredNode<'a>>,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StoredNode<'a>>,
}

/// Every item of a list in its other form.
pub(super) fn all<'a, S, T: From<&'a S>>(items: &'a [S]) -> Vec<T> {
    items.iter().map(T::from).collect()
}

/// Every item of an owned list in its other form.
pub(super) fn all_owned<S, T: From<S>>(items: Vec<S>) -> Vec<T> {
    items.into_iter().map(T::from).collect()
}

fn version(version: Option<u64>) -> Option<Whole> {
    version.map(|version| Whole(version.into()))
}

impl<'a> From<&'a Lock> for StoredLock<'a> {
    fn from(lock: &'a Lock) -> Self {
        let nodes = lock.nodes.iter().map(|(key, node)| (key.clone(), node.into())).collect();
        Self { version: version(lock.version), root: lock.root.clone(), nodes }
    }
}

impl From<StoredLock<'_>> for Lock {
    fn from(stored: StoredLock<'_>) -> Self {
        let nodes = stored.nodes.into_iter().map(|(key, node)| (key, node.into())).collect();
        Self { version: stored.version.map(Whole::saturating_u64), root: stored.root, nodes }
    }
}

impl From<&LockHead> for StoredHead {
    fn from(head: &LockHead) -> Self {
        Self { version: version(head.version), root: head.root.clone() }
    }
}

impl From<StoredHead> for LockHead {
    fn from(stored: StoredHead) -> Self {
        Self { version: stored.version.map(Whole::saturating_u64), root: stored.root }
    }
}

impl<'a> From<&'a LockNode> for StoredNode<'a> {
    fn from(node: &'a LockNode) -> Self {
        Self {
            inputs: node.inputs.iter().map(|(name, edge)| (name.clone(), edge.into())).collect(),
            locked: node.locked.as_ref().map(Into::into),
            original: node.original.as_ref().map(Into::into),
            flake: node.flake,
            parent: node.parent.clone(),
        }
    }
}

impl From<StoredNode<'_>> for LockNode {
    fn from(stored: StoredNode<'_>) -> Self {
        Self {
            inputs: stored.inputs.into_iter().map(|(name, edge)| (name, edge.into())).collect(),
            locked: stored.locked.map(Into::into),
            original: stored.original.map(Into::into),
            flake: stored.flake,
            parent: stored.parent,
        }
    }
}

impl From<&Edge> for StoredEdge {
    fn from(edge: &Edge) -> Self {
        match edge {
            Edge::Node(key) => Self::Node(key.clone()),
            Edge::Follows(path) => Self::Follows(path.clone()),
        }
    }
}

impl From<StoredEdge> for Edge {
    fn from(stored: StoredEdge) -> Self {
        match stored {
            StoredEdge::Node(key) => Self::Node(key),
            StoredEdge::Follows(path) => Self::Follows(path),
        }
    }
}

impl<'a> From<&'a PathChange> for StoredPathChange<'a> {
    fn from(change: &'a PathChange) -> Self {
        Self {
            input: change.input.clone(),
            node: change.node.clone(),
            from: change.from.as_ref().map(Into::into),
            to: change.to.as_ref().map(Into::into),
        }
    }
}

impl From<StoredPathChange<'_>> for PathChange {
    fn from(stored: StoredPathChange<'_>) -> Self {
        Self {
            input: stored.input,
            node: stored.node,
            from: stored.from.map(Into::into),
            to: stored.to.map(Into::into),
        }
    }
}

impl<'a> From<&'a NodeChange> for StoredNodeChange<'a> {
    fn from(change: &'a NodeChange) -> Self {
        Self {
            key: change.key.clone(),
            from: change.from.as_ref().map(Into::into),
            to: change.to.as_ref().map(Into::into),
        }
    }
}

impl From<StoredNodeChange<'_>> for NodeChange {
    fn from(stored: StoredNodeChange<'_>) -> Self {
        Self { key: stored.key, from: stored.from.map(Into::into), to: stored.to.map(Into::into) }
    }
}

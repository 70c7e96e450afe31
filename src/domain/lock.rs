//! The facts of a lock file, and the difference between two of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Attrs;

/// What one `flake.lock` says, in the ledger's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// The format version that the file names.
    pub version: Option<u64>,
    /// The key of the node that stands for the flake itself.
    pub root: String,
    /// Every node by its key, the root included.
    pub nodes: BTreeMap<String, LockNode>,
}

/// One node of a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockNode {
    /// What each input of this node is.
    pub inputs: BTreeMap<String, Edge>,
    /// The exact source, with the lock's own fields.
    pub locked: Option<Attrs>,
    /// The reference that was locked.
    pub original: Option<Attrs>,
    /// Whether the source is itself a flake.
    pub flake: bool,
    /// For relative `path:` inputs: the input path of the flake they are relative to.
    pub parent: Option<Vec<String>>,
}

/// Where an input of a lock node leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// To a node of the same lock.
    Node(String),
    /// To whatever the input at this path from the root is; an empty path is the flake itself.
    Follows(Vec<String>),
}

/// One input path whose locked source is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The input, as a path from the root: `nixpkgs`, `home-manager/nixpkgs`.
    pub input: String,
    /// The key of its node: in the new lock, or in the old one when it is gone.
    pub node: String,
    /// The source before; absent when the input is new.
    pub from: Option<Attrs>,
    /// The source after; absent when the input is gone.
    pub to: Option<Attrs>,
}

/// One node that a change of the lock added, replaced or took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeChange {
    /// The node's key.
    pub key: String,
    /// The node before; absent when it is new.
    pub from: Option<LockNode>,
    /// The node after; absent when it is gone.
    pub to: Option<LockNode>,
}

/// The head of a lock file: all of it but the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHead {
    /// The format version that the file names.
    pub version: Option<u64>,
    /// The key of the root node.
    pub root: String,
}

impl Lock {
    /// Everything but the nodes.
    pub fn head(&self) -> LockHead {
        LockHead { version: self.version, root: self.root.clone() }
    }
}

/// Every node that differs between two locks, in key order.
pub fn node_changes(from: Option<&Lock>, to: Option<&Lock>) -> Vec<NodeChange> {
    let none = BTreeMap::new();
    let old = from.map_or(&none, |lock| &lock.nodes);
    let new = to.map_or(&none, |lock| &lock.nodes);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| NodeChange { key: key.clone(), from: old.get(key).cloned(), to: new.get(key).cloned() })
        .collect()
}

//! What the nodes of a lock mean together, for the rows of the read model.

use std::collections::BTreeMap;

use super::rows::Place;
use crate::domain::lock::{Edge, Lock, LockNode};
use crate::syntax::graph;
use crate::syntax::lock::{self, LockFile};

/// A lock as the functions on graphs take it.
pub(super) struct Graph(LockFile);

impl Graph {
    pub(super) fn of(lock: &Lock) -> Self {
        let nodes = lock.nodes.iter().map(|(key, node)| (key.clone(), read_node(node))).collect();
        Self(LockFile { version: lock.version, root: lock.root.clone(), nodes, problems: Vec::new() })
    }

    /// The key of the node that a root input really is, `follows` included.
    pub(super) fn input(&self, name: &str) -> Option<String> {
        graph::resolve(&self.0, &[name]).ok().map(str::to_owned)
    }

    /// What the whole lock tells of each node.
    pub(super) fn places(&self) -> BTreeMap<&str, Place> {
        let nixpkgs = graph::nixpkgs(&self.0).map(|(key, _)| key);
        let place = |key: &str, node| Place {
            path: None,
            is_root: key == self.0.root,
            is_nixpkgs: nixpkgs.as_deref() == Some(key),
            identity: graph::identity(node),
        };
        let mut places: BTreeMap<&str, Place> =
            self.0.nodes.iter().map(|(key, node)| (key.as_str(), place(key, node))).collect();
        for (path, key) in graph::paths(&self.0) {
            if let Some(place) = places.get_mut(key) {
                place.path = Some(path);
            }
        }
        places
    }
}

fn read_node(node: &LockNode) -> lock::Node {
    let edge = |edge: &Edge| match edge {
        Edge::Node(key) => lock::Edge::Node(key.clone()),
        Edge::Follows(path) => lock::Edge::Follows(path.clone()),
    };
    lock::Node {
        inputs: node.inputs.iter().map(|(name, to)| (name.clone(), edge(to))).collect(),
        locked: node.locked.clone(),
        original: node.original.clone(),
        flake: node.flake,
        parent: node.parent.clone(),
        extra: serde_json::Map::new(),
        span: None,
    }
}

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

/// More steps than these are taken by no path that leads somewhere: it goes in a circle.
const MOST_STEPS: usize = 1_000;

impl Lock {
    /// Whether an input path, joined by `/`, leads somewhere: through `follows` as well.
    pub fn has_input(&self, path: &str) -> bool {
        let mut left: Vec<&str> = path.rsplit('/').collect();
        let mut at = &self.root;
        for _ in 0..MOST_STEPS {
            let Some(name) = left.pop() else { return true };
            match self.nodes.get(at).and_then(|node| node.inputs.get(name)) {
                Some(Edge::Node(key)) => at = key,
                Some(Edge::Follows(path)) => {
                    at = &self.root;
                    left.extend(path.iter().rev().map(String::as_str));
                }
                None => return false,
            }
        }
        false
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_there_when_every_step_to_it_is_and_no_circle_is_endless() {
        let node = |inputs: &[(&str, Edge)]| {
            let inputs = inputs.iter().map(|(name, edge)| ((*name).to_owned(), edge.clone())).collect();
            LockNode { inputs, ..LockNode::default() }
        };
        let to = |key: &str| Edge::Node(key.to_owned());
        let as_is = |path: &[&str]| Edge::Follows(path.iter().map(|name| (*name).to_owned()).collect());
        let nodes = [
            ("root", node(&[("a", to("a")), ("b", to("b"))])),
            ("a", node(&[("n", to("n")), ("round", as_is(&["a", "round"]))])),
            ("b", node(&[("n", as_is(&["a", "n"])), ("self", as_is(&[]))])),
            ("n", node(&[("deep", to("a"))])),
        ];
        let nodes = nodes.into_iter().map(|(key, node)| (key.to_owned(), node)).collect();
        let lock = Lock { version: Some(7), root: "root".to_owned(), nodes };
        for path in ["a", "b/n", "b/n/deep/n", "b/self/a/n"] {
            assert!(lock.has_input(path), "{path}");
        }
        for path in ["", "n", "a/b", "b/n/deep/none", "a/round", "a/n/"] {
            assert!(!lock.has_input(path), "{path}");
        }
    }
}

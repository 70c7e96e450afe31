//! What the nodes of a lock file mean together: paths, duplicates, health, agreement with `flake.nix`, change.
//!
//! Takes a [`LockFile`] as read and never fails on a broken one. Knows no `flake.nix`: whoever has one hands in
//! [`Declared`] views of its inputs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Attrs;
use super::lock::{Edge, Links, LockFile, Node};

mod compare;
mod health;
mod identity;

pub use super::lock::ResolveError;
pub use compare::{COMPARED, Declared, compare, undeclared_follows};
pub use health::health;

/// Inputs nested deeper than this are left out; real locks are a handful of levels deep.
const MAX_DEPTH: usize = 128;

/// Nodes that are the same repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The repository, as in `github:nixos/nixpkgs`.
    pub key: String,
    /// Keys of its nodes, two or more, in name order.
    pub nodes: Vec<String>,
}

/// What became of one input between two locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The input's canonical path, as in `home-manager/nixpkgs`.
    pub input: String,
    /// Key of its node in the new lock, or in the old one when it is gone.
    pub node: String,
    /// What was locked before; `None` for an input that is new.
    pub from: Option<Attrs>,
    /// What is locked now; `None` for an input that is gone.
    pub to: Option<Attrs>,
}

/// The key of the node an input path really is, `follows` included; the empty path is the root.
pub fn resolve<'l>(lock: &'l LockFile, path: &[&str]) -> Result<&'l str, ResolveError> {
    Links::new(lock).resolve(path)
}

/// Every reachable node but the root as (canonical input path, key): the shortest path, then the first by name.
pub fn paths(lock: &LockFile) -> Vec<(String, &str)> {
    let mut seen = BTreeSet::from([lock.root.as_str()]);
    let mut queue = VecDeque::from([(String::new(), lock.root.as_str(), 0)]);
    let mut paths = Vec::new();
    while let Some((path, key, depth)) = queue.pop_front() {
        for (name, child) in children(lock, key) {
            if depth < MAX_DEPTH && seen.insert(child) {
                let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
                paths.push((below.clone(), child));
                queue.push_back((below, child, depth + 1));
            }
        }
    }
    paths
}

/// Reachable nodes that are one repository more than once, whatever branch and revision; in key order.
pub fn duplicates(lock: &LockFile) -> Vec<Group> {
    let mut groups = BTreeMap::<_, BTreeSet<&str>>::new();
    for (_, key) in paths(lock) {
        if let Some(identity) = lock.nodes.get(key).and_then(identity::of) {
            groups.entry(identity).or_default().insert(key);
        }
    }
    let several = groups.into_iter().filter(|(_, nodes)| nodes.len() > 1);
    several.map(|(key, nodes)| Group { key, nodes: nodes.into_iter().map(str::to_owned).collect() }).collect()
}

/// The repository that a node is, whatever branch and revision, as in `github:nixos/nixpkgs`; what nodes are grouped
/// by in [`duplicates`].
pub fn identity(node: &Node) -> Option<String> {
    identity::of(node)
}

/// Whether a node is nixpkgs: the repository, a channel's tarball, or FlakeHub's.
pub fn is_nixpkgs(node: &Node) -> bool {
    identity::is_nixpkgs(node)
}

/// What changed between two locks, by canonical input path, in path order. No lock is as one without inputs.
///
/// Node keys are not compared: they renumber without meaning. An input that now follows another is gone.
pub fn changes(old: Option<&LockFile>, new: Option<&LockFile>) -> Vec<PathChange> {
    let (mut old, new) = (locked(old), locked(new));
    let mut changes = Vec::new();
    for (input, (key, to)) in new {
        let from = old.remove(&input).map(|(_, from)| from);
        if from.as_ref() != Some(&to) {
            changes.push(PathChange { input, node: key.to_owned(), from, to: Some(to) });
        }
    }
    for (input, (key, from)) in old {
        changes.push(PathChange { input, node: key.to_owned(), from: Some(from), to: None });
    }
    changes.sort_by(|a, b| a.input.cmp(&b.input));
    changes
}

/// The node that is the flake's nixpkgs and when that was last modified, in seconds since 1970.
///
/// The root input of that name, else the first root input that is nixpkgs by where it comes from.
pub fn nixpkgs(lock: &LockFile) -> Option<(String, i64)> {
    let mut links = Links::new(lock);
    let inputs = &lock.nodes.get(&lock.root)?.inputs;
    let named = inputs.get("nixpkgs").and_then(|edge| links.edge(edge).ok());
    let others = inputs.values().filter_map(|edge| links.edge(edge).ok());
    let others = others.filter(|key| lock.nodes.get(*key).is_some_and(identity::is_nixpkgs));
    named.into_iter().chain(others).find_map(|key| {
        let modified = lock.nodes.get(key)?.locked.as_ref()?.get("lastModified")?.as_i64()?;
        Some((key.to_owned(), modified))
    })
}

/// The direct edges of a node that lead to a node, in name order.
fn children<'l>(lock: &'l LockFile, key: &str) -> impl Iterator<Item = (&'l str, &'l str)> {
    let edges = lock.nodes.get(key).into_iter().flat_map(|node| &node.inputs);
    edges.filter_map(|(name, edge)| match edge {
        Edge::Node(child) if lock.nodes.contains_key(child) => Some((name.as_str(), child.as_str())),
        Edge::Node(_) | Edge::Follows(_) => None,
    })
}

/// Key and locked attributes by canonical path; a broken node without any is there, with none.
fn locked(lock: Option<&LockFile>) -> BTreeMap<String, (&str, Attrs)> {
    let nodes = lock.into_iter().flat_map(|lock| paths(lock).into_iter().map(move |path| (lock, path)));
    let attrs =
        |lock: &LockFile, key: &str| lock.nodes.get(key).and_then(|node| node.locked.clone()).unwrap_or_default();
    nodes.map(|(lock, (path, key))| (path, (key, attrs(lock, key)))).collect()
}

#[cfg(test)]
mod tests;

//! Which `follows` would leave one copy of a source that a lock holds more than once.
//!
//! Looks at the inputs of direct inputs only: what lies deeper is for those whose input it is. Proposes and changes nothing.
//! Must not know `flake.nix`.

use std::collections::BTreeSet;

use super::graph;
use super::lock::{Edge, LockFile, Node};

/// An input of an input that could follow an input of the flake itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its path, as in `home-manager/nixpkgs`.
    pub path: String,
    /// The input of the flake that it would follow.
    pub target: String,
    /// The repository that both are, as in `github:nixos/nixpkgs`.
    pub source: String,
    /// Keys of the nodes that would go from the lock, after those of the proposals before; none when others need them.
    pub saves: Vec<String>,
    /// What the input was locked to, and so tested with by whoever wrote its lock.
    pub from: Version,
    /// What it would get instead.
    pub to: Version,
}

/// One version of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The revision, branch or tag that was asked for; none for the default branch.
    pub reference: Option<String>,
    /// The revision that is locked.
    pub rev: Option<String>,
    /// When that was made, in seconds since 1970 UTC.
    pub modified: Option<i64>,
}

impl Proposal {
    /// Whether another branch was asked for: then the input is less likely to work with what it would get.
    pub fn is_other_branch(&self) -> bool {
        self.from.reference != self.to.reference
    }
}

/// The proposals for a lock, in the order of their paths; `all` with those that change the branch.
pub fn propose(lock: &LockFile, all: bool) -> Vec<Proposal> {
    let mut left = lock.clone();
    let mut proposals = Vec::new();
    for (direct, key) in edges(lock, &lock.root) {
        for (name, node) in edges(lock, key) {
            let Some(mut proposal) = proposal(lock, (direct, name), node, all) else { continue };
            let before = reached(&left);
            if let Some(node) = left.nodes.get_mut(key) {
                node.inputs.insert(name.to_owned(), Edge::Follows(vec![proposal.target.clone()]));
            }
            let after = reached(&left);
            proposal.saves = before.difference(&after).cloned().collect();
            proposals.push(proposal);
        }
    }
    proposals
}

/// The best input of the flake for an input of a direct input to follow.
fn proposal(lock: &LockFile, (direct, name): (&str, &str), key: &str, all: bool) -> Option<Proposal> {
    let node = lock.nodes.get(key)?;
    let source = graph::identity(node)?;
    let from = version(node);
    let same = |(target, candidate): &(&str, &str)| {
        let other = lock.nodes.get(*candidate);
        *target != direct
            && *candidate != key
            && other.is_some_and(|other| other.flake == node.flake && graph::identity(other).as_ref() == Some(&source))
    };
    let candidates = edges(lock, &lock.root).filter(same);
    let described = candidates.filter_map(|(target, candidate)| Some((target, version(lock.nodes.get(candidate)?))));
    let fits = |(target, to): &(&str, Version)| (to.reference != from.reference, *target != name);
    let (target, to) = described.min_by_key(fits)?;
    let path = format!("{direct}/{name}");
    let proposal = Proposal { path, target: target.to_owned(), source, saves: Vec::new(), from, to };
    (all || !proposal.is_other_branch()).then_some(proposal)
}

fn version(node: &Node) -> Version {
    let text = |attrs: &Option<super::Attrs>, name: &str| Some(attrs.as_ref()?.get(name)?.as_str()?.to_owned());
    Version {
        reference: text(&node.original, "rev").or_else(|| text(&node.original, "ref")),
        rev: text(&node.locked, "rev"),
        modified: node.locked.as_ref().and_then(|locked| locked.get("lastModified")?.as_i64()),
    }
}

/// The inputs of a node that have nodes of their own, in name order.
fn edges<'l>(lock: &'l LockFile, key: &str) -> impl Iterator<Item = (&'l str, &'l str)> {
    let edges = lock.nodes.get(key).into_iter().flat_map(|node| &node.inputs);
    edges.filter_map(|(name, edge)| match edge {
        Edge::Node(child) => Some((name.as_str(), child.as_str())),
        Edge::Follows(_) => None,
    })
}

fn reached(lock: &LockFile) -> BTreeSet<String> {
    graph::paths(lock).into_iter().map(|(_, key)| key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::lock::read;
    use serde_json::{Value, json};

    fn github(repo: &str, branch: Option<&str>, rev: &str, inputs: &Value) -> Value {
        let mut original = json!({"type": "github", "owner": "o", "repo": repo});
        if let Some(branch) = branch {
            original["ref"] = json!(branch);
        }
        json!({
            "inputs": inputs,
            "locked": {"type": "github", "owner": "o", "repo": repo, "rev": rev, "lastModified": 7},
            "original": original,
        })
    }

    fn lock(nodes: &Value) -> LockFile {
        read(&json!({"version": 7, "root": "root", "nodes": nodes}).to_string())
    }

    fn estate() -> LockFile {
        lock(&json!({
            "root": {"inputs": {"a": "a", "b": "b", "n": "n", "n-old": "n_old"}},
            "a": github("a", None, "1", &json!({"n": "n_2", "m": "m", "f": ["n"]})),
            "b": github("b", None, "2", &json!({"pkgs": "n_3", "a": "a"})),
            "m": github("m", None, "3", &json!({"n": "n_2"})),
            "n": github("n", Some("new"), "4", &json!({})),
            "n_old": github("N", Some("old"), "5", &json!({})),
            "n_2": github("n", Some("new"), "6", &json!({"x": "x"})),
            "n_3": github("n", Some("odd"), "7", &json!({"x": "x"})),
            "x": github("x", None, "8", &json!({})),
        }))
    }

    #[test]
    fn what_is_the_same_repository_may_follow_and_saves_what_nobody_else_needs() {
        let proposals = propose(&estate(), false);
        let short: Vec<_> =
            proposals.iter().map(|p| (p.path.as_str(), p.target.as_str(), p.saves.as_slice())).collect();
        assert_eq!(short, [("a/n", "n", &[][..])], "m still needs n_2");
        assert_eq!((&*proposals[0].from.rev.clone().unwrap(), &*proposals[0].to.rev.clone().unwrap()), ("6", "4"));
        assert_eq!((proposals[0].source.as_str(), proposals[0].from.modified), ("github:o/n", Some(7)));
        let mut alone = estate();
        alone.nodes.get_mut("a").unwrap().inputs.remove("m");
        assert_eq!(propose(&alone, false)[0].saves, ["n_2"]);
    }

    #[test]
    fn another_branch_is_proposed_only_when_asked_for() {
        let proposals = propose(&estate(), true);
        let paths: Vec<_> = proposals.iter().map(|proposal| proposal.path.as_str()).collect();
        assert_eq!(paths, ["a/n", "b/pkgs"]);
        assert!(proposals[1].is_other_branch() && !proposals[0].is_other_branch());
        assert_eq!(proposals[1].saves, ["n_3"]);
    }

    #[test]
    fn what_is_pinned_to_a_revision_neither_follows_nor_is_followed_unless_asked_for() {
        let mut pinned = estate();
        let pin = |node: &mut Node| drop(node.original.get_or_insert_default().insert("rev".to_owned(), json!("9")));
        pinned.nodes.get_mut("n").map(pin).unwrap();
        assert_eq!(propose(&pinned, false), []);
        assert!(propose(&pinned, true).iter().all(Proposal::is_other_branch));
        let mut both = estate();
        both.nodes.get_mut("n_2").map(pin).unwrap();
        assert_eq!(propose(&both, false), []);
    }

    #[test]
    fn a_lock_without_duplicates_or_without_sense_gives_nothing() {
        assert_eq!(propose(&lock(&json!({"root": {"inputs": {"n": "gone"}}})), true), []);
        assert_eq!(propose(&read(""), true), []);
        let own = json!({"root": {"inputs": {"n": "n"}}, "n": github("n", None, "1", &json!({"n": "n"}))});
        assert_eq!(propose(&lock(&own), true), []);
    }
}

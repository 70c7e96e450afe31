//! What is behind an edge: input paths walked through `follows`, and the edges that lead nowhere.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::{Edge, LockFile, Node};
use crate::syntax::Problem;

/// Why an input path leads to no node.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A node on the way has no such input.
    #[error("node `{node}` of flake.lock has no input `{input}`")]
    NoInput {
        /// Key of the node.
        node: String,
        /// Name of the input it does not have.
        input: String,
    },
    /// An edge names a node that is not there.
    #[error("flake.lock has no node `{node}`")]
    NoNode {
        /// Key of the missing node.
        node: String,
    },
    /// Following led back to where it began.
    #[error("the input path `{path}` of flake.lock follows itself")]
    FollowsCycle {
        /// The input path that follows itself, joined by `/`.
        path: String,
    },
}

/// Why a path leads nowhere, borrowed: one cause may belong to thousands of edges.
#[derive(Clone, Copy)]
enum Broken<'l> {
    NoInput { node: &'l str, input: &'l str },
    NoNode { node: &'l str },
    Cycle { path: &'l [String] },
}

impl Broken<'_> {
    fn error(self) -> ResolveError {
        match self {
            Self::NoInput { node, input } => ResolveError::NoInput { node: node.to_owned(), input: input.to_owned() },
            Self::NoNode { node } => ResolveError::NoNode { node: node.to_owned() },
            Self::Cycle { path } => ResolveError::FollowsCycle { path: path.join("/") },
        }
    }
}

/// Resolves input paths of one lock file and remembers what each `follows` came to.
pub(in crate::syntax) struct Links<'l> {
    lock: &'l LockFile,
    known: HashMap<&'l [String], Result<&'l str, Broken<'l>>>,
}

/// A `follows` being resolved: the node reached so far and the names still to go.
struct Frame<'l> {
    target: &'l [String],
    rest: &'l [String],
    at: &'l str,
}

impl<'l> Links<'l> {
    /// Nothing resolved yet.
    pub(in crate::syntax) fn new(lock: &'l LockFile) -> Self {
        Self { lock, known: HashMap::new() }
    }

    /// The key of the node at an input path; the empty path is the root.
    pub(in crate::syntax) fn resolve(&mut self, path: &[&str]) -> Result<&'l str, ResolveError> {
        let mut at = self.lock.root.as_str();
        for name in path {
            let no_input = || ResolveError::NoInput { node: at.to_owned(), input: (*name).to_owned() };
            let edge = self.lock.nodes.get(at).and_then(|node| node.inputs.get(*name)).ok_or_else(no_input)?;
            at = self.edge(edge)?;
        }
        Ok(at)
    }

    /// The key of the node an edge leads to.
    pub(in crate::syntax) fn edge(&mut self, edge: &'l Edge) -> Result<&'l str, ResolveError> {
        self.target(edge).map_err(Broken::error)
    }

    fn target(&mut self, edge: &'l Edge) -> Result<&'l str, Broken<'l>> {
        match edge {
            Edge::Node(key) => self.existing(key),
            Edge::Follows(target) => self.straight(target).unwrap_or_else(|| self.follow(target)),
        }
    }

    /// Walks a target that meets no other `follows`, as nearly all do; none when it meets one.
    fn straight(&self, target: &'l [String]) -> Option<Result<&'l str, Broken<'l>>> {
        let mut at = self.existing(&self.lock.root);
        for name in target {
            at = match at.and_then(|at| self.find(at, name)) {
                Ok(Edge::Node(key)) => self.existing(key),
                Ok(Edge::Follows(_)) => return None,
                Err(broken) => return Some(Err(broken)),
            };
        }
        Some(at)
    }

    fn find(&self, at: &'l str, name: &'l str) -> Result<&'l Edge, Broken<'l>> {
        let node = self.lock.nodes.get(at).ok_or(Broken::NoNode { node: at })?;
        node.inputs.get(name).ok_or(Broken::NoInput { node: at, input: name })
    }

    fn existing(&self, key: &'l str) -> Result<&'l str, Broken<'l>> {
        if self.lock.nodes.contains_key(key) { Ok(key) } else { Err(Broken::NoNode { node: key }) }
    }

    /// Walks a chain of `follows` on a stack of its own, so that a long chain cannot exhaust the thread's.
    fn follow(&mut self, target: &'l [String]) -> Result<&'l str, Broken<'l>> {
        if let Some(known) = self.known.get(target) {
            return *known;
        }
        let mut stack = vec![self.frame(target)];
        let mut active = HashSet::from([target]);
        let mut outcome = self.existing(&self.lock.root);
        while let Some(frame) = stack.last_mut() {
            let Some((name, rest)) = frame.rest.split_first() else {
                outcome = Ok(frame.at);
                self.known.insert(frame.target, outcome);
                active.remove(frame.target);
                stack.pop();
                if let (Some(below), Ok(key)) = (stack.last_mut(), outcome) {
                    below.at = key;
                }
                continue;
            };
            frame.rest = rest;
            let at = frame.at;
            let step = match self.find(at, name) {
                Ok(Edge::Node(key)) => self.existing(key),
                Ok(Edge::Follows(next)) => match self.known.get(next.as_slice()) {
                    Some(known) => *known,
                    None if active.insert(next) => {
                        stack.push(self.frame(next));
                        continue;
                    }
                    None => Err(Broken::Cycle { path: next }),
                },
                Err(broken) => Err(broken),
            };
            match step {
                Ok(key) => frame.at = key,
                Err(broken) => {
                    self.known.extend(stack.iter().map(|frame| (frame.target, Err(broken))));
                    return Err(broken);
                }
            }
        }
        outcome
    }

    fn frame(&self, target: &'l [String]) -> Frame<'l> {
        Frame { target, rest: target, at: &self.lock.root }
    }
}

/// Adds a problem for every edge that leads nowhere and every node Nix would refuse.
pub(super) fn check(lock: &mut LockFile) {
    let mut problems = Vec::new();
    let mut links = Links::new(lock);
    for (key, node) in &lock.nodes {
        if *key != lock.root {
            problems.extend(unfetched(key, node));
        }
        for (input, edge) in &node.inputs {
            if let Err(broken) = links.target(edge) {
                problems.push(problem(key, node, input, edge, broken));
            }
        }
    }
    lock.problems.append(&mut problems);
}

fn unfetched(key: &str, node: &Node) -> Option<Problem> {
    let missing = match (&node.locked, &node.original) {
        (Some(_), Some(_)) => return None,
        (None, _) => "locked",
        (_, None) => "original",
    };
    let message = format!("node `{key}` of flake.lock has no `{missing}`; run `nix flake lock` to write it anew");
    Some(Problem { code: "lock-shape", span: node.span, message })
}

fn problem(key: &str, node: &Node, input: &str, edge: &Edge, broken: Broken<'_>) -> Problem {
    let (code, why) = match (edge, broken) {
        (_, Broken::Cycle { path }) => ("follows-cycle", format!("follows `{}`, which follows itself", path.join("/"))),
        (Edge::Node(target), _) => ("lock-missing-node", format!("leads to node `{target}`, which is not there")),
        (Edge::Follows(path), _) => ("follows-missing", format!("follows `{}`, which is not there", path.join("/"))),
    };
    let message = format!("input `{input}` of node `{key}` of flake.lock {why}; run `nix flake lock`");
    Problem { code, span: node.span, message }
}

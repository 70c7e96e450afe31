//! Whether a lock still says what `flake.nix` asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::syntax::flake_ref::{FlakeRef, FlakeRefError, Source, same_attributes};
use crate::syntax::lock::{Edge, LockFile, Node};
use crate::syntax::{Attrs, Problem, Span};

/// An input as `flake.nix` asks for it. One that only `outputs` names has neither URL nor attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// The flake reference, as written.
    pub url: Option<String>,
    /// The other attributes of the reference, `type` among them when that form is used.
    pub attrs: Attrs,
    /// The input path it follows, joined by `/`; an empty text is the flake itself.
    pub follows: Option<String>,
    /// False for a plain source tree.
    pub flake: bool,
    /// What it says of its own inputs, by their path below it, joined by `/`.
    pub overrides: BTreeMap<String, Declared>,
    /// Where it is declared.
    pub span: Option<Span>,
}

impl Declared {
    fn reference(&self) -> Result<FlakeRef, FlakeRefError> {
        FlakeRef::of_input(&self.name, self.url.as_deref(), &self.attrs, self.flake)
    }

    /// Whether it says where it comes from.
    fn is_referred(&self) -> bool {
        self.url.is_some() || !self.attrs.is_empty()
    }

    fn makes_follow(&self, below: &str) -> bool {
        self.overrides.get(below).is_some_and(|over| over.follows.is_some())
    }
}

/// The codes of [`compare`].
pub const COMPARED: &[&str] =
    &["input-not-locked", "input-not-declared", "lock-stale", "override-without-input", "invalid-reference"];

/// The disagreements between the inputs of a `flake.nix` and its lock, in the order of the inputs; by the codes of [`COMPARED`].
pub fn compare(declared: &[Declared], lock: &LockFile) -> Vec<Problem> {
    let Some(root) = lock.nodes.get(&lock.root) else { return Vec::new() };
    let mut problems = Vec::new();
    for input in declared {
        match root.inputs.get(&input.name) {
            Some(edge) => Comparison { input, lock, problems: &mut problems }.with(edge),
            None => problems.push(not_locked(input)),
        }
    }
    let names: BTreeSet<_> = declared.iter().map(|input| input.name.as_str()).collect();
    for name in root.inputs.keys().filter(|name| !names.contains(name.as_str())) {
        let message =
            format!("input `{name}` is in flake.lock but flake.nix no longer declares it; run `nix flake lock`");
        problems.push(Problem { code: "input-not-declared", span: None, message });
    }
    problems
}

/// Input paths that follow an input of the flake itself in the lock, although nothing declared makes them: what an input
/// says of its own inputs leads to its own inputs only.
pub fn undeclared_follows(declared: &[Declared], lock: &LockFile) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let root = lock.nodes.get(&lock.root).into_iter().flat_map(|root| &root.inputs);
    for (direct, edge) in root {
        let declared = declared.iter().find(|input| input.name == *direct);
        let mut left = vec![(String::new(), edge)];
        while let Some((below, edge)) = left.pop() {
            match edge {
                Edge::Follows(path) => {
                    let foreign = !below.is_empty() && path.first() != Some(direct);
                    if foreign && !declared.is_some_and(|input| input.makes_follow(&below)) {
                        found.push(format!("{direct}/{below}"));
                    }
                }
                Edge::Node(key) if seen.insert(key) => {
                    let join = |name: &String| if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
                    let inputs = lock.nodes.get(key).into_iter().flat_map(|node| &node.inputs);
                    left.extend(inputs.map(|(name, edge)| (join(name), edge)));
                }
                Edge::Node(_) => {}
            }
        }
    }
    found.sort();
    found
}

fn not_locked(input: &Declared) -> Problem {
    let message = format!("input `{}` is not in flake.lock; run `nix flake lock`", input.name);
    Problem { code: "input-not-locked", span: input.span, message }
}

/// One declared input beside the lock.
struct Comparison<'a> {
    input: &'a Declared,
    lock: &'a LockFile,
    problems: &'a mut Vec<Problem>,
}

impl Comparison<'_> {
    fn with(&mut self, edge: &Edge) {
        let name = &self.input.name;
        match (&self.input.follows, edge) {
            (Some(follows), edge) => {
                if *edge != Edge::Follows(path(follows)) {
                    self.stale(&format!(
                        "input `{name}` follows {} in flake.nix but {} in flake.lock",
                        shown(follows),
                        is(edge)
                    ));
                }
            }
            (None, Edge::Follows(_)) => {
                self.stale(&format!("input `{name}` follows nothing in flake.nix but {} in flake.lock", is(edge)));
            }
            (None, Edge::Node(key)) => {
                if let Some(node) = self.lock.nodes.get(key) {
                    self.reference(node);
                    self.overrides(node);
                }
            }
        }
    }

    fn reference(&mut self, node: &Node) {
        let name = &self.input.name;
        if self.differs(name, self.input, node) {
            return;
        }
        if self.input.flake != node.flake {
            let tree = if self.input.flake { "a flake" } else { "a plain tree" };
            self.stale(&format!("input `{name}` is {tree} in flake.nix but not in flake.lock"));
        }
    }

    /// Says when a node was locked for another reference than the one that is asked for at `path`.
    fn differs(&mut self, path: &str, asked: &Declared, node: &Node) -> bool {
        let wanted = match asked.reference() {
            Ok(wanted) => wanted,
            Err(error) => {
                let message = format!("input `{path}` cannot be read: {error}");
                self.problems.push(Problem { code: "invalid-reference", span: self.input.span, message });
                return true;
            }
        };
        let Some(original) = node.original.as_ref().and_then(|original| FlakeRef::from_attrs(original).ok()) else {
            return true;
        };
        let differs = !same_attributes(&wanted, &original) && !became_absolute(&wanted, &original);
        if differs {
            self.stale(&format!("input `{path}` {}", difference(&wanted, &original)));
        }
        differs
    }

    fn overrides(&mut self, node: &Node) {
        for (below, over) in &self.input.overrides {
            // Nix 2.26 passes over another reference for what lies deeper.
            let is_referred = over.is_referred() && !below.contains('/');
            match (nested(self.lock, node, below), &over.follows) {
                (Nested::Edge(edge), Some(follows)) => self.followed(below, follows, edge),
                (Nested::Edge(edge), None) if is_referred => self.replaced(below, over, edge),
                (Nested::Missing, follows) if follows.is_some() || is_referred => self.without_input(below),
                (Nested::Edge(_) | Nested::Elsewhere | Nested::Missing, _) => {}
            }
        }
        self.left_over(node);
    }

    fn followed(&mut self, below: &str, follows: &str, edge: &Edge) {
        if *edge != Edge::Follows(path(follows)) {
            let name = format!("{}/{below}", self.input.name);
            self.stale(&format!(
                "input `{name}` follows {} in flake.nix but {} in flake.lock",
                shown(follows),
                is(edge)
            ));
        }
    }

    fn replaced(&mut self, below: &str, over: &Declared, edge: &Edge) {
        let name = format!("{}/{below}", self.input.name);
        match edge {
            Edge::Follows(_) => {
                self.stale(&format!("input `{name}` has a URL in flake.nix but {} in flake.lock", is(edge)));
            }
            Edge::Node(key) => {
                if let Some(node) = self.lock.nodes.get(key) {
                    self.differs(&name, over, node);
                }
            }
        }
    }

    fn without_input(&mut self, below: &str) {
        let input = &self.input.name;
        let message = format!("input `{input}/{below}` is overridden, but `{input}` has no such input; remove it");
        self.problems.push(Problem { code: "override-without-input", span: self.input.span, message });
    }

    /// What follows something that only this flake can have told it to, and is told so no more. What an input says of
    /// its own inputs leads below itself; of what lies deeper Nix believes the lock.
    fn left_over(&mut self, node: &Node) {
        let name = &self.input.name;
        for (below, edge) in &node.inputs {
            let Edge::Follows(path) = edge else { continue };
            if path.first() != Some(name) && !self.input.overrides.contains_key(below) {
                self.stale(&format!(
                    "input `{name}/{below}` follows nothing in flake.nix but {} in flake.lock",
                    is(edge)
                ));
            }
        }
    }

    fn stale(&mut self, what: &str) {
        let message = format!("{what}; run `nix flake lock`");
        self.problems.push(Problem { code: "lock-stale", span: self.input.span, message });
    }
}

/// Where an overridden input is in the lock.
enum Nested<'l> {
    Edge(&'l Edge),
    /// Behind an input that itself follows another, where the override has no effect.
    Elsewhere,
    Missing,
}

fn nested<'l>(lock: &'l LockFile, node: &'l Node, below: &str) -> Nested<'l> {
    let names = path(below);
    let Some((last, way)) = names.split_last() else { return Nested::Elsewhere };
    let mut at = node;
    for name in way {
        at = match at.inputs.get(name) {
            Some(Edge::Node(key)) => match lock.nodes.get(key) {
                Some(next) => next,
                None => return Nested::Elsewhere,
            },
            Some(Edge::Follows(_)) => return Nested::Elsewhere,
            None => return Nested::Missing,
        };
    }
    at.inputs.get(last).map_or(Nested::Missing, Nested::Edge)
}

/// How two references differ; a flag that is off has no place in a URL.
fn difference(wanted: &FlakeRef, original: &FlakeRef) -> String {
    let (url, locked) = (wanted.normalise(), original.normalise());
    let (wanted, original) = (wanted.to_attrs(), original.to_attrs());
    let other = wanted.keys().chain(original.keys()).find(|name| wanted.get(*name) != original.get(*name));
    match other.filter(|_| url == locked) {
        Some(name) => format!("has another attribute `{name}` in flake.nix than in flake.lock"),
        None => format!("is `{url}` in flake.nix but flake.lock was made for `{locked}`"),
    }
}

/// Before 2.26 Nix wrote relative paths as absolute ones, so they cannot be compared.
fn became_absolute(wanted: &FlakeRef, original: &FlakeRef) -> bool {
    wanted.is_relative() && matches!(&original.source, Source::Path { path } if path.starts_with('/'))
}

fn path(text: &str) -> Vec<String> {
    text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn shown(follows: &str) -> String {
    if path(follows).is_empty() { "the flake itself".to_owned() } else { format!("`{follows}`") }
}

fn is(edge: &Edge) -> String {
    match edge {
        Edge::Node(key) => format!("is node `{key}`"),
        Edge::Follows(path) if path.is_empty() => "follows the flake itself".to_owned(),
        Edge::Follows(path) => format!("follows `{}`", path.join("/")),
    }
}

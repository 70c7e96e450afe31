//! The names of a flake's outputs, as far as they can be known without evaluation.
//!
//! What is known is listed; where names may be missing, a gap says so and why. Must not know inputs or locks.

use std::collections::BTreeMap;

use rnix::TextRange;

use super::Span;
use super::tree::Tree;
use super::value::{ANY_SYSTEM, Lazy, Member, Reader, Set, Value};

/// The outputs of a flake, by their first name (`packages`, `nixosConfigurations`, …).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// What is known of each category.
    pub categories: BTreeMap<String, Category>,
    /// Why there may be more categories.
    pub gaps: Vec<Gap>,
}

/// What is known of one category of outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Category {
    /// Full attribute paths, as in `packages.x86_64-linux.default`; `*` is a system that is not known.
    pub names: BTreeMap<String, Span>,
    /// Why there may be more; none when the list is complete.
    pub gaps: Vec<Gap>,
}

/// A place where names may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The attribute path below which they would be; empty for the outputs themselves.
    pub path: String,
    /// Why, for a person.
    pub reason: String,
    /// Where that is written.
    pub span: Span,
}

impl Outputs {
    /// All known attribute paths.
    pub fn known(&self) -> impl Iterator<Item = (&str, Span)> {
        self.categories.values().flat_map(|category| category.names.iter().map(|(path, span)| (path.as_str(), *span)))
    }

    /// All places where names may be missing.
    pub fn unknown(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().chain(self.categories.values().flat_map(|category| &category.gaps))
    }

    /// Whether every name is known.
    pub fn is_complete(&self) -> bool {
        self.unknown().next().is_none()
    }
}

/// Names of what the function `outputs` of a flake returns.
pub(super) fn read(tree: &Tree, reader: &Reader, function: &Value) -> Outputs {
    let mut outputs = Outputs::default();
    let start = TextRange::empty(0.into());
    let at = if let Value::Function(lambda, _) = function {
        rowan::ast::AstNode::syntax(lambda).text_range()
    } else {
        start
    };
    let body = match function {
        Value::Function(..) => reader.apply(function.clone(), Lazy::known(Value::Outside(Vec::new())), at),
        _ => None,
    };
    let walk = Walk { tree, reader };
    match body {
        Some(Value::Set(set)) => walk.categories(&set, &mut outputs),
        Some(other) => outputs.gaps.push(walk.gap("", &other, at)),
        None => outputs.gaps.push(walk.gap("", function, at)),
    }
    outputs
}

struct Walk<'a> {
    tree: &'a Tree,
    reader: &'a Reader,
}

impl Walk<'_> {
    fn categories(&self, set: &Set, outputs: &mut Outputs) {
        outputs.gaps.extend(self.doubts("", set));
        for (name, at) in set.names() {
            let mut category = Category::default();
            match depth(&name) {
                0 => drop(category.names.insert(name.clone(), self.tree.span(at))),
                depth => self.below(&name, self.member(set, &name), at, depth, &mut category),
            }
            outputs.categories.insert(name, category);
        }
    }

    fn below(&self, path: &str, value: Value, at: TextRange, depth: u8, category: &mut Category) {
        let Value::Set(set) = value else {
            category.gaps.push(self.gap(path, &value, at));
            return;
        };
        category.gaps.extend(self.doubts(path, &set));
        for (name, place) in set.names() {
            let full = format!("{path}.{}", quoted(&name));
            if name == ANY_SYSTEM {
                let reason = "the list of systems is not written in this file".to_owned();
                category.gaps.push(Gap { path: path.to_owned(), reason, span: self.tree.span(place) });
            }
            if depth == 1 {
                category.names.insert(full, self.tree.span(place));
            } else {
                self.below(&full, self.member(&set, &name), place, depth - 1, category);
            }
        }
    }

    fn member(&self, set: &Set, name: &str) -> Value {
        match set.get(name, self.reader) {
            Member::Present(value) => value,
            Member::Uncertain(unknown) => Value::Unknown(unknown),
            Member::Absent => Value::Null,
        }
    }

    fn doubts(&self, path: &str, set: &Set) -> Vec<Gap> {
        let gap = |unknown: super::value::Unknown| self.gap(path, &Value::Unknown(unknown), TextRange::empty(0.into()));
        set.doubts().into_iter().map(gap).collect()
    }

    fn gap(&self, path: &str, value: &Value, at: TextRange) -> Gap {
        let (source, at) = match value {
            Value::Unknown(unknown) => (unknown.reason.clone(), unknown.at),
            Value::Call(path, _, at) => (format!("a call of `{}`", path.join(".")), *at),
            Value::Outside(path) => (format!("`{}`", path.join(".")), at),
            _ => ("a value that is not a set".to_owned(), at),
        };
        let what = if path.is_empty() { "outputs" } else { path };
        Gap { path: path.to_owned(), reason: format!("`{what}` comes from {source}"), span: self.tree.span(at) }
    }
}

/// How many names follow that of a category.
fn depth(category: &str) -> u8 {
    match category {
        "packages" | "devShells" | "checks" | "apps" | "bundlers" => 2,
        "overlay" | "nixosModule" | "homeModule" | "defaultTemplate" | "schemas" => 0,
        _ => 1,
    }
}

/// A name as one would write it in an attribute path.
fn quoted(name: &str) -> String {
    let plain = name == ANY_SYSTEM
        || (name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c)));
    if plain { name.to_owned() } else { format!("{name:?}") }
}

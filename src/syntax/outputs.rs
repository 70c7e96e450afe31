//! The names of a flake's outputs, as far as they can be known without evaluation.
//!
//! What is known is listed; where names may be missing, a gap says so and why. Must not know inputs or locks.

mod flake_parts;

pub(super) mod configurations;

pub use configurations::Configuration;

use std::collections::BTreeMap;

use rnix::TextRange;
use rowan::ast::AstNode;

use super::Span;
use super::tree::Tree;
use super::value::{ANY_SYSTEM, Lazy, Member, Reader, Set, Value};

/// The outputs of a flake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Attribute paths, as in `packages.x86_64-linux.default`; `*` is a system that is not known. `packages`, `devShells`,
    /// `checks`, `apps` and `bundlers` have a system and a name, all others one name.
    pub known: BTreeMap<String, Span>,
    /// Where names may be missing, and why.
    pub unknown: Vec<Gap>,
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

/// Names of what the function `outputs` of a flake returns; `flake_parts` are the inputs that are flake-parts.
pub(super) fn read(tree: &Tree, reader: &Reader, function: &Value, flake_parts: &[&str]) -> Outputs {
    let mut outputs = Outputs::default();
    let at = match function {
        Value::Function(lambda, _) => lambda.syntax().text_range(),
        _ => TextRange::empty(0.into()),
    };
    let result = match function {
        Value::Function(..) => reader.apply(function.clone(), Lazy::known(Value::Outside(Vec::new())), at),
        _ => None,
    };
    let walk = Walk { tree, reader };
    match result.as_ref().unwrap_or(function) {
        Value::Set(set) => walk.categories(set, &mut outputs),
        Value::Call(path, arguments, at) if flake_parts::is_call(path, flake_parts) && arguments.len() == 2 => {
            walk.flake_parts(arguments.last(), *at, &mut outputs);
        }
        other => outputs.unknown.push(walk.gap("", other, at)),
    }
    outputs
}

struct Walk<'a> {
    tree: &'a Tree,
    reader: &'a Reader,
}

impl Walk<'_> {
    fn categories(&self, set: &Set, outputs: &mut Outputs) {
        outputs.unknown.extend(self.doubts("", set));
        for (name, at) in set.names() {
            match depth(&name) {
                0 => drop(outputs.known.insert(name, self.tree.span(at))),
                depth => match self.member(set, &name) {
                    Value::Set(set) => self.below(&name, &Value::Set(set), at, depth, outputs),
                    value if is_definite(&value) => drop(outputs.known.insert(name, self.tree.span(at))),
                    value => outputs.unknown.push(self.gap(&name, &value, at)),
                },
            }
        }
    }

    fn below(&self, path: &str, value: &Value, at: TextRange, depth: u8, outputs: &mut Outputs) {
        let Value::Set(set) = value else {
            return outputs.unknown.push(self.gap(path, value, at));
        };
        outputs.unknown.extend(self.doubts(path, set));
        for (name, place) in set.names() {
            let full = format!("{path}.{}", quoted(&name));
            if name == ANY_SYSTEM {
                let reason = format!("`{path}` is for a list of systems that is not written in this file");
                outputs.unknown.push(Gap { path: path.to_owned(), reason, span: self.tree.span(place) });
            }
            if depth == 1 {
                outputs.known.insert(full, self.tree.span(place));
            } else {
                self.below(&full, &self.member(set, &name), place, depth - 1, outputs);
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
            Value::Outside(path) if path.is_empty() => ("the inputs themselves".to_owned(), at),
            Value::Outside(path) => (format!("`{}`", path.join(".")), at),
            _ => ("a value that is not a set".to_owned(), at),
        };
        let what = if path.is_empty() { "outputs" } else { path };
        Gap { path: path.to_owned(), reason: format!("`{what}` comes from {source}"), span: self.tree.span(at) }
    }
}

/// Whether a value is known not to be a set.
fn is_definite(value: &Value) -> bool {
    !matches!(value, Value::Set(_) | Value::Outside(_) | Value::Call(..) | Value::Unknown(_))
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

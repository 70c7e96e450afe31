//! What Nix refuses when it parses a text, though the grammar allows it: names given twice, computed names where none
//! may stand, numbers that do not fit.
//!
//! Names that nothing defines are refused as well; they are in `names`. Must not know values, files or rules.

mod literals;

use std::collections::HashMap;

use rnix::SyntaxKind::{
    NODE_ATTR_SET, NODE_ATTRPATH_VALUE, NODE_IDENT, NODE_INHERIT, NODE_LEGACY_LET, NODE_LET_IN, NODE_LITERAL,
    NODE_PAT_BIND, NODE_PAT_ENTRY, NODE_PATTERN, NODE_STRING,
};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::Problem;
use super::merge::{self, Twice, is_computed};
use super::tree::Tree;

/// An attribute that the same set defines already.
pub const DUPLICATE_ATTRIBUTE: &str = "duplicate-attribute";
/// A name that the same argument pattern has already.
pub const DUPLICATE_FORMAL: &str = "duplicate-formal";
/// A computed name in `let`.
pub const DYNAMIC_LET: &str = "dynamic-let";
/// A computed name in `inherit`.
pub const DYNAMIC_INHERIT: &str = "dynamic-inherit";
/// A number that Nix cannot hold.
pub const INVALID_NUMBER: &str = "invalid-number";
/// A null byte in a string.
pub const NULL_BYTE: &str = "null-byte";

/// What Nix refuses in a text that could be parsed, in its order; `text` is the one that `tree` was parsed from.
pub fn problems(tree: &Tree, text: &str) -> Vec<Problem> {
    let mut found = Found::new(tree, text);
    for node in tree.root().syntax().descendants() {
        found.look(&node);
    }
    found.in_order()
}

/// What was found so far in one text: for those that walk it anyway.
#[derive(Debug)]
pub struct Found<'t> {
    tree: &'t Tree,
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Found<'t> {
    /// Nothing yet; `text` is the one that `tree` was parsed from.
    pub const fn new(tree: &'t Tree, text: &'t str) -> Self {
        Self { tree, text, problems: Vec::new() }
    }

    /// Looks at one node of the tree; every node is to be looked at once.
    pub fn look(&mut self, node: &SyntaxNode) {
        match node.kind() {
            NODE_ATTR_SET | NODE_LEGACY_LET => attributes(node, self),
            NODE_LET_IN => {
                attributes(node, self);
                computed_in_let(node, self);
            }
            NODE_INHERIT => computed_in_inherit(node, self),
            NODE_PATTERN => formals(node, self),
            NODE_LITERAL => literals::number(node, self),
            NODE_STRING => literals::text(node, self),
            _ => {}
        }
    }

    fn say(&mut self, code: &'static str, range: TextRange, message: String) {
        self.problems.push(Problem { code, span: Some(self.tree.span(range)), message });
    }

    fn slice(&self, range: TextRange) -> &'t str {
        self.text.get(usize::from(range.start())..usize::from(range.end())).unwrap_or_default()
    }

    fn line(&self, range: TextRange) -> u32 {
        self.tree.span(range).line
    }

    /// All that was found, in the order of the text.
    pub fn in_order(mut self) -> Vec<Problem> {
        let place = |problem: &Problem| (problem.span, problem.code);
        self.problems.sort_by_key(place);
        self.problems.dedup_by_key(|problem| place(problem));
        self.problems
    }
}

fn attributes(set: &SyntaxNode, found: &mut Found<'_>) {
    merge::each(set, found.text, &mut |twice| {
        if let Twice::Refused(entry, first) = twice {
            let (range, line) = (entry.range(), found.line(first.name.text_range()));
            let message = format!("`{}` is defined already, on line {line}", found.slice(range));
            found.say(DUPLICATE_ATTRIBUTE, range, message);
        }
    });
}

/// `let ${name} = …;`. Deeper in a path, as in `let a.${name} = …;`, Nix takes it.
fn computed_in_let(block: &SyntaxNode, found: &mut Found<'_>) {
    for binding in block.children().filter(|child| child.kind() == NODE_ATTRPATH_VALUE) {
        let first = binding.first_child().and_then(|path| path.first_child());
        if let Some(first) = first.filter(is_computed) {
            let message = "the names of `let` are written out; a computed one needs a set".to_owned();
            found.say(DYNAMIC_LET, first.text_range(), message);
        }
    }
}

fn computed_in_inherit(inherit: &SyntaxNode, found: &mut Found<'_>) {
    for attribute in inherit.children().filter(is_computed) {
        let message =
            "the names of `inherit` are written out; write `name = set.${name};` for a computed one".to_owned();
        found.say(DYNAMIC_INHERIT, attribute.text_range(), message);
    }
}

/// The names of `{ a, b }@all:` differ from each other.
fn formals(pattern: &SyntaxNode, found: &mut Found<'_>) {
    let named = |kind| {
        let entries = pattern.children().filter(move |child| child.kind() == kind);
        entries.filter_map(|entry| entry.children().find(|child| child.kind() == NODE_IDENT))
    };
    let mut known: HashMap<&str, TextRange> = HashMap::new();
    for name in named(NODE_PAT_ENTRY).chain(named(NODE_PAT_BIND)) {
        let range = name.text_range();
        let text = found.slice(range);
        if let Some(first) = known.get(text) {
            let message = format!("`{text}` is an argument already, on line {}", found.line(*first));
            found.say(DUPLICATE_FORMAL, range, message);
        } else {
            known.insert(text, range);
        }
    }
}

#[cfg(test)]
mod tests;

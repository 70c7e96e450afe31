//! Sets that become one although each is written out, where that changes which names are seen.
//!
//! `a = rec { b = 1; }; a = { c = b; };` is one `rec` set; with the two the other way round there is none, and `b` is
//! not defined. So Nix does it; nobody writes that on purpose.

use std::collections::{HashMap, HashSet};

use rnix::SyntaxKind::{NODE_ATTR_SET, NODE_ATTRPATH_VALUE, NODE_LEGACY_LET, NODE_LET_IN, NODE_PAREN};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::resolve::is_rec;
use crate::syntax::merge::{self, Entry, Twice};
use crate::syntax::tree::Tree;
use crate::syntax::tree::green::Place;

/// One thing that is merged into a `rec` set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'g> {
    /// A set that is written out.
    Set(Place<'g>),
    /// A binding with a path, and the name in it that stands in the set.
    Path(Place<'g>, Place<'g>),
}

impl<'g> Part<'g> {
    /// The entries of a set that is written out.
    pub(super) fn entries(&self) -> impl Iterator<Item = Place<'g>> + use<'g> {
        let set = match self {
            Self::Set(set) => Some(*set),
            Self::Path(..) => None,
        };
        set.into_iter().flat_map(Place::children)
    }

    /// The binding with a path, and the name in it.
    pub(super) const fn path(&self) -> Option<(Place<'g>, Place<'g>)> {
        match self {
            Self::Set(_) => None,
            Self::Path(binding, name) => Some((*binding, *name)),
        }
    }
}

/// What is merged into, or out of, a `rec` set.
#[derive(Debug)]
pub(super) struct Parts<'g> {
    root: Place<'g>,
    /// By the range of a `rec` set: the sets that belong to it.
    of: HashMap<TextRange, Vec<Part<'g>>>,
    elsewhere: HashSet<TextRange>,
    /// Their `rec` counts for nothing.
    plain: HashSet<TextRange>,
}

impl<'g> Parts<'g> {
    /// Of a tree, whose root is `root`.
    pub(super) fn of(tree: &Tree, root: Place<'g>, text: &str) -> Self {
        let mut parts = Self { root, of: HashMap::new(), elsewhere: HashSet::new(), plain: HashSet::new() };
        let mut seen = HashSet::new();
        if may_have_rec(text) {
            let sets = tree.root().syntax().descendants().filter(|node| node.kind() == NODE_ATTR_SET && is_rec(node));
            for set in sets {
                parts.around(&set, text, &mut seen);
            }
        }
        parts
    }

    /// A set or binding that is read with another set.
    pub(super) fn belongs_elsewhere(&self, set: Place<'_>) -> bool {
        !self.elsewhere.is_empty() && self.elsewhere.contains(&set.range())
    }

    /// A set whose `rec` counts for nothing.
    pub(super) fn is_plain(&self, set: TextRange) -> bool {
        !self.plain.is_empty() && self.plain.contains(&set)
    }

    /// The sets that belong to this one.
    pub(super) fn of_set(&self, set: Place<'_>) -> Vec<Part<'g>> {
        if self.of.is_empty() { Vec::new() } else { self.of.get(&set.range()).cloned().unwrap_or_default() }
    }

    /// Looks at every set around that this one could be merged in, the outermost first: it decides for those inside.
    fn around(&mut self, set: &SyntaxNode, text: &str, seen: &mut HashSet<TextRange>) {
        let around = std::iter::successors(outer(set), outer).take_while(|set| seen.insert(set.text_range()));
        let around: Vec<_> = around.collect();
        for set in around.iter().rev() {
            merge::each(set, text, &mut |twice| {
                if let Twice::Merged(group) = twice {
                    self.merged(group);
                }
            });
        }
    }

    fn merged(&mut self, group: &[Entry]) {
        let Some((first, rest)) = group.split_first() else { return };
        let first = first.literal().filter(|set| is_rec(set) && !self.is_plain(set.text_range()));
        let Some(first) = first else {
            let sets = rest.iter().filter_map(Entry::literal).filter(is_rec);
            return self.plain.extend(sets.map(|set| set.text_range()));
        };
        for entry in rest {
            let place = |node: &SyntaxNode| self.root.find(node.kind(), node.text_range());
            let found = match (entry.literal(), entry.below()) {
                (Some(set), _) => place(&set).map(|set| (set.range(), Part::Set(set))),
                (None, Some((binding, name))) => place(&binding)
                    .zip(place(&name))
                    .map(|(binding, name)| (binding.range(), Part::Path(binding, name))),
                (None, None) => None,
            };
            let Some((range, part)) = found else { continue };
            if self.elsewhere.insert(range) {
                self.of.entry(first.text_range()).or_default().push(part);
            }
        }
    }
}

/// Whether the word `rec` stands somewhere, be it in a string: most texts without it say `direct` or `recursive`.
fn may_have_rec(text: &str) -> bool {
    let bytes = text.as_bytes();
    let goes_on = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    memchr::memmem::find_iter(bytes, "rec").any(|at| !(goes_on(at + 3) || at > 0 && goes_on(at - 1)))
}

/// The set, `let` or `rec` that this one is an attribute of.
fn outer(set: &SyntaxNode) -> Option<SyntaxNode> {
    let mut around = set.ancestors().skip(1).skip_while(|node| node.kind() == NODE_PAREN);
    around.next().filter(|node| node.kind() == NODE_ATTRPATH_VALUE)?;
    around.next().filter(|node| matches!(node.kind(), NODE_ATTR_SET | NODE_LEGACY_LET | NODE_LET_IN))
}

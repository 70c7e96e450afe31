//! How Nix makes one set of several: `a.b = 1; a.c = 2;` and `a = { b = 1; }; a.c = 2;` are one set `a`.
//!
//! Anything else that is written twice is refused. Sets are merged here only where a name stands twice, so the common file costs
//! one look at each name. Must not know values or scopes.

use std::borrow::Cow;
use std::collections::HashMap;

use rnix::SyntaxKind::{
    NODE_ATTR_SET, NODE_ATTRPATH_VALUE, NODE_DYNAMIC, NODE_IDENT, NODE_INHERIT, NODE_INHERIT_FROM, NODE_INTERPOL,
    NODE_LITERAL, NODE_PAREN, NODE_STRING, TOKEN_URI,
};
use rnix::ast::Str;
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::GreenNodeData;
use rowan::ast::AstNode;

use super::tree::{self, green};

/// One attribute of a set that may be merged from several: where its name stands in its path, and what it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name.
    pub(super) name: SyntaxNode,
    /// The binding; an inherited name has none.
    binding: Option<SyntaxNode>,
}

/// What stands several times under one name, in the order of the text.
pub(super) enum Twice<'g> {
    /// Sets that become the first of them.
    Merged(&'g [Entry]),
    /// The second is refused because of the first.
    Refused(&'g Entry, &'g Entry),
}

/// Tells of every name that stands more than once in this set, `let` or `rec`, or in what is merged within it.
pub(super) fn each(set: &SyntaxNode, text: &str, tell: &mut dyn FnMut(Twice<'_>)) {
    if are_distinct(set) {
        return;
    }
    let mut merged = vec![entries(set)];
    while let Some(set) = merged.pop() {
        if set.len() > 1 {
            for group in alike(set, text) {
                merged.extend(unite(&group, tell));
            }
        }
    }
}

/// Whether Nix takes a name of a set for one that is computed.
pub(super) fn is_computed(name: &SyntaxNode) -> bool {
    match name.kind() {
        NODE_STRING => is_interpolated(name),
        NODE_DYNAMIC => written(name).is_none(),
        _ => false,
    }
}

/// An expression without the parentheses around it.
pub(super) fn bare(mut value: SyntaxNode) -> Option<SyntaxNode> {
    while value.kind() == NODE_PAREN {
        value = value.first_child()?;
    }
    Some(value)
}

/// The attributes of one set that have a name in common, name by name.
fn alike(set: Vec<Entry>, text: &str) -> Vec<Vec<Entry>> {
    let mut known: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(set.len());
    let mut groups: Vec<Vec<Entry>> = Vec::new();
    for entry in set {
        let Some(name) = name(&entry.name, text) else { continue };
        let group = *known.entry(name).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Whether the names of a set are all plain and different: nearly always they are, and this is all that a set costs.
fn are_distinct(set: &SyntaxNode) -> bool {
    const FEW: usize = 8;
    let set = set.green();
    let mut names = Vec::new();
    for (kind, entry) in green::nodes(set) {
        let first = match kind {
            NODE_ATTRPATH_VALUE => green::nodes(entry).next().and_then(|(_, path)| green::nodes(path).next()),
            NODE_INHERIT => {
                for (kind, name) in green::nodes(entry).filter(|(kind, _)| *kind != NODE_INHERIT_FROM) {
                    let Some(name) = plain(kind, name) else { return false };
                    names.push(name);
                }
                continue;
            }
            _ => continue,
        };
        let Some(name) = first.and_then(|(kind, name)| plain(kind, name)) else { return false };
        names.push(name);
    }
    if names.len() > FEW {
        names.sort_unstable();
        return names.windows(2).all(|pair| pair.first() != pair.last());
    }
    names.iter().enumerate().all(|(at, name)| !names.iter().skip(at + 1).any(|other| other == name))
}

fn plain(kind: SyntaxKind, name: &GreenNodeData) -> Option<&str> {
    if kind == NODE_IDENT { green::identifier(name) } else { None }
}

/// What is inside the one set that these become, when the first is one.
fn unite(group: &[Entry], tell: &mut dyn FnMut(Twice<'_>)) -> Option<Vec<Entry>> {
    let (first, rest) = group.split_first()?;
    let mut inside = first.inside();
    let mut refused = false;
    for entry in rest {
        if let (Some(inside), Some(more)) = (&mut inside, entry.inside()) {
            inside.extend(more);
        } else {
            refused = true;
            tell(Twice::Refused(entry, first));
        }
    }
    if !refused {
        tell(Twice::Merged(group));
    }
    inside
}

impl Entry {
    /// The set that is written out as its value.
    pub(super) fn literal(&self) -> Option<SyntaxNode> {
        if self.name.next_sibling().is_some() {
            return None;
        }
        bare(self.binding.as_ref()?.last_child()?).filter(|value| value.kind() == NODE_ATTR_SET)
    }

    /// For a longer path: the binding, and the name below this one.
    pub(super) fn below(&self) -> Option<(SyntaxNode, SyntaxNode)> {
        Some((self.binding.clone()?, self.name.next_sibling()?))
    }

    /// From the beginning of its path to this name.
    pub(super) fn range(&self) -> TextRange {
        let own = self.name.text_range();
        let path = self.binding.as_ref().and(self.name.parent());
        path.map_or(own, |path| TextRange::new(path.text_range().start(), own.end()))
    }

    /// The attributes of the set that this entry makes; none when it is anything else.
    fn inside(&self) -> Option<Vec<Self>> {
        match self.below() {
            Some((binding, name)) => Some(vec![Self { name, binding: Some(binding) }]),
            None => Some(entries(&self.literal()?)),
        }
    }
}

fn entries(set: &SyntaxNode) -> Vec<Entry> {
    let mut all = Vec::new();
    for child in set.children() {
        if child.kind() == NODE_ATTRPATH_VALUE {
            let name = child.first_child().and_then(|path| path.first_child());
            all.extend(name.map(|name| Entry { name, binding: Some(child) }));
        } else if child.kind() == NODE_INHERIT {
            let names = child.children().filter(|name| name.kind() != NODE_INHERIT_FROM);
            all.extend(names.map(|name| Entry { name, binding: None }));
        }
    }
    all
}

/// The name, when it is not computed.
fn name<'t>(node: &SyntaxNode, text: &'t str) -> Option<Cow<'t, str>> {
    let range = node.text_range();
    let text = text.get(usize::from(range.start())..usize::from(range.end()))?;
    match node.kind() {
        NODE_IDENT => Some(Cow::Borrowed(text)),
        NODE_STRING => match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) if !inner.contains(['\\', '$', '\r']) => Some(Cow::Borrowed(inner)),
            _ => literal(node).map(Cow::Owned),
        },
        NODE_DYNAMIC => written(node).map(Cow::Owned),
        _ => None,
    }
}

/// `${"name"}` is a written name as well.
fn written(dynamic: &SyntaxNode) -> Option<String> {
    let value = bare(dynamic.first_child()?)?;
    match value.kind() {
        NODE_STRING => literal(&value),
        NODE_LITERAL => value.first_token().filter(|token| token.kind() == TOKEN_URI).map(|uri| uri.text().to_owned()),
        _ => None,
    }
}

fn literal(string: &SyntaxNode) -> Option<String> {
    if is_interpolated(string) {
        return None;
    }
    tree::string(&Str::cast(string.clone())?)
}

fn is_interpolated(string: &SyntaxNode) -> bool {
    string.children().any(|part| part.kind() == NODE_INTERPOL)
}

//! The attributes of a set that is written out. Shared by the rules; finds nothing itself.

use rnix::TextRange;
use rnix::ast::{AttrSet, AttrpathValue, BinOpKind, Entry, Expr, HasEntry};
use rowan::ast::AstNode;

use super::certain::bare;
use crate::lint::call::{Call, path};
use crate::syntax::tree::{attr_name, string};

/// The binding of one name: `name = …;`.
pub(super) fn binding(set: &AttrSet, name: &str) -> Option<AttrpathValue> {
    set.attrpath_values().find(|binding| single_name(binding).is_some_and(|single| single == name))
}

/// The value that a set gives one name: `name = …;`.
pub(super) fn value(set: &AttrSet, name: &str) -> Option<Expr> {
    Some(bare(binding(set, name)?.value()?))
}

/// The first names of all entries and where they stand, those of `inherit` among them.
pub(super) fn names(set: &AttrSet) -> Vec<(String, TextRange)> {
    let mut names = Vec::new();
    for entry in set.entries() {
        match entry {
            Entry::Inherit(inherit) => {
                let attributes = inherit.attrs();
                names.extend(attributes.filter_map(|attr| Some((attr_name(&attr)?, attr.syntax().text_range()))));
            }
            Entry::AttrpathValue(binding) => {
                let first = binding.attrpath().and_then(|path| path.attrs().next());
                names.extend(first.and_then(|attr| Some((attr_name(&attr)?, attr.syntax().text_range()))));
            }
        }
    }
    names
}

/// Whether a set has a name, however it is written.
pub(super) fn has(set: &AttrSet, wanted: &str) -> bool {
    names(set).iter().any(|(name, _)| name == wanted)
}

/// Whether a set has names that are computed, so that any may be among them.
pub(super) fn is_open(set: &AttrSet) -> bool {
    let mut firsts = set.attrpath_values().map(|binding| binding.attrpath().and_then(|path| path.attrs().next()));
    firsts.any(|first| first.is_none_or(|first| attr_name(&first).is_none()))
}

/// The items that are written out in a list, in the lists that `++` joins to it, and in those of `optionals`.
pub(super) fn items(expression: &Expr) -> Vec<Expr> {
    let mut items = Vec::new();
    let mut rest = vec![bare(expression.clone())];
    while let Some(expression) = rest.pop() {
        match expression {
            Expr::List(list) => items.extend(list.items()),
            Expr::BinOp(operation) if operation.operator() == Some(BinOpKind::Concat) => {
                rest.extend([operation.lhs(), operation.rhs()].into_iter().flatten().map(bare));
            }
            Expr::With(with) => rest.extend(with.body().map(bare)),
            Expr::Apply(_) => {
                let call = Call::of_expression(&expression).filter(|call| call.name() == "optionals");
                rest.extend(call.and_then(|call| call.arguments().into_iter().nth(1)));
            }
            _ => {}
        }
    }
    items
}

/// The last name of an expression such as `pkgs.cmake`.
pub(super) fn last_name(expression: &Expr) -> Option<String> {
    path(&bare(expression.clone()))?.pop()
}

/// The text of a string literal without anything computed in it.
pub(super) fn text(expression: &Expr) -> Option<String> {
    match bare(expression.clone()) {
        Expr::Str(literal) => string(&literal),
        _ => None,
    }
}

fn single_name(binding: &AttrpathValue) -> Option<String> {
    let mut attributes = binding.attrpath()?.attrs();
    let first = attributes.next()?;
    if attributes.next().is_none() { attr_name(&first) } else { None }
}

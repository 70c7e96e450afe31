//! What a name is bound to in the same file. Shared by the rules; finds nothing itself.

use rnix::ast::{AttrpathValue, Expr};
use rnix::{SyntaxKind, TextRange};
use rowan::ast::AstNode;

use super::certain::bare;
use crate::lint::{Call, Report};
use crate::syntax::names::{Binder, Meaning};

/// What an expression is: of a name that `let` or `rec` binds in this file its value, else itself.
pub(super) fn meant(expression: &Expr, report: &Report<'_, '_>) -> Expr {
    let expression = bare(expression.clone());
    let value = match &expression {
        Expr::Ident(name) => entry_of(name.syntax().text_range(), report).and_then(|entry| whole_value(&entry)),
        _ => None,
    };
    value.map_or(expression, bare)
}

/// Whether the function that is called is one that this file writes itself, so that its name says nothing.
pub(super) fn is_own(call: &Call, report: &Report<'_, '_>) -> bool {
    call.path().is_some_and(|path| path.len() == 1) && entry_of(call.range(), report).is_some()
}

fn entry_of(name: TextRange, report: &Report<'_, '_>) -> Option<AttrpathValue> {
    let Meaning::Defined(id) = report.names().use_at(name)?.meaning else { return None };
    let definition = report.names().definition(id)?;
    if !matches!(definition.binder, Binder::Let | Binder::Rec) {
        return None;
    }
    let node = report
        .file
        .node_at(definition.range)?
        .ancestors()
        .find(|node| node.kind() == SyntaxKind::NODE_ATTRPATH_VALUE)?;
    AttrpathValue::cast(node)
}

/// The value, when the binding gives the name itself one and not an attribute of it.
fn whole_value(binding: &AttrpathValue) -> Option<Expr> {
    (binding.attrpath()?.attrs().count() == 1).then(|| binding.value()).flatten()
}

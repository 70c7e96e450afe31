//! `a = a;` where `inherit a;` says it.

use rnix::ast::{Attr, AttrSet, AttrpathValue, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::has_comment;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::tree::green;

pub(super) static RULE: Rule = Rule {
    name: "manual-inherit",
    summary: "a binding of a name to itself where `inherit` says it",
    why: "`inherit a;` says that the name is passed on as it is, and cannot pass on another one by a slip. In `let` and \
          in `rec` sets such a binding would refer to itself, so nothing is said there.",
    bad: Example::Nix("a: { a = a; b = 1; }"),
    good: Example::Nix("a: { inherit a; b = 1; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "manual_inherit")],
    check: Check::Node(&[SyntaxKind::NODE_ATTRPATH_VALUE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if green::nodes(node.green()).last().is_none_or(|(value, _)| value != SyntaxKind::NODE_IDENT) {
        return;
    }
    let Some(binding) = AttrpathValue::cast(node.clone()) else { return };
    let Some(name) = single_name(&binding) else { return };
    let Some(set) = node.parent().and_then(AttrSet::cast) else { return };
    let Some(Expr::Ident(value)) = binding.value() else { return };
    if set.rec_token().is_some() || value.syntax().text() != name.as_str() {
        return;
    }
    let comment = has_comment(&binding);
    let said = report.at(node.text_range(), format!("this is `inherit {name};`"));
    if !comment {
        said.fix([replace(node.text_range(), format!("inherit {name};"))]);
    }
}

/// The name of a binding that has only one, written without quotes.
pub(super) fn single_name(binding: &AttrpathValue) -> Option<String> {
    let mut attrs = binding.attrpath()?.attrs();
    let (Some(Attr::Ident(name)), None) = (attrs.next(), attrs.next()) else { return None };
    let name = name.syntax().text().to_string();
    (name != "or").then_some(name)
}

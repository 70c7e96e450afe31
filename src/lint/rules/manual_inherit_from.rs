//! `a = b.a;` where `inherit (b) a;` says it.

use rnix::ast::{Attr, AttrpathValue, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment};
use super::manual_inherit::single_name;
use super::writing::brief;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "manual-inherit-from",
    summary: "a binding to the attribute of the same name where `inherit (…)` says it",
    why: "`inherit (b) a;` names the attribute once, so the two cannot differ by a slip, and more names from the same \
          set can stand beside it.",
    bad: Example::Nix("b: { a = b.a; c = b.d; }"),
    good: Example::Nix("b: { inherit (b) a; c = b.d; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "manual_inherit_from")],
    check: Check::Node(&[SyntaxKind::NODE_ATTRPATH_VALUE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if node.last_child().is_none_or(|value| value.kind() != SyntaxKind::NODE_SELECT) {
        return;
    }
    let Some(binding) = AttrpathValue::cast(node.clone()) else { return };
    let Some(name) = single_name(&binding) else { return };
    let Some(from) = binding.value().and_then(|value| source(&value, &name)) else { return };
    let comment = has_comment(&binding);
    let statement = format!("inherit ({}) {name};", report.text_of(from.syntax()));
    let said = report.at(node.text_range(), format!("this is `{}`", brief(&statement)));
    if !comment {
        said.fix([replace(node.text_range(), statement)]);
    }
}

/// `b` of `b.name`.
fn source(value: &Expr, name: &str) -> Option<Expr> {
    let Expr::Select(select) = value else { return None };
    let mut attrs = select.attrpath()?.attrs();
    let (Some(Attr::Ident(last)), None) = (attrs.next(), attrs.next()) else { return None };
    let same = select.or_token().is_none() && last.syntax().text() == name;
    same.then(|| select.expr().map(bare)).flatten()
}

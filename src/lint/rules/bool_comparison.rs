//! Comparing a truth value with `true` or `false`.

use rnix::ast::{BinOp, BinOpKind};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, is_bool, is_tight, literal_bool};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "bool-comparison",
    summary: "a truth value compared with `true` or `false`",
    why: "A truth value says by itself what the comparison asks. The fix is safe where the other side is certainly a \
          truth value; elsewhere it may be a string or null, which the comparison tells apart and the bare value does not.",
    bad: Example::Nix("a: (a ? b) == true"),
    good: Example::Nix("a: (a ? b)"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "bool_comparison")],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some((operation, equal)) = comparison(node) else { return };
    let (Some(left), Some(right)) = (operation.lhs(), operation.rhs()) else { return };
    let names = report.names();
    let (other, literal) = match (literal_bool(&left, names), literal_bool(&right, names)) {
        (_, Some(literal)) => (left, literal),
        (Some(literal), None) => (right, literal),
        (None, None) => return,
    };
    let value = report.text_of(other.syntax());
    let text = match (equal == literal, is_tight(&other)) {
        (true, _) => value.to_owned(),
        (false, true) => format!("!{value}"),
        (false, false) => format!("!({value})"),
    };
    let (certain, comment) = (is_bool(&other, names), has_comment(&operation));
    let said = report.at(node.text_range(), format!("this is `{}`", text.lines().next().unwrap_or_default()));
    let edit = replace(node.text_range(), text);
    match (certain, comment) {
        (_, true) => {}
        (true, false) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

fn comparison(node: &SyntaxNode) -> Option<(BinOp, bool)> {
    let operation = BinOp::cast(node.clone())?;
    match operation.operator()? {
        BinOpKind::Equal => Some((operation, true)),
        BinOpKind::NotEqual => Some((operation, false)),
        _ => None,
    }
}

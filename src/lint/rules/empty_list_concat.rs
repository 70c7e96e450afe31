//! `[ ] ++ a`.

use rnix::ast::{BinOp, BinOpKind, Expr, List};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment, is_list, operator_around};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "empty-list-concat",
    summary: "a list joined with an empty one",
    why: "It stays what it is. The fix is safe where the other side is certainly a list; elsewhere Nix would refuse \
          what is none only in the longer form.",
    bad: Example::Nix("a: [ ] ++ a ++ [ 1 ]"),
    good: Example::Nix("a: a ++ [ 1 ]"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "empty_list_concat")],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::Concat) = operation.operator() else { return };
    let (Some(left), Some(right)) = (operation.lhs(), operation.rhs()) else { return };
    let kept = match (empty(&left), empty(&right)) {
        (Some(_), _) => right,
        (None, Some(_)) => left,
        (None, None) => return,
    };
    let certain = is_list(&kept) || operator_around(node) == Some(BinOpKind::Concat);
    let edit = put(node, &kept, report);
    let comment = has_comment(&operation);
    let said = report.at(node.text_range(), "joining with an empty list changes nothing");
    match (comment, certain) {
        (true, _) => {}
        (false, true) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

/// A list literal without items.
pub(super) fn empty(expression: &Expr) -> Option<List> {
    let Expr::List(list) = bare(expression.clone()) else { return None };
    list.items().next().is_none().then_some(list)
}

//! `a // { }`.

use rnix::ast::{BinOp, BinOpKind, Expr, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment, is_set, operator_around};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "update-empty-set",
    summary: "a set joined with an empty one",
    why: "It stays what it is. The fix is safe where the other side is certainly a set; elsewhere Nix would refuse what \
          is none only in the longer form.",
    bad: Example::Nix("{ a = 1; } // { }"),
    good: Example::Nix("{ a = 1; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("nix-linter", "UpdateEmptySet")],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::Update) = operation.operator() else { return };
    let (Some(left), Some(right)) = (operation.lhs(), operation.rhs()) else { return };
    let kept = match (is_empty(&left), is_empty(&right)) {
        (true, _) => right,
        (false, true) => left,
        (false, false) => return,
    };
    let certain = is_set(&kept) || operator_around(node) == Some(BinOpKind::Update);
    let edit = put(node, &kept, report);
    let comment = has_comment(&operation);
    let said = report.at(node.text_range(), "joining with an empty set changes nothing");
    match (comment, certain) {
        (true, _) => {}
        (false, true) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

fn is_empty(expression: &Expr) -> bool {
    matches!(bare(expression.clone()), Expr::AttrSet(set) if set.entries().next().is_none())
}

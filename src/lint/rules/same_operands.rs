//! `a == a`, `a && a`.

use rnix::ast::{BinOp, BinOpKind, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::bare;
use super::writing::alike;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "same-operands",
    summary: "a comparison or a choice between two that are the same",
    why: "What comes out is known beforehand: one side was meant to be another.",
    bad: Example::Nix("a: a.x == a.x"),
    good: Example::Nix("a: a.x == a.y"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    use BinOpKind::{And, Equal, Implication, Less, LessOrEq, More, MoreOrEq, NotEqual, Or, Sub, Update};
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(And | Equal | Implication | Less | LessOrEq | More | MoreOrEq | NotEqual | Or | Sub | Update) =
        operation.operator()
    else {
        return;
    };
    let (Some(left), Some(right)) = (operation.lhs().map(bare), operation.rhs().map(bare)) else { return };
    // Literals are compared on purpose, in tests of Nix itself.
    if matches!(left, Expr::Ident(_) | Expr::Select(_) | Expr::HasAttr(_) | Expr::Apply(_))
        && alike(left.syntax(), right.syntax())
    {
        report.at(node.text_range(), "both sides of this are the same");
    }
}

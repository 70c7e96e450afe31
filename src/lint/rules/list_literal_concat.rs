//! `[ a ] ++ [ b ]`.

use rnix::ast::{BinOp, BinOpKind, Expr, List};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::empty_list_concat::empty;
use super::writing::seam;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "list-literal-concat",
    summary: "two list literals that are joined",
    why: "One literal says the same and costs Nix no copy.",
    bad: Example::Nix("a: [ a 1 ] ++ [ 2 ]"),
    good: Example::Nix("a: [ a 1 2 ]"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("nix-linter", "ListLiteralConcat")],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::Concat) = operation.operator() else { return };
    let (Some(Expr::List(left)), Some(Expr::List(right))) = (operation.lhs(), operation.rhs()) else { return };
    if [&left, &right].into_iter().any(|list: &List| empty(&Expr::List(list.clone())).is_some()) {
        return;
    }
    let (Some(close), Some(open)) = (left.r_brack_token(), right.l_brack_token()) else { return };
    let edit = seam(close.text_range(), open.text_range(), report);
    let said = report.at(node.text_range(), "these two lists can be written as one");
    if let Some(edit) = edit {
        said.fix([edit]);
    }
}

//! `!!a`.

use rnix::ast::{Expr, UnaryOp, UnaryOpKind};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment, is_bool, wants_bool};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "double-negation",
    summary: "a truth value that is negated twice",
    why: "It is the value itself. The fix is for review where that may be no truth value, which `!` refuses and the bare \
          value does not.",
    bad: Example::Nix("a: b: !(!(a && b))"),
    good: Example::Nix("a: b: a && b"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_UNARY_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(outer) = UnaryOp::cast(node.clone()) else { return };
    let Some(value) = negated(&outer).and_then(|inner| negated(&UnaryOp::cast(inner.syntax().clone())?)) else {
        return;
    };
    let edit = put(node, &value, report);
    let comment = has_comment(&outer);
    let safe = is_bool(&value, report.names()) || wants_bool(node);
    let said = report.at(node.text_range(), "negating twice changes nothing");
    match (comment, safe) {
        (true, _) => {}
        (false, true) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

fn negated(operation: &UnaryOp) -> Option<Expr> {
    (operation.operator()? == UnaryOpKind::Invert).then(|| operation.expr().map(bare)).flatten()
}

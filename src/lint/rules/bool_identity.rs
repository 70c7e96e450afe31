//! `a && true` and its kin.

use rnix::ast::{BinOp, BinOpKind, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, is_bool, literal_bool, wants_bool};
use super::writing::{brief, put};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "bool-identity",
    summary: "`true` or `false` as an operand of `&&` or `||`",
    why: "One side decides alone what comes out. The fix is safe where nothing that Nix would evaluate or refuse is \
          taken out; elsewhere it is for review.",
    bad: Example::Nix("a: b: a == b && true"),
    good: Example::Nix("a: b: a == b"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some((kept, other)) = decide(&operation, report) else { return };
    let literal = literal_bool(&kept, report.names()).is_some();
    // Taken out: a literal, or what stands after a literal that decides, which Nix never looks at.
    let harmless = if literal {
        operation.lhs().as_ref() == Some(&kept) || literal_bool(&other, report.names()).is_some()
    } else {
        is_bool(&kept, report.names()) || wants_bool(node)
    };
    let edit = put(node, &kept, report);
    let comment = has_comment(&operation);
    let said = report.at(node.text_range(), format!("this is `{}`", brief(report.text_of(kept.syntax()))));
    match (comment, harmless) {
        (true, _) => {}
        (false, true) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

/// The side that decides, and the other.
fn decide(operation: &BinOp, report: &Report<'_, '_>) -> Option<(Expr, Expr)> {
    // The value that leaves the other side as it is.
    let neutral = match operation.operator()? {
        BinOpKind::And => true,
        BinOpKind::Or => false,
        _ => return None,
    };
    let (left, right) = (operation.lhs()?, operation.rhs()?);
    match (literal_bool(&left, report.names()), literal_bool(&right, report.names())) {
        (Some(value), _) if value == neutral => Some((right, left)),
        (Some(_), _) => Some((left, right)),
        (None, Some(value)) if value == neutral => Some((left, right)),
        (None, Some(_)) => Some((right, left)),
        (None, None) => None,
    }
}

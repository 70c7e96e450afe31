//! `assert true; …`.

use rnix::ast::Assert;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, literal_bool};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "assert-true",
    summary: "an assertion of `true`",
    why: "It never fails; the condition is left over from a trial. `assert false` is left alone: it is a way to stop.",
    bad: Example::Nix("assert true; 1"),
    good: Example::Nix("1"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_ASSERT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(assertion) = Assert::cast(node.clone()) else { return };
    let condition = assertion.condition().and_then(|condition| literal_bool(&condition, report.names()));
    let Some(body) = assertion.body().filter(|_| condition == Some(true)) else { return };
    let edit = put(node, &body, report);
    // What stands in the body is kept as it is.
    let comment = has_comment(&assertion) && !has_comment(&body);
    let between = node.children_with_tokens().any(|child| child.kind() == SyntaxKind::TOKEN_COMMENT);
    let said = report.at(node.text_range(), "this assertion never fails");
    if !comment && !between {
        said.fix([edit]);
    }
}

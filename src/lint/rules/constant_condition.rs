//! `if true then … else …`.

use rnix::ast::IfElse;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, literal_bool};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "constant-condition",
    summary: "an `if` whose condition is `true` or `false`",
    why: "One side is never taken; the condition is left over from a trial.",
    bad: Example::Nix("if true then 1 else 2"),
    good: Example::Nix("1"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_IF_ELSE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(choice) = IfElse::cast(node.clone()) else { return };
    let Some(value) = choice.condition().and_then(|condition| literal_bool(&condition, report.names())) else { return };
    let (taken, other) = if value { (choice.body(), "else") } else { (choice.else_body(), "then") };
    let Some(taken) = taken else { return };
    let edit = put(node, &taken, report);
    let comment = has_comment(&choice);
    let said = report.at(node.text_range(), format!("the `{other}` side of this is never taken"));
    if !comment {
        said.fix([edit]);
    }
}

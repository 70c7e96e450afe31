//! `if c then a else a`.

use rnix::ast::{Expr, IfElse};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment};
use super::writing::{alike, put};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "if-same-branches",
    summary: "an `if` with the same on both sides",
    why: "The condition decides nothing: one side was meant to be another, or the `if` is left over. Without it the \
          condition is not evaluated any more, so the fix is for review.",
    bad: Example::Nix("c: if c then 1 else 1"),
    good: Example::Nix("c: if c then 1 else 2"),
    severity: Severity::Warning,
    fix: Safety::Review,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_IF_ELSE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(choice) = IfElse::cast(node.clone()) else { return };
    let (Some(yes), Some(no)) = (choice.body(), choice.else_body()) else { return };
    let (yes, no): (Expr, Expr) = (bare(yes), bare(no));
    if !alike(yes.syntax(), no.syntax()) {
        return;
    }
    let edit = put(node, &yes, report);
    let comment = has_comment(&choice);
    let said = report.at(node.text_range(), "both sides of this `if` are the same");
    if !comment {
        said.fix([edit]);
    }
}

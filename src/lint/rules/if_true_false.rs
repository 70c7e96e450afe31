//! `if c then true else false`.

use rnix::ast::{Expr, IfElse};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, is_bool, literal_bool, wants_bool};
use super::writing::{INVERT, at_least, brief, level, put_text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "if-true-false",
    summary: "an `if` that returns its condition",
    why: "The condition is that truth value already, or its opposite. The fix is for review where the condition may be \
          something else than a truth value, which `if` refuses and the bare value does not.",
    bad: Example::Nix("a: b: if a == b then true else false"),
    good: Example::Nix("a: b: a == b"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_IF_ELSE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some((choice, condition, value)) = parts(node, report) else { return };
    let (text, level) = if value {
        (report.text_of(condition.syntax()).to_owned(), level(&condition))
    } else {
        (format!("!{}", at_least(INVERT, &condition, report)), INVERT)
    };
    let edit = put_text(node, level, &text, report);
    let safe = !value || is_bool(&condition, report.names()) || wants_bool(node);
    let comment = has_comment(&choice);
    let said = report.at(node.text_range(), format!("this is `{}`", brief(&text)));
    match (comment, safe) {
        (true, _) => {}
        (false, true) => drop(said.fix([edit])),
        (false, false) => drop(said.fix_to_review([edit])),
    }
}

/// The condition, and whether it is returned as it is.
fn parts(node: &SyntaxNode, report: &Report<'_, '_>) -> Option<(IfElse, Expr, bool)> {
    let choice = IfElse::cast(node.clone())?;
    let yes = literal_bool(&choice.body()?, report.names())?;
    let no = literal_bool(&choice.else_body()?, report.names())?;
    let condition = choice.condition()?;
    (yes != no).then_some((choice, condition, yes))
}

//! `let in …` without bindings.

use rnix::ast::{HasEntry, LetIn};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "empty-let",
    summary: "a `let` that binds nothing",
    why: "It is left over when the last binding was taken out.",
    bad: Example::Nix("let in 1"),
    good: Example::Nix("1"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "empty_let_in"), ("nil", "empty_let_in")],
    check: Check::Node(&[SyntaxKind::NODE_LET_IN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(block) = LetIn::cast(node.clone()) else { return };
    let Some(body) = block.body().filter(|_| block.entries().next().is_none()) else { return };
    let said = report.at(node.text_range(), "this `let` binds nothing");
    let before_body = rnix::TextRange::new(node.text_range().start(), body.syntax().text_range().start());
    let comments = node.children_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    if !comments.into_iter().any(|token| token.kind() == SyntaxKind::TOKEN_COMMENT) {
        said.fix([replace(before_body, "")]);
    }
}

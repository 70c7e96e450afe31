//! Parentheses that group nothing.

use rnix::ast::{Expr, Paren};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::is_tight;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "redundant-parentheses",
    summary: "parentheses that group nothing",
    why: "They stand around what is one thing already, or around a whole value.",
    bad: Example::Nix("{ f, x }: { a = (f 1); b = [ (x) ]; }"),
    good: Example::Nix("{ f, x }: { a = f 1; b = [ x ]; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "useless_parens"), ("nixf", "parse-redundant-paren")],
    check: Check::Node(&[SyntaxKind::NODE_PAREN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(paren) = Paren::cast(node.clone()) else { return };
    let Some(inner) = paren.expr() else { return };
    let Some(parent) = node.parent() else { return };
    let whole = match parent.kind() {
        SyntaxKind::NODE_ATTRPATH_VALUE | SyntaxKind::NODE_PAREN | SyntaxKind::NODE_ROOT => true,
        SyntaxKind::NODE_LET_IN => parent.last_child().as_ref() == Some(node),
        _ => false,
    };
    let single = matches!(inner, Expr::Paren(_) | Expr::Str(_) | Expr::List(_) | Expr::AttrSet(_)) || is_name(&inner);
    if !(whole || single && is_tight(&inner)) || commented(node) {
        return;
    }
    let text = report.text_of(inner.syntax());
    report.at(node.text_range(), "these parentheses group nothing").fix([replace(node.text_range(), text)]);
}

/// `or` is read as a name only in some places, so its parentheses stay.
fn is_name(inner: &Expr) -> bool {
    matches!(inner, Expr::Ident(name) if name.syntax().text() != "or")
}

/// Whether a comment stands directly inside: it would be lost.
fn commented(node: &SyntaxNode) -> bool {
    let tokens = node.children_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    tokens.into_iter().any(|token| token.kind() == SyntaxKind::TOKEN_COMMENT)
}

//! Parentheses that group nothing.

use rnix::ast::{Expr, Paren, Select};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::writing::spaced;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "redundant-parentheses",
    summary: "parentheses that group nothing",
    why: "They stand around what is one thing already, or around a whole value.",
    bad: Example::Nix("{ f, x }: { a = (f 1); b = [ (x) (x.y) ]; }"),
    good: Example::Nix("{ f, x }: { a = f 1; b = [ x x.y ]; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "useless_parens"), ("nixf", "parse-redundant-paren")],
    check: Check::Node(&[SyntaxKind::NODE_PAREN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(inner) = Paren::cast(node.clone()).and_then(|paren| paren.expr()) else { return };
    let Some(parent) = node.parent() else { return };
    if !is_whole(node, &parent) && !is_single(&inner, node, &parent) {
        return;
    }
    let edit = spaced(node.text_range(), report.text_of(inner.syntax()), report);
    let said = report.at(node.text_range(), "these parentheses group nothing");
    if !commented(node) {
        said.fix([edit]);
    }
}

/// Whether nothing stands beside the parentheses.
fn is_whole(node: &SyntaxNode, parent: &SyntaxNode) -> bool {
    match parent.kind() {
        SyntaxKind::NODE_ATTRPATH_VALUE | SyntaxKind::NODE_PAREN | SyntaxKind::NODE_ROOT => true,
        SyntaxKind::NODE_LET_IN => parent.last_child().as_ref() == Some(node),
        _ => false,
    }
}

/// Whether one thing stands inside, that stays one whatever is beside it.
fn is_single(inner: &Expr, node: &SyntaxNode, parent: &SyntaxNode) -> bool {
    match inner {
        Expr::Paren(_) | Expr::Str(_) | Expr::List(_) | Expr::AttrSet(_) => true,
        // `or` is read as a name only in some places.
        Expr::Ident(name) => name.syntax().text() != "or",
        // `(a.b).c or d` fails without `a.b`, and `a.b.c or d` does not.
        Expr::Select(select) if select.or_token().is_none() => {
            let around = Select::cast(parent.clone()).filter(|_| parent.first_child().as_ref() == Some(node));
            around.is_none_or(|around| around.or_token().is_none())
        }
        _ => false,
    }
}

/// Whether a comment stands directly inside: it would be lost.
fn commented(node: &SyntaxNode) -> bool {
    node.children_with_tokens().any(|child| child.kind() == SyntaxKind::TOKEN_COMMENT)
}

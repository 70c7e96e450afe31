//! `!(a == b)`, which is `a != b`.

use rnix::ast::{BinOp, BinOpKind, Expr, UnaryOp, UnaryOpKind};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::writing::{brief, level, put_text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "negated-comparison",
    summary: "a comparison that is negated as a whole",
    why: "The opposite comparison says it without parentheses. Nix has only `==` and `<` and makes the others of them, \
          so both forms are the same to it, for all values.",
    bad: Example::Nix("a: b: !(a == b)"),
    good: Example::Nix("a: b: a != b"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "bool_simplification"), ("nix-linter", "NegateAtom")],
    check: Check::Node(&[SyntaxKind::NODE_UNARY_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some((comparison, opposite)) = negated(node) else { return };
    let inner = comparison.syntax().text_range();
    let mut tokens = comparison.syntax().children_with_tokens().filter_map(NodeOrToken::into_token);
    let Some(sign) = tokens.find(|token| BinOpKind::from_kind(token.kind()).is_some()) else { return };
    let text = format!(
        "{}{opposite}{}",
        report.text(TextRange::new(inner.start(), sign.text_range().start())),
        report.text(TextRange::new(sign.text_range().end(), inner.end())),
    );
    let edit = put_text(node, level(&Expr::BinOp(comparison.clone())), &text, report);
    let outside = [
        TextRange::new(node.text_range().start(), inner.start()),
        TextRange::new(inner.end(), node.text_range().end()),
    ];
    let comment = outside.iter().any(|range| report.text(*range).contains(['#', '*']));
    let said = report.at(node.text_range(), format!("this is `{}`", brief(&text)));
    if !comment {
        said.fix([edit]);
    }
}

fn negated(node: &SyntaxNode) -> Option<(BinOp, &'static str)> {
    let negation = UnaryOp::cast(node.clone()).filter(|negation| negation.operator() == Some(UnaryOpKind::Invert))?;
    let Expr::Paren(paren) = negation.expr()? else { return None };
    let Expr::BinOp(comparison) = paren.expr()? else { return None };
    let opposite = match comparison.operator()? {
        BinOpKind::Equal => "!=",
        BinOpKind::NotEqual => "==",
        BinOpKind::Less => ">=",
        BinOpKind::LessOrEq => ">",
        BinOpKind::More => "<=",
        BinOpKind::MoreOrEq => "<",
        _ => return None,
    };
    Some((comparison, opposite))
}

//! `x: f x`, which is `f`.

use rnix::ast::{Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::has_comment;
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Meaning;

pub(super) static RULE: Rule = Rule {
    name: "eta-reduction",
    summary: "a function that only calls another one with its argument",
    why: "`x: f x` is `f`. The fix is for review, because the longer form is a function even where `f` is none or \
          fails, and hides the names of the attributes that `f` takes.",
    bad: Example::Nix("f: list: map (x: f x) list"),
    good: Example::Nix("f: list: map f list"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("statix", "eta_reduction")],
    check: Check::Node(&[SyntaxKind::NODE_LAMBDA], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some((function, argument)) = parts(node) else { return };
    if function.syntax().text() == argument.as_str() || defines(&function, node, report) {
        return;
    }
    let Some(lambda) = Lambda::cast(node.clone()) else { return };
    let around = node.parent().filter(|parent| parent.kind() == SyntaxKind::NODE_PAREN);
    let place =
        around.filter(|paren| paren.children_with_tokens().all(|child| child.kind() != SyntaxKind::TOKEN_COMMENT));
    let edit = put(place.as_ref().unwrap_or(node), &function, report);
    let said = report.at(node.text_range(), format!("this function is `{}`", function.syntax().text()));
    if !has_comment(&lambda) {
        said.fix([edit]);
    }
}

/// `f` and `x` of `x: f x`.
fn parts(node: &SyntaxNode) -> Option<(Expr, String)> {
    let lambda = Lambda::cast(node.clone())?;
    let Param::IdentParam(parameter) = lambda.param()? else { return None };
    let name = parameter.ident()?.syntax().text().to_string();
    let Expr::Apply(body) = lambda.body()? else { return None };
    let (Expr::Ident(function), Expr::Ident(argument)) = (body.lambda()?, body.argument()?) else { return None };
    (argument.syntax().text() == name.as_str()).then_some((Expr::Ident(function), name))
}

/// Whether the function stands in the definition of what it calls: without the argument Nix would never end. Within
/// another function that is no matter.
fn defines(function: &Expr, lambda: &SyntaxNode, report: &Report<'_, '_>) -> bool {
    let Some(name) = report.names().use_at(function.syntax().text_range()) else { return false };
    let Meaning::Defined(id) = name.meaning else { return false };
    let Some(entry) = report.names().definition(id).map(|definition| definition.entry) else { return false };
    let within = lambda.ancestors().skip(1).take_while(|around| entry.contains_range(around.text_range()));
    entry.contains_range(lambda.text_range())
        && !within.into_iter().any(|around| around.kind() == SyntaxKind::NODE_LAMBDA)
}

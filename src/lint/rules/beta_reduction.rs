//! `(x: …) a`, which is `let x = a; in …`.

use rnix::ast::{Apply, Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::has_comment;
use super::writing::put_text;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "beta-reduction",
    summary: "a function literal that is called where it stands",
    why: "`let x = a; in …` names the value before it is used and needs no parentheses.",
    bad: Example::Nix("a: (x: x + x) (a 1)"),
    good: Example::Nix("a: let x = a 1; in x + x"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("nix-linter", "BetaReduction")],
    check: Check::Node(&[SyntaxKind::NODE_APPLY], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(apply) = Apply::cast(node.clone()) else { return };
    let Some((name, body)) = apply.lambda().and_then(literal) else { return };
    let Some(argument) = apply.argument() else { return };
    let value = match &argument {
        Expr::Paren(paren) => paren.expr().unwrap_or_else(|| argument.clone()),
        _ => argument.clone(),
    };
    let range = value.syntax().text_range();
    let from = report.names().uses.partition_point(|used| used.range.start() < range.start());
    let mut within = report.names().uses.iter().skip(from).take_while(|used| used.range.start() < range.end());
    // `let` would make the value refer to itself.
    let own = within.any(|used| used.name == name || used.name == "or");
    let text = format!("let {name} = {}; in {}", report.text(range), report.text_of(body.syntax()));
    let edit = put_text(node, 0, &text, report);
    let comment = has_comment(&apply);
    let said = report.at(node.text_range(), format!("this is `let {name} = …; in …`"));
    if !comment && !own {
        said.fix([edit]);
    }
}

/// Name and body of `(name: body)`.
fn literal(function: Expr) -> Option<(String, Expr)> {
    let Expr::Paren(paren) = function else { return None };
    let lambda = Lambda::cast(paren.expr()?.syntax().clone())?;
    let Param::IdentParam(parameter) = lambda.param()? else { return None };
    Some((parameter.ident()?.syntax().text().to_string(), lambda.body()?))
}

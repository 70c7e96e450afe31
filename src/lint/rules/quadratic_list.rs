//! Lists that a fold copies at every step.

use rnix::ast::{BinOpKind, Expr, Lambda, Param};
use rowan::ast::AstNode;

use super::certain::{bare, library_name};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "quadratic-list",
    summary: "a list that a fold copies at every step",
    why: "`++` copies both lists, so the work grows with the square of their number. `concatMap`, or `map` when each \
          step adds one item, copies once.",
    bad: Example::Nix("xs: builtins.foldl' (acc: x: acc ++ [ (x + 1) ]) [ ] xs"),
    good: Example::Nix("xs: map (x: x + 1) xs"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["foldl'", "foldl", "foldr"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some((accumulator, body)) = fold(call) else { return };
    let carried = is_only_carried(&body, &accumulator, BinOpKind::Concat, report);
    if carried && grows(&body, &accumulator, BinOpKind::Concat).is_some() {
        report.at(call.whole().text_range(), "each step of this fold copies the list; `concatMap` copies it once");
    }
}

/// The name of what is carried on by `foldl' (acc: x: …)`, and what becomes of it.
pub(super) fn fold(call: &Call) -> Option<(String, Expr)> {
    let name = library_name(&call.function()?)?;
    let Expr::Lambda(outer) = call.argument()? else { return None };
    let Expr::Lambda(inner) = bare(outer.body()?) else { return None };
    let accumulator = if name == "foldr" { parameter(&inner)? } else { parameter(&outer)? };
    Some((accumulator, inner.body()?))
}

/// Whether the carried value is only joined and handed on. A step that looks into it cannot be said without a fold.
pub(super) fn is_only_carried(body: &Expr, accumulator: &str, operator: BinOpKind, report: &Report<'_, '_>) -> bool {
    let range = body.syntax().text_range();
    let uses = report.names().uses.iter();
    let uses = uses.filter(|name| name.name == accumulator && range.contains_range(name.range)).count();
    uses == carried(body, accumulator, operator)
}

/// How often it is handed on, as it is or as one side of the operator.
fn carried(body: &Expr, accumulator: &str, operator: BinOpKind) -> usize {
    let sum =
        |sides: [Option<Expr>; 2]| sides.into_iter().flatten().map(|side| carried(&side, accumulator, operator)).sum();
    match bare(body.clone()) {
        Expr::Ident(name) => usize::from(name.syntax().text() == accumulator),
        Expr::LetIn(block) => block.body().map_or(0, |body| carried(&body, accumulator, operator)),
        Expr::With(with) => with.body().map_or(0, |body| carried(&body, accumulator, operator)),
        Expr::IfElse(choice) => sum([choice.body(), choice.else_body()]),
        Expr::BinOp(operation) if operation.operator() == Some(operator) => sum([operation.lhs(), operation.rhs()]),
        _ => 0,
    }
}

fn parameter(lambda: &Lambda) -> Option<String> {
    let Param::IdentParam(parameter) = lambda.param()? else { return None };
    Some(parameter.ident()?.syntax().text().to_string())
}

/// Whether what comes out is the carried value joined with something by the operator; what it is joined with.
pub(super) fn grows(body: &Expr, accumulator: &str, operator: BinOpKind) -> Option<Expr> {
    match bare(body.clone()) {
        Expr::LetIn(block) => grows(&block.body()?, accumulator, operator),
        Expr::With(with) => grows(&with.body()?, accumulator, operator),
        Expr::IfElse(choice) => {
            let sides = [choice.body(), choice.else_body()];
            sides.into_iter().flatten().find_map(|side| grows(&side, accumulator, operator))
        }
        Expr::BinOp(operation) if operation.operator() == Some(operator) => {
            let (left, right) = (operation.lhs()?, operation.rhs()?);
            let carried =
                |side: &Expr| matches!(bare(side.clone()), Expr::Ident(name) if name.syntax().text() == accumulator);
            match (carried(&left), carried(&right)) {
                (true, _) => Some(right),
                (false, true) => Some(left),
                (false, false) => grows(&right, accumulator, operator),
            }
        }
        _ => None,
    }
}

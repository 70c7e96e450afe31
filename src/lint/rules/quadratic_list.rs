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
    if grows(&body, &accumulator, BinOpKind::Concat).is_some() {
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

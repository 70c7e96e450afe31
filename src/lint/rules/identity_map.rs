//! `map (x: x) list`.

use rnix::ast::{Apply, Expr, Lambda, Param};
use rowan::ast::AstNode;

use super::certain::{bare, builtin_name, has_comment};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "identity-map",
    summary: "a `map` that changes nothing",
    why: "The list stays what it is. Without `map` Nix does not refuse what is no list, so the fix is for review.",
    bad: Example::Nix("list: map (x: x) list"),
    good: Example::Nix("list: list"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[],
    check: Check::Call(&["map"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(whole) = call.node().parent().and_then(Apply::cast) else { return };
    let Some(Expr::Apply(map)) = whole.lambda() else { return };
    let (Some(function), Some(list)) = (map.argument(), whole.argument()) else { return };
    let name = map.lambda().and_then(|function| builtin_name(&function, report.names()));
    if name.as_deref() != Some("map") || !is_identity(function) {
        return;
    }
    let node = whole.syntax();
    let edit = put(node, &list, report);
    let comment = has_comment(&whole);
    let said = report.at(node.text_range(), "this `map` changes nothing");
    if !comment {
        said.fix([edit]);
    }
}

fn is_identity(function: Expr) -> bool {
    let Expr::Lambda(lambda) = bare(function) else { return false };
    returned(&lambda).is_some()
}

fn returned(lambda: &Lambda) -> Option<()> {
    let Param::IdentParam(parameter) = lambda.param()? else { return None };
    let Expr::Ident(body) = bare(lambda.body()?) else { return None };
    (parameter.ident()?.syntax().text() == body.syntax().text()).then_some(())
}

//! `if a ? b then a.b else c`, which is `a.b or c`.

use rnix::ast::{Expr, HasAttr, IfElse, Select};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment};
use super::writing::{SELECT, at_least, brief, put_text, words};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "redundant-has-attr",
    summary: "a condition that asks for an attribute which `or` would take",
    why: "`a.b or c` names the attribute once. The fix is for review where the set is itself an attribute, because `or` \
          is also taken when that one is missing.",
    bad: Example::Nix("a: if a ? b then a.b else 1"),
    good: Example::Nix("a: a.b or 1"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "useless_has_attr")],
    check: Check::Node(&[SyntaxKind::NODE_IF_ELSE], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(choice) = IfElse::cast(node.clone()) else { return };
    let Some((question, taken, default)) = parts(&choice) else { return };
    let Some(set) = question.expr().filter(|_| same_attribute(&question, &taken)) else { return };
    let text = format!("{} or {}", report.text_of(taken.syntax()), at_least(SELECT, &default, report));
    let edit = put_text(node, SELECT, &text, report);
    let comment = has_comment(&choice);
    let said = report.at(node.text_range(), format!("this is `{}`", brief(&text)));
    match (comment, bare(set)) {
        (true, _) => {}
        (false, Expr::Select(set)) if set.or_token().is_none() => drop(said.fix_to_review([edit])),
        (false, _) => drop(said.fix([edit])),
    }
}

fn parts(choice: &IfElse) -> Option<(HasAttr, Select, Expr)> {
    let Expr::HasAttr(question) = bare(choice.condition()?) else { return None };
    let Expr::Select(taken) = choice.body()? else { return None };
    taken.or_token().is_none().then_some((question, taken, choice.else_body()?))
}

/// Whether `a ? b.c` asks for what `a.b.c` takes.
pub(super) fn same_attribute(question: &HasAttr, taken: &Select) -> bool {
    let (Some(set), Some(path)) = (question.expr(), question.attrpath()) else { return false };
    let asked = words(set.syntax()).chain(std::iter::once(".".to_owned())).chain(words(path.syntax()));
    asked.eq(words(taken.syntax()))
}

//! `args@{ ... }: …`, which is `args: …`.

use rnix::ast::Pattern;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, is_file_value};
use super::empty_pattern::spaced_before_colon;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "redundant-pattern-bind",
    summary: "a pattern that only names the whole argument",
    why: "`args: …` says the same in one word. The pattern also refuses what is no attribute set, so the fix is for \
          review. The function that a whole file consists of keeps its pattern: Nix calls such a file by itself only \
          when it has one.",
    bad: Example::Nix("{ f = args@{ ... }: args; }"),
    good: Example::Nix("{ f = args: args; }"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("statix", "redundant_pattern_bind")],
    check: Check::Node(&[SyntaxKind::NODE_PATTERN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(pattern) = Pattern::cast(node.clone()) else { return };
    let Some(name) = pattern.pat_bind().and_then(|bind| bind.ident()) else { return };
    let empty = pattern.ellipsis_token().is_some() && pattern.pat_entries().next().is_none();
    if !empty || node.parent().is_none_or(|lambda| is_file_value(&lambda)) {
        return;
    }
    let name = name.syntax().text().to_string();
    let edit = spaced_before_colon(node.text_range(), &name, report);
    let said = report.at(node.text_range(), format!("this pattern only names its argument; `{name}` does too"));
    if !has_comment(&pattern) {
        said.fix([edit]);
    }
}

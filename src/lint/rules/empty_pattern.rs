//! `{ ... }: …`, which takes nothing of its argument.

use rnix::ast::{Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{has_comment, is_file_value};
use super::writing::spaced;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "empty-pattern",
    summary: "a pattern that takes nothing of the argument",
    why: "`_: …` says that the argument is not used. The pattern also refuses what is no attribute set, and without \
          `...` every set that is not empty, so the fix is for review. The function that a whole file consists of keeps \
          its pattern: Nix calls such a file by itself only when it has one.",
    bad: Example::Nix("{ overlay = { ... }: prev: prev; }"),
    good: Example::Nix("{ overlay = _: prev: prev; }"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("statix", "empty_pattern")],
    check: Check::Node(&[SyntaxKind::NODE_LAMBDA], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(Param::Pattern(pattern)) = Lambda::cast(node.clone()).and_then(|lambda| lambda.param()) else { return };
    let takes = pattern.pat_entries().next().is_some() || pattern.pat_bind().is_some();
    if takes || is_file_value(node) {
        return;
    }
    let range = pattern.syntax().text_range();
    let edit = spaced_before_colon(range, "_", report);
    let said = report.at(range, "this pattern takes nothing; `_` says so");
    if !has_comment(&pattern) {
        said.fix([edit]);
    }
}

/// A name directly before a colon and a letter would be a URL.
pub(super) fn spaced_before_colon(
    range: rnix::TextRange,
    name: &str,
    report: &Report<'_, '_>,
) -> crate::syntax::edit::Edit {
    let after = report.file.text.get(usize::from(range.end())..).unwrap_or_default();
    let glued = after.strip_prefix(':').is_some_and(|rest| !rest.starts_with(char::is_whitespace));
    let mut edit = spaced(range, name, report);
    // `spaced` leaves a blank before anything that is no bracket; before `: ` none is needed.
    if !glued && after.starts_with(':') {
        edit.text.truncate(edit.text.trim_end().len());
    }
    edit
}

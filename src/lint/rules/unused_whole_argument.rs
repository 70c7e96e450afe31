//! Names of whole arguments that nothing uses.

use rnix::SyntaxKind::{NODE_PAT_BIND, TOKEN_L_BRACE, TOKEN_R_BRACE};
use rnix::{SyntaxNode, TextRange};

use super::certain::holds_comment;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::Binder;

pub(super) static RULE: Rule = Rule {
    name: "unused-whole-argument",
    summary: "a name for the whole argument that nothing uses",
    why: "The names in the pattern are enough.",
    bad: Example::Nix("args@{ lib, ... }: lib.version"),
    good: Example::Nix("{ lib, ... }: lib.version"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("deadnix", "unused lambda pattern"), ("nixf", "sema-unused-def-lambda-witharg-arg")],
    check: Check::Node(&[NODE_PAT_BIND], check),
};

fn check(bind: &SyntaxNode, report: &mut Report<'_, '_>) {
    let names = report.names();
    let Some(lambda) = bind.ancestors().nth(2).map(|lambda| lambda.text_range()) else { return };
    let Some(scope) = names.scope_at(lambda) else { return };
    let mut all = names.definitions_of(scope).map(|(_, definition)| definition);
    let Some(whole) = all.find(|name| name.binder == Binder::Whole) else { return };
    if whole.uses > 0 || whole.name.starts_with('_') {
        return;
    }
    let range = taken_out(bind).filter(|range| !holds_comment(report.file, *range));
    let said = report.at(whole.range, format!("`{}` is never used", whole.name));
    if let Some(range) = range {
        said.fix([replace(range, "")]);
    }
}

/// `args@` before the pattern, or `@args` behind it, with the white space between.
fn taken_out(bind: &SyntaxNode) -> Option<TextRange> {
    let around = bind.parent()?;
    let brace = |kind| around.children_with_tokens().find(|part| part.kind() == kind).map(|part| part.text_range());
    let (open, close, own) = (brace(TOKEN_L_BRACE)?, brace(TOKEN_R_BRACE)?, bind.text_range());
    Some(if own.end() <= open.start() {
        TextRange::new(own.start(), open.start())
    } else {
        TextRange::new(close.end(), own.end())
    })
}

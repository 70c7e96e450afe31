//! Names of an argument pattern that the function does not use.

use rnix::SyntaxKind::{NODE_PAT_ENTRY, NODE_PATTERN, TOKEN_COMMA};
use rnix::{NodeOrToken, SyntaxElement, SyntaxNode, TextRange};

use super::certain::holds_comment;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::{Binder, Definition};

pub(super) static RULE: Rule = Rule {
    name: "unused-formal",
    summary: "a name of an argument pattern that the function does not use",
    why: "Callers give it for nothing, and `callPackage` looks for it. Where the whole argument has a name, or the \
          pattern is the header of a module, the names may well be there for others: then it is a hint.",
    bad: Example::Nix("{ lib, stdenv }: lib.version"),
    good: Example::Nix("{ lib }: lib.version"),
    severity: Severity::Warning,
    fix: Safety::Review,
    on: true,
    alike: &[("deadnix", "unused lambda pattern"), ("nixf", "sema-unused-def-lambda-noarg-formal")],
    check: Check::Node(&[NODE_PATTERN], check),
};

/// What the module system passes to every module, which is a file.
const MODULE_ARGUMENTS: &[&str] = &["lib", "pkgs"];
/// What it passes to every submodule as well, wherever that stands.
const SUBMODULE_ARGUMENTS: &[&str] = &["config", "options"];

fn check(pattern: &SyntaxNode, report: &mut Report<'_, '_>) {
    let names = report.names();
    let Some(lambda) = pattern.parent().map(|lambda| lambda.text_range()) else { return };
    let Some(scope) = names.scope_at(lambda) else { return };
    // Nix gives `outputs` every input, and a pattern without `...` must take all of them.
    let outputs = report.file.flake && is_outputs(pattern);
    if outputs && !scope.open {
        return;
    }
    let all: Vec<&Definition<'_>> = names.definitions_of(scope).map(|(_, definition)| definition).collect();
    let whole_is_used = all.iter().any(|name| name.binder == Binder::Whole && name.uses > 0);
    let has = |names: &[&str]| all.iter().any(|formal| names.contains(&formal.name));
    let module = scope.open && (has(SUBMODULE_ARGUMENTS) || is_file(pattern) && has(MODULE_ARGUMENTS));
    for formal in all {
        if formal.binder != Binder::Formal || formal.uses > 0 || formal.name.starts_with('_') {
            continue;
        }
        let without = without(pattern, formal.entry, report).filter(|_| !whole_is_used);
        let mut said = report.at(formal.range, format!("`{}` is never used", formal.name));
        if whole_is_used || module || outputs {
            said = said.severity(Severity::Info);
        }
        if let Some(range) = without {
            said.fix([replace(range, "")]);
        }
    }
}

/// Whether the pattern belongs to the `outputs` of a flake.
fn is_outputs(pattern: &SyntaxNode) -> bool {
    let binding = pattern.ancestors().skip(2).find(|node| node.kind() != rnix::SyntaxKind::NODE_PAREN);
    let path =
        binding.filter(|node| node.kind() == rnix::SyntaxKind::NODE_ATTRPATH_VALUE).and_then(|it| it.first_child());
    path.is_some_and(|path| path.text() == "outputs")
}

/// Whether the pattern belongs to the function that the file is.
fn is_file(pattern: &SyntaxNode) -> bool {
    let around = pattern.ancestors().skip(1).find(|node| node.kind() != rnix::SyntaxKind::NODE_PAREN);
    around.and_then(|lambda| lambda.parent()).is_some_and(|root| root.kind() == rnix::SyntaxKind::NODE_ROOT)
}

/// What is taken out with an entry, so that the commas are right; none where a comment would go along.
fn without(pattern: &SyntaxNode, entry: TextRange, report: &Report<'_, '_>) -> Option<TextRange> {
    let parts: Vec<SyntaxElement> = pattern.children_with_tokens().filter(|part| !part.kind().is_trivia()).collect();
    let at = parts.iter().position(|part| part.text_range() == entry)?;
    let is_comma = |part: &&SyntaxElement| part.kind() == TOKEN_COMMA;
    let comma_before = at.checked_sub(1).and_then(|at| parts.get(at)).filter(is_comma);
    let comma_after = parts.get(at + 1).filter(is_comma);
    let next = parts.get(at + 2).filter(|part| is_name(part));
    let range = match (comma_before, comma_after, next) {
        (_, Some(_), Some(next)) => TextRange::new(entry.start(), next.text_range().start()),
        (_, Some(comma), None) => report.file.with_line(entry.cover(comma.text_range())),
        (Some(comma), None, _) => TextRange::new(after(comma), entry.end()),
        (None, None, _) => report.file.with_line(entry),
    };
    (!holds_comment(report.file, range)).then_some(range)
}

/// Another entry, or `...`.
fn is_name(part: &SyntaxElement) -> bool {
    matches!(part.kind(), NODE_PAT_ENTRY | rnix::SyntaxKind::TOKEN_ELLIPSIS)
}

/// Where what stands before a comma ends: white space before it goes along.
fn after(comma: &SyntaxElement) -> rnix::TextSize {
    let space = comma.prev_sibling_or_token().filter(|part| part.kind() == rnix::SyntaxKind::TOKEN_WHITESPACE);
    match space {
        Some(NodeOrToken::Token(space)) => space.text_range().start(),
        _ => comma.text_range().start(),
    }
}

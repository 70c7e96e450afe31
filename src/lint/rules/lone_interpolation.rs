//! `"${a}"` for whatever `a` is.

use rnix::ast::Str;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment, is_string};
use super::redundant_interpolation::lone;
use super::writing::{brief, put, spaced};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lone-interpolation",
    summary: "a string that is one interpolation and nothing else",
    why: "Where the value is a string, it can stand alone. Where it is a path or a package, the quotes make a string of \
          it, which may be what is meant: so this is off, and its fix is for review.",
    bad: Example::Nix("name: { \"${name}\" = \"${name}\"; }"),
    good: Example::Nix("name: { ${name} = name; }"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: false,
    alike: &[("nix-linter", "UnneededAntiquote"), ("statix", "unquoted_splice")],
    check: Check::Node(&[SyntaxKind::NODE_STRING], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(literal) = Str::cast(node.clone()) else { return };
    let Some(interpolation) = lone(&literal) else { return };
    let Some(inner) = interpolation.expr().map(bare) else { return };
    let parent = node.parent().map(|parent| parent.kind());
    let attribute = matches!(parent, Some(SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT));
    if !attribute && is_string(&inner, report.names()) {
        return;
    }
    let edit = if attribute {
        spaced(node.text_range(), report.text_of(interpolation.syntax()), report)
    } else {
        put(node, &inner, report)
    };
    let comment = has_comment(&literal);
    let shown = brief(report.text_of(inner.syntax()));
    let said = report.at(node.text_range(), format!("nothing but `{shown}` stands in this string"));
    if !comment && parent != Some(SyntaxKind::NODE_INHERIT) {
        said.fix([edit]);
    }
}

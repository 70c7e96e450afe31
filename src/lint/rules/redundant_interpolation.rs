//! `"${"a"}b"`, and `"${a}"` where `a` is a string already.

use rnix::ast::{Expr, Interpol, Str};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment, is_string};
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "redundant-interpolation",
    summary: "an interpolation of what is a string already",
    why: "A literal can be written as it is, and a string that stands alone needs no other around it. Nothing is said \
          of names that may stand for a path or a package, which the interpolation makes a string of.",
    bad: Example::Nix("n: [ \"a${\"b\"}c\" \"${toString n}\" ]"),
    good: Example::Nix("n: [ \"abc\" (toString n) ]"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("nix-linter", "UnneededAntiquote")],
    check: Check::Node(&[SyntaxKind::NODE_INTERPOL], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some((inner, around)) = parts(node) else { return };
    if lone(&around).is_some() {
        if is_string(&inner, report.names()) {
            let comment = has_comment(&around);
            let edit = put(around.syntax(), &inner, report);
            let said = report.at(around.syntax().text_range(), "this is a string already");
            if !comment {
                said.fix([edit]);
            }
        }
        return;
    }
    let Expr::Str(literal) = inner else { return };
    let Some(text) = report.text_of(literal.syntax()).strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return;
    };
    if fits(text, &around, node, report) {
        report.at(node.text_range(), "this literal can be written as it is").fix([replace(node.text_range(), text)]);
    }
}

/// What is interpolated, and the string around it. Names of attributes are left alone: what is written out is visible
/// in `rec`, what is interpolated is not.
fn parts(node: &SyntaxNode) -> Option<(Expr, Str)> {
    let inner = bare(Interpol::cast(node.clone())?.expr()?);
    let around = Str::cast(node.parent()?)?;
    let attribute = matches!(
        around.syntax().parent().map(|parent| parent.kind()),
        Some(SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT)
    );
    (!attribute).then_some((inner, around))
}

/// The only interpolation of a string that has nothing else in it.
pub(super) fn lone(literal: &Str) -> Option<Interpol> {
    let inside: Vec<_> = literal
        .syntax()
        .children_with_tokens()
        .filter(|part| !matches!(part.kind(), SyntaxKind::TOKEN_STRING_START | SyntaxKind::TOKEN_STRING_END))
        .take(2)
        .collect();
    let [rnix::NodeOrToken::Node(only)] = inside.as_slice() else { return None };
    Interpol::cast(only.clone())
}

/// Whether the text means the same within the other string: no escapes, and nothing beside it that makes one.
fn fits(text: &str, around: &Str, node: &SyntaxNode, report: &Report<'_, '_>) -> bool {
    let before = report.file.text.get(..usize::from(node.text_range().start())).unwrap_or_default();
    let after = report.file.text.get(usize::from(node.text_range().end())..).unwrap_or_default();
    let plain = !text.contains(['$', '\\', '\r', '"']) && !before.ends_with(['$', '\\']);
    let indented = report.text_of(around.syntax()).starts_with("''");
    // White space and quotes mean more between two single quotes, and an empty text may hold indentation in place.
    let quotes = text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '\'');
    let beside = before.ends_with('\'') || after.starts_with('\'');
    plain && (!indented || !quotes && !beside)
}

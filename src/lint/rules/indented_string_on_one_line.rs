//! `''…''` for one line without quotes.

use rnix::ast::Str;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::writing::spaced;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::tree::{Part, parts};

pub(super) static RULE: Rule = Rule {
    name: "indented-string-on-one-line",
    summary: "an indented string that has one line and no quotes in it",
    why: "`\"…\"` is what readers expect for one line. Shell commands are often written so on purpose, so this is off.",
    bad: Example::Nix("{ a = ''text''; }"),
    good: Example::Nix("{ a = \"text\"; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: false,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_STRING], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let text = report.text_of(node);
    let Some(inner) = text.strip_prefix("''").and_then(|text| text.strip_suffix("''")) else { return };
    if inner.is_empty() || inner.contains(['\n', '\r', '"', '\\', '$', '\'']) {
        return;
    }
    // Indentation is taken out of one kind of string and not of the other.
    let same = Str::cast(node.clone()).and_then(|literal| parts(&literal)) == Some(vec![Part::Text(inner.to_owned())]);
    let edit = spaced(node.text_range(), &format!("\"{inner}\""), report);
    if same {
        report.at(node.text_range(), "one line without quotes can stand between \"…\"").fix([edit]);
    }
}

//! `''''`.

use rnix::{SyntaxKind, SyntaxNode};

use super::writing::spaced;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "empty-indented-string",
    summary: "an empty string of four single quotes",
    why: "`\"\"` is shorter and cannot be taken for an escape.",
    bad: Example::Nix("{ a = ''''; }"),
    good: Example::Nix("{ a = \"\"; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_STRING], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if report.text_of(node) == "''''" {
        let edit = spaced(node.text_range(), "\"\"", report);
        report.at(node.text_range(), "this is the empty string").fix([edit]);
    }
}

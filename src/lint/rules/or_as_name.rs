//! `or` as the name of a value.

use rnix::{SyntaxKind, SyntaxNode};

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "or-as-name",
    summary: "`or` as the name of a value",
    why: "It is a word of the language that Nix takes for a name only as the last word of a call, where it binds \
          tighter than any other argument. Newer releases warn of it. Give the value another name.",
    bad: Example::Nix("let or = 1; in (x: x) or"),
    good: Example::Nix("let other = 1; in (x: x) other"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nixf", "or-identifier")],
    check: Check::Node(&[SyntaxKind::NODE_APPLY], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(argument) = node.last_child() else { return };
    if argument.kind() == SyntaxKind::NODE_IDENT && argument.text() == "or" {
        report.at(argument.text_range(), "`or` is a word of the language; a value needs another name");
    }
}

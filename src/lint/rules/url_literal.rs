//! URLs without quotes.

use rnix::{SyntaxKind, SyntaxNode};

use super::writing::token;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "url-literal",
    summary: "a URL without quotes",
    why: "Nix deprecates such literals and can be told to refuse them. They end at the first sign that no URL has, and \
          `x:x` is one of them, not a function.",
    bad: Example::Nix("https://example.org/a.tar.gz"),
    good: Example::Nix("\"https://example.org/a.tar.gz\""),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "unquoted_uri"), ("nil", "uri_literal"), ("nixf", "deprecated-url-literal")],
    check: Check::Node(&[SyntaxKind::NODE_LITERAL], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(url) = token(node, SyntaxKind::TOKEN_URI) else { return };
    let message = if url.text().contains(":/") {
        "this URL has no quotes".to_owned()
    } else {
        format!("Nix reads `{}` as a URL, that is a string; a function needs a blank after its colon", url.text())
    };
    let quoted = format!("\"{}\"", url.text());
    report.at(node.text_range(), message).fix([replace(node.text_range(), quoted)]);
}

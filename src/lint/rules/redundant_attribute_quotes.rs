//! Quotes around the name of an attribute that needs none.

use rnix::{SyntaxKind, SyntaxNode};

use super::writing::spaced;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "redundant-attribute-quotes",
    summary: "quotes around the name of an attribute that needs none",
    why: "The name is the same without them. They are often there because names beside it need them, so this is off.",
    bad: Example::Nix("{ \"a\" = 1; \"b.c\" = 2; }"),
    good: Example::Nix("{ a = 1; \"b.c\" = 2; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: false,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_STRING], check),
};

const WORDS: &[&str] = &["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let parent = node.parent().map(|parent| parent.kind());
    if !matches!(parent, Some(SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT)) {
        return;
    }
    let text = report.text_of(node);
    let Some(name) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|name| is_name(name)) else {
        return;
    };
    let start = usize::from(node.text_range().start());
    let dotted = report.file.text.get(..start).is_some_and(|before| before.ends_with('.'));
    let edit = if dotted {
        let mut edit = spaced(node.text_range(), name, report);
        edit.text = edit.text.trim_start().to_owned();
        edit
    } else {
        spaced(node.text_range(), name, report)
    };
    report.at(node.text_range(), format!("`{name}` needs no quotes")).fix([edit]);
}

fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || "_'-".contains(c)) && !WORDS.contains(&text)
}

//! Patterns whose names are in no order.

use rnix::ast::Pattern;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "alphabetical-formals",
    summary: "a pattern whose names are not in the order of the alphabet",
    why: "In order, a name is found at a glance and two people do not add it twice. Many order by meaning instead, with \
          `lib` and `stdenv` first, so this is off.",
    bad: Example::Nix("{ b, a }: a b"),
    good: Example::Nix("{ a, b }: a b"),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nix-linter", "AlphabeticalArgs")],
    check: Check::Node(&[SyntaxKind::NODE_PATTERN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(pattern) = Pattern::cast(node.clone()) else { return };
    let names: Vec<_> = pattern.pat_entries().filter_map(|entry| entry.ident()).collect();
    let texts: Vec<String> = names.iter().map(|name| name.syntax().text().to_string().to_lowercase()).collect();
    for ((name, text), before) in names.iter().zip(&texts).skip(1).zip(&texts) {
        if text < before {
            report.at(name.syntax().text_range(), format!("`{}` belongs before `{before}`", name.syntax().text()));
            return;
        }
    }
}

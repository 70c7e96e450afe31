//! `<nixpkgs>`.

use rnix::{SyntaxKind, SyntaxNode};

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "search-path",
    summary: "a search path like `<nixpkgs>`",
    why: "What it stands for depends on the machine and on `NIX_PATH`, so the same file gives other results elsewhere. \
          It is how files without flakes and pins have always been written, so this is off.",
    bad: Example::Nix("{ pkgs ? import <nixpkgs> { } }: pkgs.hello"),
    good: Example::Nix("{ pkgs }: pkgs.hello"),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("tix", "angle-bracket import")],
    check: Check::Node(&[SyntaxKind::NODE_PATH_SEARCH], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    report.at(node.text_range(), format!("what `{}` is depends on the machine", node.text()));
}

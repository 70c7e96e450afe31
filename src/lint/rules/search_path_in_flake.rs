//! `<nixpkgs>` in a `flake.nix`.

use rnix::ast::{AttrSet, Expr, HasEntry};
use rowan::ast::AstNode;

use super::certain::bare;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "search-path-in-flake",
    summary: "a search path like `<nixpkgs>` in a flake",
    why: "Flakes are evaluated without a search path: Nix refuses it as soon as it comes there. Take the input of the \
          flake instead.",
    bad: Example::Nix("{ outputs = _: { a = import <nixpkgs> { }; }; }"),
    good: Example::Nix("{ outputs = { nixpkgs, ... }: { a = nixpkgs.legacyPackages; }; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    // Most files are told apart by this alone.
    if !report.file.text.contains('<') || !report.file.text.contains("outputs") {
        return;
    }
    let Some(Expr::AttrSet(set)) = report.file.tree.expression().map(bare) else { return };
    if !is_flake(&set) {
        return;
    }
    let nodes = report.file.tree.root().syntax().descendants();
    for path in nodes.filter(|node| node.kind() == rnix::SyntaxKind::NODE_PATH_SEARCH) {
        report.at(path.text_range(), format!("`{}` is not there when a flake is evaluated", path.text()));
    }
}

/// A set whose `outputs` is a function is a flake.
fn is_flake(set: &AttrSet) -> bool {
    set.attrpath_values().any(|binding| {
        let named = binding.attrpath().is_some_and(|path| path.syntax().text() == "outputs");
        named && matches!(binding.value().map(bare), Some(Expr::Lambda(_) | Expr::LetIn(_)))
    })
}

//! Builtins that no Nix has.

use rnix::SyntaxKind::{NODE_INHERIT, NODE_SELECT};
use rnix::SyntaxNode;
use rnix::ast::{Attr, Inherit, Select};
use rowan::ast::AstNode;

use super::certain::is_builtins;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::builtins;

pub(super) static RULE: Rule = Rule {
    name: "unknown-builtin",
    summary: "an attribute of `builtins` that no Nix has",
    why: "Evaluation fails where it is reached. What is looked for first, with `builtins ? name` or `or`, is not \
          reported.",
    bad: Example::Nix("builtins.atrNames { }"),
    good: Example::Nix("builtins.attrNames { }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nixf", "sema-primop-unknown")],
    check: Check::Node(&[NODE_SELECT, NODE_INHERIT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if !may_be(node, report) {
        return;
    }
    for attr in taken(node, report) {
        let Attr::Ident(name) = attr else { continue };
        let range = name.syntax().text_range();
        let text = report.text(range);
        if builtins::named(text).is_none() && !is_looked_for(report, text) {
            report.at(range, format!("no Nix has `builtins.{text}`"));
        }
    }
}

/// Whether the text of a node says that it is about `builtins`, which most nodes are not.
pub(super) fn may_be(node: &SyntaxNode, report: &Report<'_, '_>) -> bool {
    let text = report.text_of(node);
    if node.kind() == NODE_SELECT { text.starts_with("builtins") } else { text.contains("builtins") }
}

/// What a selection or an `inherit` takes out of `builtins`.
pub(super) fn taken(node: &SyntaxNode, report: &Report<'_, '_>) -> Vec<Attr> {
    let names = report.names();
    if let Some(select) = Select::cast(node.clone()) {
        let from = select.expr().filter(|from| is_builtins(from, names) && select.default_expr().is_none());
        return from.and(select.attrpath()).and_then(|path| path.attrs().next()).into_iter().collect();
    }
    let Some(inherit) = Inherit::cast(node.clone()) else { return Vec::new() };
    let from = inherit.from().and_then(|from| from.expr()).filter(|from| is_builtins(from, names));
    if from.is_some() { inherit.attrs().collect() } else { Vec::new() }
}

/// Whether the text asks anywhere if there is one.
pub(super) fn is_looked_for(report: &Report<'_, '_>, name: &str) -> bool {
    let text = report.file.text;
    text.contains(&format!("builtins ? {name}")) || text.contains(&format!("\"{name}\" builtins"))
}

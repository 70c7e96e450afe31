//! `builtins.toPath`.

use rnix::ast::{Expr, Select};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "to-path",
    summary: "the deprecated `builtins.toPath`",
    why: "It only checks that a string is an absolute path and returns a string again. Write `/. + text` for a path, or \
          `./. + \"/name\"` for one beside the file.",
    bad: Example::Nix("name: builtins.toPath (\"/etc/\" + name)"),
    good: Example::Nix("name: /. + (\"/etc/\" + name)"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("statix", "deprecated_to_path")],
    check: Check::Node(&[SyntaxKind::NODE_SELECT, SyntaxKind::NODE_IDENT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if !report.text_of(node).ends_with("toPath") && report.text_of(node) != "__toPath" {
        return;
    }
    let own = match Select::cast(node.clone()) {
        Some(select) => is_builtin(&select, report),
        None => node.text() == "__toPath" && report.names().is_global(node.text_range()),
    };
    if own {
        report.at(node.text_range(), "`toPath` is deprecated; `/. + text` makes a path of a string");
    }
}

fn is_builtin(select: &Select, report: &Report<'_, '_>) -> bool {
    let Some(Expr::Ident(base)) = select.expr() else { return false };
    let path = select.attrpath().is_some_and(|path| path.syntax().text() == "toPath");
    path && base.syntax().text() == "builtins" && report.names().is_global(base.syntax().text_range())
}

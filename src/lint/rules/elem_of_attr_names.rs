//! `elem name (attrNames set)`.

use rnix::ast::Expr;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, call, library_name};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "elem-of-attr-names",
    summary: "a search for a name among all names of a set",
    why: "Nix makes a list of all names and walks it. `set ? ${name}`, or `builtins.hasAttr name set`, looks it up.",
    bad: Example::Nix("name: set: builtins.elem name (builtins.attrNames set)"),
    good: Example::Nix("name: set: set ? ${name}"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_APPLY], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let parent = node.parent();
    if parent
        .is_some_and(|parent| parent.kind() == SyntaxKind::NODE_APPLY && parent.first_child().as_ref() == Some(node))
    {
        return;
    }
    let Some((function, arguments)) = Expr::cast(node.clone()).map(|expression| call(&expression)) else { return };
    let [_, list] = arguments.as_slice() else { return };
    if library_name(&function).as_deref() != Some("elem") {
        return;
    }
    let (inner, of) = call(&bare(list.clone()));
    if of.len() == 1 && library_name(&inner).as_deref() == Some("attrNames") {
        report.at(node.text_range(), "`set ? ${name}` looks the name up without a list of all names");
    }
}

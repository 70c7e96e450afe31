//! `let a = …; in a`.

use rnix::ast::{Entry, Expr, HasEntry, LetIn};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment};
use super::manual_inherit::single_name;
use super::writing::put;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Meaning;

pub(super) static RULE: Rule = Rule {
    name: "let-returned",
    summary: "a `let` that binds one value and returns it",
    why: "The value can stand by itself. Nothing is said where it refers to itself by that name.",
    bad: Example::Nix("f: let a = f 1; in a"),
    good: Example::Nix("f: f 1"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_LET_IN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(block) = LetIn::cast(node.clone()) else { return };
    let mut entries = block.entries();
    let (Some(Entry::AttrpathValue(binding)), None) = (entries.next(), entries.next()) else { return };
    let (Some(name), Some(value)) = (single_name(&binding), binding.value()) else { return };
    let Some(Expr::Ident(body)) = block.body().map(bare) else { return };
    if body.syntax().text() != name.as_str() || !used_once(&body, report) {
        return;
    }
    let edit = put(node, &value, report);
    let comment = has_comment(&block);
    let said = report.at(node.text_range(), format!("`{name}` is bound only to be returned"));
    if !comment {
        said.fix([edit]);
    }
}

fn used_once(name: &rnix::ast::Ident, report: &Report<'_, '_>) -> bool {
    let names = report.names();
    let Some(Meaning::Defined(id)) = names.use_at(name.syntax().text_range()).map(|used| used.meaning) else {
        return false;
    };
    names.definition(id).is_some_and(|definition| definition.uses == 1)
}

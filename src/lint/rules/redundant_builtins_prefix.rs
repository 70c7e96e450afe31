//! `builtins.` in front of what is seen everywhere.

use rnix::SyntaxKind::NODE_SELECT;
use rnix::ast::{Attr, Select};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::certain::{holds_comment, is_builtins};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::is_global;

pub(super) static RULE: Rule = Rule {
    name: "redundant-builtins-prefix",
    summary: "`builtins.` in front of a name that is seen everywhere",
    why: "`map` is `builtins.map`, unless the text hides it. Whether to write the prefix is a matter of taste, so \
          this is off unless it is asked for.",
    bad: Example::Nix("builtins.map (x: x) [ ]"),
    good: Example::Nix("map (x: x) [ ]"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: false,
    alike: &[("nixf", "sema-primop-removed-prefix"), ("nix-linter", "no-builtins-prefix")],
    check: Check::Node(&[NODE_SELECT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(select) = Select::cast(node.clone()).filter(|select| select.default_expr().is_none()) else { return };
    let names = report.names();
    if !select.expr().is_some_and(|from| is_builtins(&from, names)) {
        return;
    }
    let first = select.attrpath().and_then(|path| path.attrs().next());
    let Some(Attr::Ident(name)) = first else { return };
    let range = name.syntax().text_range();
    let text = report.text(range);
    if !is_global(text) || text == "builtins" || names.definitions.iter().any(|definition| definition.name == text) {
        return;
    }
    let prefix = TextRange::new(node.text_range().start(), range.start());
    let commented = holds_comment(report.file, prefix);
    let said = report.at(node.text_range(), format!("`{text}` is seen without `builtins.`"));
    if !commented {
        said.fix([replace(prefix, "")]);
    }
}

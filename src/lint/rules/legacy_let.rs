//! The old `let { …; body = …; }`.

use rnix::ast::{HasEntry, LegacyLet};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::writing::token;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "legacy-let",
    summary: "the old `let { …; body = …; }`",
    why: "It is undocumented and deprecated, and reads like `let … in` at first sight. Nix itself takes it for \
          `(rec { … }).body`, which is what the fix writes; `let … in` is shorter where nothing refers to `body`.",
    bad: Example::Nix("let { x = 1; body = x; }"),
    good: Example::Nix("(rec { x = 1; body = x; }).body"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "legacy_let_syntax"), ("nil", "let_attrset"), ("nixf", "deprecated-let")],
    check: Check::Node(&[SyntaxKind::NODE_LEGACY_LET], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(old) = LegacyLet::cast(node.clone()) else { return };
    let Some(word) = token(node, SyntaxKind::TOKEN_LET) else { return };
    let named = |name: Option<String>| name.is_some_and(|name| name == "body");
    let body = old
        .attrpath_values()
        .filter_map(|binding| binding.attrpath()?.attrs().next())
        .chain(old.inherits().flat_map(|inherit| inherit.attrs()))
        .any(|attr| named(attr_name(&attr)));
    let end = rnix::TextRange::empty(node.text_range().end());
    let said = report.at(word.text_range(), "this old form is written `let … in …` now");
    if body {
        said.fix([replace(word.text_range(), "(rec"), replace(end, ").body")]);
    }
}

//! `inherit` without names.

use rnix::ast::Inherit;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::has_comment;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "empty-inherit",
    summary: "an `inherit` without names",
    why: "It does nothing; it is left over when the last name was taken out.",
    bad: Example::Nix("{ inherit; a = 1; }"),
    good: Example::Nix("{ a = 1; }"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "empty_inherit"), ("nil", "empty_inherit"), ("nixf", "empty-inherit")],
    check: Check::Node(&[SyntaxKind::NODE_INHERIT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(inherit) = Inherit::cast(node.clone()).filter(|inherit| inherit.attrs().next().is_none()) else { return };
    let comment = has_comment(&inherit);
    let range = report.file.with_line(node.text_range());
    let said = report.at(node.text_range(), "this `inherit` names nothing");
    if !comment {
        said.fix([replace(range, "")]);
    }
}

//! `a ? b && a.b`, which is `a.b or false`.

use rnix::ast::{BinOp, BinOpKind, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::{bare, has_comment};
use super::redundant_has_attr::same_attribute;
use super::writing::{SELECT, brief, put_text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "has-attr-and",
    summary: "a question for an attribute, and then for its truth",
    why: "`a.b or false` names the attribute once. `&&` refuses what is no truth value and `or` does not, so the fix is \
          for review.",
    bad: Example::Nix("a: a ? b && a.b"),
    good: Example::Nix("a: a.b or false"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::And) = operation.operator() else { return };
    let Some(Expr::HasAttr(question)) = operation.lhs().map(bare) else { return };
    let Some(Expr::Select(taken)) = operation.rhs().map(bare) else { return };
    if taken.or_token().is_some() || !same_attribute(&question, &taken) {
        return;
    }
    let text = format!("{} or false", report.text_of(taken.syntax()));
    let edit = put_text(node, SELECT, &text, report);
    let comment = has_comment(&operation);
    let said = report.at(node.text_range(), format!("this is `{}`", brief(&text)));
    if !comment {
        said.fix([edit]);
    }
}

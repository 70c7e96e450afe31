//! `"a" + "b"`.

use rnix::ast::{BinOp, BinOpKind, Expr};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "redundant-string-concat",
    summary: "two string literals that are added",
    why: "One literal says the same. Nothing is said of literals on different lines: so long ones are broken; nor of \
          a dollar sign that is kept apart from what follows.",
    bad: Example::Nix("n: \"a\" + \"b${n}\""),
    good: Example::Nix("n: \"ab${n}\""),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::Add) = operation.operator() else { return };
    let (Some(Expr::Str(left)), Some(Expr::Str(right))) = (operation.lhs(), operation.rhs()) else { return };
    let (first, second) = (left.syntax().text_range(), right.syntax().text_range());
    let between = report.text(TextRange::new(first.end(), second.start()));
    if between.trim() != "+" || between.contains('\n') {
        return;
    }
    let quoted = [first, second].iter().all(|range| report.text(*range).starts_with('"'));
    let before = report.text(first);
    // A dollar sign at the end would begin an interpolation, or keep one from beginning.
    if quoted && !before.ends_with("$\"") {
        let one = rnix::TextSize::from(1);
        let seam = TextRange::new(first.end() - one, second.start() + one);
        report.at(node.text_range(), "these two literals can be written as one").fix([replace(seam, "")]);
    }
}

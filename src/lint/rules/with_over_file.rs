//! `with` over a whole file.

use rnix::ast::{Expr, With};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::certain::bare;
use super::writing::brief;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "with-over-file",
    summary: "a `with` over everything a file consists of",
    why: "No tool can tell then where a name of the file comes from, nor that it is misspelt. Much code begins with \
          `with lib;`, so this is off.",
    bad: Example::Nix("{ lib }: with lib; { a = version; }"),
    good: Example::Nix("{ lib }: { a = lib.version; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_WITH], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(with) = With::cast(node.clone()) else { return };
    let mut body = with.body().map(bare);
    while let Some(Expr::LetIn(block)) = body {
        body = block.body().map(bare);
    }
    if !matches!(body, Some(Expr::AttrSet(_) | Expr::BinOp(_) | Expr::Lambda(_))) || !covers_file(node) {
        return;
    }
    let Some(namespace) = with.namespace() else { return };
    let range = namespace.syntax().text_range();
    report.at(range, format!("every name of this file may come from `{}`", brief(report.text(range))));
}

/// Whether only functions, `let` and the like are around it.
fn covers_file(node: &SyntaxNode) -> bool {
    node.ancestors().skip(1).all(|around| {
        matches!(
            around.kind(),
            SyntaxKind::NODE_ROOT
                | SyntaxKind::NODE_PAREN
                | SyntaxKind::NODE_LAMBDA
                | SyntaxKind::NODE_WITH
                | SyntaxKind::NODE_ASSERT
        ) || around.kind() == SyntaxKind::NODE_LET_IN
            && around.last_child().is_some_and(|body| body.text_range().contains_range(node.text_range()))
    })
}

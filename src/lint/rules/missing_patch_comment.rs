//! Patches without a reason.

use rnix::ast::Expr;
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::package::{self, MAKERS};
use super::written::items;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "missing-patch-comment",
    summary: "a patch that nobody can tell the reason of",
    why: "Whoever updates the package must know whether it is still needed. Say above it what it mends, and \
          where it was sent.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  patches = [ ./fix.patch ];
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  patches = [
    # Not yet in a release: https://example.org/42
    ./fix.patch
  ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nixpkgs-hammering", "missing-patch-comment")],
    check: Check::Call(MAKERS, check),
};

/// Whether a comment stands on the line before, or behind on the same one.
fn is_explained(binding: &SyntaxNode) -> bool {
    let is_comment = |token: &rnix::SyntaxToken| token.kind() == SyntaxKind::TOKEN_COMMENT;
    let before = std::iter::successors(
        binding.first_token().and_then(|token| token.prev_token()),
        rnix::SyntaxToken::prev_token,
    );
    before.take_while(|token| token.kind().is_trivia()).any(|token| is_comment(&token))
}

/// Whether comments stand in a list; whose they are is not asked.
fn comments_in(list: &SyntaxNode) -> bool {
    list.descendants_with_tokens().any(|element| match element {
        NodeOrToken::Token(token) => token.kind() == SyntaxKind::TOKEN_COMMENT,
        NodeOrToken::Node(_) => false,
    })
}

fn is_patch(item: &Expr) -> bool {
    matches!(item, Expr::PathRel(_) | Expr::PathAbs(_) | Expr::Apply(_) | Expr::Paren(_))
}

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(binding) = set.binding("patches") else { return };
    let Some(list @ Expr::List(_)) = set.value("patches") else { return };
    if is_explained(binding.syntax()) || comments_in(list.syntax()) {
        return;
    }
    let patches = items(&list);
    let named = |item: &Expr| !item.syntax().text().to_string().contains("CVE-");
    if let Some(first) = patches.iter().find(|item| is_patch(item) && named(item)) {
        report.at(first.syntax().text_range(), "say what this patch mends, and until when it is needed");
    }
}

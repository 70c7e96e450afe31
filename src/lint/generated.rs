//! Files that a program wrote: what a person would mend by hand there is undone the next time.

use rnix::{SyntaxKind, SyntaxToken};
use rowan::ast::AstNode;

use super::finding::{Finding, Meant};
use super::report::File;
use super::rule::{Check, Safety};
use crate::domain::finding::Severity;

/// Marks what could be mended by an edit and is no error as meant, when the file says of itself that it is generated.
pub(super) fn apply(file: &File<'_>, findings: &mut [Finding]) {
    let mut open = findings.iter_mut().filter(|finding| finding.meant.is_none() && is_left(finding)).peekable();
    if open.peek().is_some() && is_generated(file) {
        open.for_each(|finding| finding.meant = Some(Meant { why: "generated".to_owned(), until: None }));
    }
}

/// Errors count everywhere, and so do what no edit of the text mends, as a secret, and what is said of a flake's inputs.
fn is_left(finding: &Finding) -> bool {
    let of_text = matches!(finding.rule.check, Check::Node(..) | Check::Call(..) | Check::Binding(..) | Check::File(_));
    of_text && finding.severity < Severity::Error && finding.rule.fix != Safety::None
}

/// The comments above the first word say so: `@generated`, or that it was generated and that it is not to be edited.
fn is_generated(file: &File<'_>) -> bool {
    let first = file.tree.root().syntax().first_token();
    let above = std::iter::successors(first, SyntaxToken::next_token).take_while(|token| token.kind().is_trivia());
    let comments = above.filter(|token| token.kind() == SyntaxKind::TOKEN_COMMENT);
    let said = comments.map(|token| token.text().to_lowercase().replace('-', " ")).collect::<Vec<_>>().join("\n");
    let kept_off = ["do not edit", "do not modify", "don't edit"].iter().any(|words| said.contains(words));
    said.contains("@generated") || said.contains("generated") && kept_off
}

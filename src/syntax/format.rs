//! Nix text to the same text in the official style, proven to say the same as before; or why not.
//!
//! The style is that of `nixfmt_rs`, called in this file alone. Pure: knows no file, no cache and no other formatter, but
//! [`verify`] asks of anybody's result what it asks of ours. `/*nixfmt:disable*/` on a line of its own keeps what follows
//! as it is, up to `/*nixfmt:enable*/`; `# nixfmt: disable` before the first expression keeps the whole file.

mod same;

use rnix::SyntaxKind::{TOKEN_COMMENT, TOKEN_WHITESPACE};
use rowan::ast::AstNode;

use super::tree::{self, Tree};

/// Names the style: another name may ask for other text.
pub const STYLE: &str = concat!("nixfmt_rs ", "0.5.3");

/// How often a text is formatted until nothing changes any more; the style is settled after one or two.
const ROUNDS: usize = 4;

/// Why a text was not formatted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is not Nix.
    #[error("{message}")]
    Syntax {
        /// The line, counted from 1, when the fault has a place.
        line: Option<u32>,
        /// What is wrong, with the next step.
        message: String,
    },
    /// The formatted text would say something else, so it was thrown away.
    #[error("formatting would change what this says; keep it with `/*nixfmt:disable*/`, and report it")]
    Changed {
        /// The line of the old text that would say something else, counted from 1.
        line: Option<u32>,
    },
    /// The formatted text would lack something that a comment says, so it was thrown away.
    #[error("formatting would lose a part of a comment; move the comment to a line of its own, and report it")]
    Comments {
        /// The line of the old text, counted from 1.
        line: Option<u32>,
    },
}

impl FormatError {
    /// The line of the text that is to blame, counted from 1.
    pub const fn line(&self) -> Option<u32> {
        match self {
            Self::Syntax { line, .. } | Self::Changed { line } | Self::Comments { line } => *line,
        }
    }
}

/// The text in the official style; the same text when it is, or when it asks to be left alone.
///
/// # Errors
/// When it is not Nix, or when what the formatter made of it does not pass [`verify`].
pub fn format(text: &str) -> Result<String, FormatError> {
    let before = parsed(text)?;
    if is_disabled(&before) {
        return Ok(text.to_owned());
    }
    let mut settled = styled(text)?;
    for _ in 1..ROUNDS {
        let again = styled(&settled)?;
        if again == settled {
            break;
        }
        settled = again;
    }
    if settled != text {
        same(&before, &settled)?;
    }
    Ok(settled)
}

/// Whether the text asks to be left alone as a whole.
pub fn asks_to_be_left(text: &str) -> bool {
    is_disabled(&tree::parse(text))
}

/// Holds the result of any formatter against the text it was made from: it must be the same tree, and every word of
/// every comment must still be there.
///
/// # Errors
/// When one of the two is not Nix, or they differ in more than style.
pub fn verify(before: &str, after: &str) -> Result<(), FormatError> {
    same(&parsed(before)?, after)
}

fn same(before: &Tree, after: &str) -> Result<(), FormatError> {
    let Ok(after) = parsed(after) else { return Err(FormatError::Changed { line: None }) };
    if let Some(at) = same::first_difference(before, &after) {
        return Err(FormatError::Changed { line: Some(before.span(at).line) });
    }
    match same::lost_comment(before, &after) {
        Some(range) => Err(FormatError::Comments { line: Some(before.span(range).line) }),
        None => Ok(()),
    }
}

fn parsed(text: &str) -> Result<Tree, FormatError> {
    let tree = tree::parse(text);
    match tree.problems.first() {
        Some(problem) => {
            let line = problem.span.map(|span| span.line);
            Err(FormatError::Syntax { line, message: problem.message.clone() })
        }
        None => Ok(tree),
    }
}

fn styled(text: &str) -> Result<String, FormatError> {
    nixfmt_rs::format(text).map_err(|error| {
        let before = text.get(..error.byte_range().start).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count() + 1).ok();
        let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
        FormatError::Syntax { line, message: format!("{}{help}", error.message()) }
    })
}

/// Whether `# nixfmt: disable` stands before the first expression.
fn is_disabled(tree: &Tree) -> bool {
    let tokens = tree.root().syntax().descendants_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    tokens
        .take_while(|token| [TOKEN_COMMENT, TOKEN_WHITESPACE].contains(&token.kind()))
        .any(|token| token.text().strip_prefix('#').is_some_and(is_pragma))
}

fn is_pragma(comment: &str) -> bool {
    comment.trim().strip_prefix("nixfmt:").is_some_and(|word| word.trim() == "disable")
}

#[cfg(test)]
mod tests;

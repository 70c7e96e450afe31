//! What a rule found.

use super::rule::{Rule, Safety};
use crate::domain::finding::Severity;
use crate::syntax::edit::Edit;

/// One thing found in a text.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Where that is, for people; all zero when it is about a `flake.nix` or `flake.lock` as a whole.
    pub place: Place,
    /// One lower-case sentence.
    pub message: String,
    /// How to mend it.
    pub fix: Option<Fix>,
    /// What stays the same while the finding is the same, whatever line it is on.
    pub fingerprint: String,
    /// What a comment says that covers it: then it is meant, and only those that ask for it are told.
    pub meant: Option<Meant>,
}

/// What a comment says of what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// Why it is meant; empty when it does not say.
    pub why: String,
    /// The last day on which it is.
    pub until: Option<String>,
}

/// Lines and columns, counted from 1; columns in characters, the end one past the last. All zero for the file as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the last.
    pub end_line: u32,
    /// Column after the last.
    pub end_column: u32,
}

impl Place {
    /// The place to go to: for the file as a whole, its beginning.
    #[must_use]
    pub fn shown(self) -> Self {
        let Self { line, column, end_line, end_column } = self;
        Self { line: line.max(1), column: column.max(1), end_line: end_line.max(1), end_column: end_column.max(1) }
    }
}

/// How a finding is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Whether it may be made without looking.
    pub safety: Safety,
    /// The changes, in the order of the text.
    pub edits: Vec<Edit>,
}

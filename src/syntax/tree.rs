//! Nix text to a lossless tree: the one place that calls `rnix` and `rowan`.
//!
//! The tokens and the node kinds are those of `rnix`; the parser is our own. The one in `rnix` ends the process on deep
//! nesting and swallows the binding after a broken one; ours counts its depth and goes on at the next binding. On text
//! without errors both build the same tree. Knows nothing of flakes.

mod binding;
mod expression;
pub mod green;
mod parser;
mod text;
mod token;

use std::collections::HashSet;

use rnix::{SyntaxNode, TextRange, ast};
use rowan::ast::AstNode;

use super::{Problem, Span};

pub use text::{Part, attr_name, parts, string};

/// The longest text that is read; a longer one is refused with the problem `too-large`.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The codes of all that is wrong with a text that cannot be read as a whole.
pub const FAULTS: &[&str] = &["syntax-error", "conflict-marker", "too-deep", "too-large"];

/// A parsed text: the tree, which prints back byte for byte, and what was wrong with it.
#[derive(Debug, Clone)]
pub struct Tree {
    root: ast::Root,
    lines: Lines,
    /// What the parser had to skip or to miss, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Parses any text. Codes of its problems: `syntax-error`, `conflict-marker`, `too-deep`, `too-large`.
pub fn parse(text: &str) -> Tree {
    if text.len() > MAX_BYTES {
        return too_large(text.len());
    }
    let lines = Lines::new(text);
    let (green, faults) = parser::parse(text);
    let mut marked = HashSet::new();
    let problems = faults.into_iter().filter_map(|fault| problem(fault, text, &lines, &mut marked)).collect();
    Tree { root: root(SyntaxNode::new_root(green)), lines, problems }
}

impl Tree {
    /// The root node.
    pub fn root(&self) -> &ast::Root {
        &self.root
    }

    /// The one expression the text consists of, when there is any.
    pub fn expression(&self) -> Option<ast::Expr> {
        self.root.expr()
    }

    /// Where a range of this tree stands.
    pub fn span(&self, range: TextRange) -> Span {
        self.lines.span(range.start().into(), range.end().into())
    }

    /// Where a node of this tree stands.
    pub fn span_of(&self, node: &impl AstNode) -> Span {
        self.span(node.syntax().text_range())
    }

    /// The line and column of a byte of `text`, which this tree was parsed from: both from 1, columns in characters.
    pub fn position(&self, text: &str, at: usize) -> (u32, u32) {
        let line = self.lines.starts.partition_point(|&begin| begin <= at);
        let begin = line.checked_sub(1).and_then(|line| self.lines.starts.get(line)).copied().unwrap_or(0);
        let column = text.get(begin..at).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The text, as it was given.
    pub fn text(&self) -> String {
        self.root.syntax().text().to_string()
    }
}

/// Where each line of a text begins.
#[derive(Debug, Clone)]
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { starts }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let line = self.starts.partition_point(|&begin| begin <= start);
        Span { start, end, line: u32::try_from(line).unwrap_or(u32::MAX) }
    }
}

/// The problem that a fault is; none for one more on a line in `marked`, the conflict markers that were said already.
fn problem(fault: parser::Fault, text: &str, lines: &Lines, marked: &mut HashSet<usize>) -> Option<Problem> {
    if fault.code == parser::SYNTAX_ERROR
        && let Some((start, end)) = conflict_marker(text, fault.start)
    {
        let message = "a merge conflict marker was left here; resolve the conflict".to_owned();
        let problem = Problem { code: "conflict-marker", span: Some(lines.span(start, end)), message };
        return marked.insert(start).then_some(problem);
    }
    Some(Problem { code: fault.code, span: Some(lines.span(fault.start, fault.end)), message: fault.message })
}

/// The line around `at`, when it is one that `git merge` leaves behind.
fn conflict_marker(text: &str, at: usize) -> Option<(usize, usize)> {
    let (before, after) = text.split_at_checked(at)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = after.find('\n').map_or(text.len(), |newline| at + newline);
    let line = text.get(start..end)?.trim_end();
    let begins = ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|marker| line.starts_with(marker));
    (begins || line == "=======").then_some((start, start + line.len()))
}

fn too_large(bytes: usize) -> Tree {
    let message = format!("the text has {bytes} bytes; more than {MAX_BYTES} are not read");
    let (green, _) = parser::parse("");
    let problems = vec![Problem { code: "too-large", span: None, message }];
    Tree { root: root(SyntaxNode::new_root(green)), lines: Lines::new(""), problems }
}

/// The parser always makes a root node, so the cast is the identity; a node of its own is what type checking asks for.
fn root(node: SyntaxNode) -> ast::Root {
    ast::Root::cast(node).unwrap_or_else(|| rnix::Root::parse("").tree())
}

#[cfg(test)]
mod tests;

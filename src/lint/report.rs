//! What rules look at, and where they say what they found.

use rnix::{NodeOrToken, SyntaxElement, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::beside::Beside;
use super::finding::{Finding, Fix, Place};
use super::rule::{Rule, Safety};
use crate::domain::finding::Severity;
use crate::syntax::edit::Edit;
use crate::syntax::names::Names;
use crate::syntax::names::builtins::Release;
use crate::syntax::secret;
use crate::syntax::tree::Tree;

/// One text with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The text.
    pub text: &'a str,
    /// Its tree.
    pub tree: &'a Tree,
    /// What its names mean.
    pub names: &'a Names<'a>,
    /// Whether it is a `flake.nix`, which Nix evaluates without looking at the machine.
    pub flake: bool,
    /// The oldest Nix that the text is for, when that was said.
    pub nix: Option<Release>,
    /// The files that it imports.
    pub beside: Beside<'a>,
}

/// The hand of one rule on one text.
#[derive(Debug)]
pub struct Report<'f, 'o> {
    /// The text.
    pub file: &'f File<'f>,
    pub(super) rule: &'static Rule,
    pub(super) out: &'o mut Vec<Finding>,
}

impl<'f> Report<'f, '_> {
    /// Something is wrong here; `message` is one lower-case sentence. It may quote the text, and tells no secret of it.
    pub fn at(&mut self, range: TextRange, message: impl Into<String>) -> Said<'_> {
        let (start, end) = (range.start().into(), range.end().into());
        self.out.push(Finding {
            rule: self.rule,
            severity: self.rule.severity,
            start,
            end,
            // Counted for all at once, later.
            place: Place::default(),
            message: secret::redact(&message.into()).text,
            fix: None,
            fingerprint: String::new(),
            meant: None,
        });
        Said { finding: self.out.last_mut(), safety: self.rule.fix }
    }

    /// What this rule has said of the text so far.
    pub fn said(&self) -> impl Iterator<Item = &Finding> {
        self.out.iter().filter(|finding| std::ptr::eq(finding.rule, self.rule))
    }

    /// The text of a range.
    pub fn text(&self, range: TextRange) -> &'f str {
        self.file.slice(range)
    }

    /// The text of a node.
    pub fn text_of(&self, node: &SyntaxNode) -> &'f str {
        self.file.slice(node.text_range())
    }

    /// What the names of the text mean.
    pub fn names(&self) -> &'f Names<'f> {
        self.file.names
    }
}

impl<'a> File<'a> {
    pub(super) fn slice(&self, range: TextRange) -> &'a str {
        self.text.get(usize::from(range.start())..usize::from(range.end())).unwrap_or_default()
    }
}

impl File<'_> {
    /// The smallest element around a range. By its range it is found by halves; by an offset alone, every entry of a
    /// large set would be passed.
    pub fn element_at(&self, range: TextRange) -> Option<SyntaxElement> {
        let root = self.tree.root().syntax();
        root.text_range().contains_range(range).then(|| root.covering_element(range))
    }

    /// The smallest node around a range.
    pub fn node_at(&self, range: TextRange) -> Option<SyntaxNode> {
        match self.element_at(range)? {
            NodeOrToken::Node(node) => Some(node),
            NodeOrToken::Token(token) => token.parent(),
        }
    }

    /// A range with the rest of its line, when nothing else stands on it: what is taken out leaves no empty line.
    pub fn with_line(&self, range: TextRange) -> TextRange {
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        let before = self.text.get(..start).unwrap_or_default();
        let after = self.text.get(end..).unwrap_or_default();
        let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
        let blank = after.len() - after.trim_start_matches([' ', '\t', '\r']).len();
        let alone = before.get(..start - indent).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
        match after.get(blank..).and_then(|rest| rest.chars().next()) {
            Some('\n') if alone => range_of(start - indent, end + blank + 1),
            // What stands on both sides must not grow together: `let a = 1;in`.
            Some(next) if !alone && indent > 0 && !next.is_whitespace() && !CLOSERS.contains(&next) && blank == 0 => {
                range
            }
            _ if !alone && indent > 0 => range_of(start - indent, end),
            _ => range,
        }
    }

    /// From the beginning of `with a;` to its body; none when a comment stands there, which would be lost.
    pub fn until_body(&self, whole: TextRange, namespace: TextRange) -> Option<TextRange> {
        let rest = self.text.get(usize::from(namespace.end())..usize::from(whole.end()))?;
        let body = rest.trim_start().strip_prefix(';')?.trim_start();
        let start = usize::from(whole.end()) - body.len();
        (!body.starts_with(['#', '/'])).then(|| range_of(whole.start().into(), start))
    }
}

/// What ends a word before it.
const CLOSERS: &[char] = &[';', ',', ')', ']', '}'];

fn range_of(start: usize, end: usize) -> TextRange {
    let to = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).into();
    TextRange::new(to(start), to(end.max(start)))
}

/// A finding that was just said, to be told more of.
#[derive(Debug)]
pub struct Said<'r> {
    finding: Option<&'r mut Finding>,
    safety: Safety,
}

impl Said<'_> {
    /// How to mend it, as safe as the rule says.
    pub fn fix(self, edits: impl IntoIterator<Item = Edit>) -> Self {
        let safety = self.safety;
        self.fix_as(safety, edits)
    }

    /// How to mend it, though a person should look first.
    pub fn fix_to_review(self, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.fix_as(Safety::Review, edits)
    }

    fn fix_as(mut self, safety: Safety, edits: impl IntoIterator<Item = Edit>) -> Self {
        if let Some(finding) = &mut self.finding {
            finding.fix = Some(Fix { safety, edits: edits.into_iter().collect() });
        }
        self
    }

    /// Here it is less bad, or worse, than the rule says.
    pub fn severity(mut self, severity: Severity) -> Self {
        if let Some(finding) = &mut self.finding {
            finding.severity = severity;
        }
        self
    }
}

/// Replaces a range by a text.
pub fn replace(range: TextRange, text: impl Into<String>) -> Edit {
    Edit { start: range.start().into(), end: range.end().into(), text: text.into() }
}

//! Rust files as the rules see them: the text, and the same text with comments and literals blanked out.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::parts::repository;

/// One file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    /// As written.
    pub text: String,
    /// As long as `text`, line for line, but comments, strings and characters are blanks.
    pub code: String,
}

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breach {
    pub path: String,
    pub line: usize,
    pub why: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.why)
    }
}

impl Source {
    /// Made of a text; tests of the rules use it too.
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    /// A breach at a byte of this file.
    pub(super) fn breach(&self, at: usize, why: impl Into<String>) -> Breach {
        let line = self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        Breach { path: self.path.clone(), line, why: why.into() }
    }

    /// The room a file of `src` belongs to: `src/domain/id.rs` → `domain`.
    pub(super) fn room(&self) -> &str {
        let below = self.path.trim_start_matches("src/");
        below.split(['/', '.']).next().unwrap_or(below)
    }

    /// Where a word stands in the code, as a whole word.
    pub(super) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = self.code[..*at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    }
}

/// Every Rust file below a folder of the repository.
pub(super) fn rust_files(folder: &str) -> Vec<Source> {
    files(folder, &["rs"])
}

/// Every file with one of these extensions below a folder of the repository, sorted; fixtures are not ours.
pub(super) fn files(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&repository().join(folder), &mut paths);
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)))
        .filter_map(|path| {
            let relative = path.strip_prefix(repository()).ok()?.to_str()?.replace('\\', "/");
            Some(Source::new(&relative, &std::fs::read_to_string(path).ok()?))
        })
        .collect()
}

/// Whether a character can be part of a name.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if !path.is_dir() {
            paths.push(path);
        } else if !path.ends_with("tests/fixtures") {
            walk(&path, paths);
        }
    }
}

/// Blanks out comments, strings and characters; line breaks and lengths stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal = literal_length(rest, code.chars().next_back());
        let length = if literal > 0 { literal } else { first.len_utf8() };
        let (piece, tail) = rest.split_at(length);
        if literal > 0 {
            code.extend(piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            code.push(first);
        }
        rest = tail;
    }
    code
}

/// The bytes of the comment or literal that starts here; 0 if none does.
fn literal_length(text: &str, before: Option<char>) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('"') {
        return quoted(text, 1, '"');
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if before.is_some_and(is_word) {
        return 0;
    }
    let mark = ["br", "cr", "r", "b", "c"].into_iter().find(|mark| text.starts_with(mark)).unwrap_or("");
    let after = &text[mark.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    if mark.ends_with('r') && after[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let body = mark.len() + hashes + 1;
        return text[body..].find(&end).map_or(text.len(), |at| body + at + end.len());
    }
    if !mark.is_empty() && after.starts_with('"') { quoted(text, mark.len() + 1, '"') } else { 0 }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn quoted(text: &str, start: usize, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == end {
            return start + at + c.len_utf8();
        }
    }
    text.len()
}

/// `'x'` and `'\n'` are characters, `'a` is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => quoted(text, 1, '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

#[test]
fn comments_and_literals_are_blanked_and_code_stays() {
    let text = "a /* b /* c */ */ \"d\\\"e\" r#\"f\"g\"# 'h' '\\'' &'i j // k\nbar(br\"l\", ürgs)";
    let code = blank(text);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "&'i", "j", "bar(", ",", "ürgs)"]);
    assert_eq!(code.len(), text.len());
}

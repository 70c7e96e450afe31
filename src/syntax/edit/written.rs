//! How things are written: names, strings, lines and their ends. Knows text alone.

use super::Edit;

/// Words that are no names.
const KEYWORDS: &[&str] = &["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

/// Whether a name needs no quotes.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name)
}

/// A name as an attribute, quoted where it must be.
pub(super) fn name(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { string(name) }
}

/// An attribute path.
pub(super) fn path(names: &[String]) -> String {
    names.iter().map(|part| name(part)).collect::<Vec<_>>().join(".")
}

/// A text as a string literal.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '$' if rest.peek() == Some(&'{') => literal.push_str("\\$"),
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

/// How the text ends its lines.
pub(super) fn line_end(text: &str) -> &'static str {
    let first = text.find('\n').and_then(|at| text.get(..at));
    if first.is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
}

/// Where the line around a place starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line around a place stops, before what ends it.
pub(super) fn line_stop(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.find('\n').map_or(rest, |newline| rest.get(..newline).unwrap_or_default());
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// Where the line before the one that starts here stops; none for the first line.
pub(super) fn stop_before(text: &str, line_start: usize) -> Option<usize> {
    let before = text.get(..line_start)?.strip_suffix('\n')?;
    Some(before.strip_suffix('\r').unwrap_or(before).len())
}

/// The blanks that a line begins with.
pub(super) fn indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..blanks).unwrap_or_default()
}

/// Whether nothing but blanks stands before a place on its line.
pub(super) fn is_first(text: &str, at: usize) -> bool {
    text.get(line_start(text, at)..at).is_some_and(|before| before.trim_matches([' ', '\t']).is_empty())
}

/// Whether nothing but blanks stands behind a place on its line.
pub(super) fn is_last(text: &str, at: usize) -> bool {
    text.get(at..line_stop(text, at)).is_some_and(|rest| rest.trim_matches([' ', '\t']).is_empty())
}

/// Where what stands on this line behind a place and belongs to it ends: a comment that ends the line.
pub(super) fn with_comment(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    let comment = rest.trim_start_matches([' ', '\t']);
    let start = text.len() - comment.len();
    if comment.starts_with('#') {
        return line_stop(text, start);
    }
    let stop = comment.strip_prefix("/*").and_then(|inside| inside.find("*/")).map(|at| start + at + "/**/".len());
    stop.filter(|stop| is_last(text, *stop)).unwrap_or(end)
}

/// Whether a piece of text that lies between two things holds a comment.
pub(super) fn has_comment(between: &str) -> bool {
    between.contains('#') || between.contains("/*")
}

/// The line, counted from 1, where byte `at` of a text stands once edits are made of which none changes it.
pub(super) fn line_after(text: &str, edits: &[Edit], at: usize) -> u32 {
    let lines = |text: &str| text.bytes().filter(|&byte| byte == b'\n').count();
    let ends = |text: Option<&str>| text.map_or(0, lines);
    let before = edits.iter().filter(|edit| edit.end <= at);
    let (gone, new) =
        before.fold((0, 0), |(gone, new), edit| (gone + ends(text.get(edit.start..edit.end)), new + lines(&edit.text)));
    let line = (ends(text.get(..at)) + 1 + new).saturating_sub(gone);
    u32::try_from(line).unwrap_or(u32::MAX)
}

//! Text as a terminal can show it: control characters made visible, widths counted in columns, long text cut.
//! Data comes from other people's files; nothing of it may reach the terminal as a command.

use std::borrow::Cow;
use std::fmt::Write as _;

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Replaces everything that would act on the terminal or reorder a line (control characters, bidirectional controls)
/// by its name in angle brackets: `<1b>`, `<202e>`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(acts_on_the_terminal) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' | '\n' => out.push(' '),
            c if acts_on_the_terminal(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "<{:02x}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `1 problem`, `1,204 problems`.
pub(crate) fn count(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", thousands(number))
}

/// `1,204,332`.
pub(crate) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Columns that the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in exactly `columns` columns: cut at the end with `mark`, or filled with spaces.
pub(crate) fn fit(text: &str, columns: usize, mark: &str) -> String {
    let mut out = cut(text, columns, mark);
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// The text in at most `columns` columns, cut at the end.
pub(crate) fn cut(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let mut out = prefix(text, room).to_owned();
    if width(mark) <= columns {
        out.push_str(mark);
    }
    out
}

/// The text in at most `columns` columns, cut at the beginning: the end of a path says more.
pub(crate) fn cut_left(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let kept = suffix(text, room);
    if width(mark) <= columns { format!("{mark}{kept}") } else { kept.to_owned() }
}

/// The text in lines of at most `columns` columns, broken at spaces where there are any.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= columns {
            line.extend(std::iter::repeat_n(' ', gap));
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line = break_word(word, columns, &mut lines);
    }
    lines.push(line);
    lines
}

/// Pushes the full lines of a word that is longer than a line; gives back the rest.
fn break_word(word: &str, columns: usize, lines: &mut Vec<String>) -> String {
    let mut rest = word;
    while width(rest) > columns {
        let line = match prefix(rest, columns) {
            "" => boundaries(rest).get(1).and_then(|end| rest.get(..*end)).unwrap_or(rest),
            line => line,
        };
        lines.push(line.to_owned());
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    rest.to_owned()
}

fn acts_on_the_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Where graphemes begin and end, in bytes.
fn boundaries(text: &str) -> Vec<usize> {
    let span = Span::raw(text);
    let mut at = 0;
    let ends = span.styled_graphemes(Style::new()).map(|grapheme| {
        at += grapheme.symbol.len();
        at
    });
    std::iter::once(0).chain(ends).collect()
}

/// The longest beginning that fits. Measured as a whole: what follows can make a letter narrower or wider.
fn prefix(text: &str, room: usize) -> &str {
    let pieces = boundaries(text).into_iter().filter_map(|end| text.get(..end));
    pieces.take_while(|piece| width(piece) <= room).last().unwrap_or_default()
}

/// The longest end that fits.
fn suffix(text: &str, room: usize) -> &str {
    let pieces = boundaries(text).into_iter().rev().filter_map(|start| text.get(start..));
    pieces.take_while(|piece| width(piece) <= room).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_act_on_the_terminal_is_named() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}\u{9b}x"), "a<1b>[31mred<07><9b>x");
        assert_eq!(clean("safe\u{202e}fdp.exe"), "safe<202e>fdp.exe");
        assert_eq!(clean("two\nlines"), "two lines");
        assert!(matches!(clean("plain ünïcode"), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_and_combining_characters_are_counted_in_columns() {
        assert_eq!(fit("日本語", 5, "…"), "日本…");
        assert_eq!(fit("日本語", 4, "…"), "日… ");
        assert_eq!(fit("e\u{301}a", 3, "…"), "e\u{301}a ");
        assert_eq!(cut_left("/home/人/flake", 8, "…"), "…/flake");
        assert_eq!(fit("مرحبا", 6, "…"), "مرحبا ");
    }

    #[test]
    fn numbers_are_read_in_groups() {
        assert_eq!([0, 999, 1_000, 1_204_332].map(thousands), ["0", "999", "1,000", "1,204,332"]);
        assert_eq!([count(0, "event"), count(1_u64, "event")], ["0 events", "1 event"]);
        assert_eq!(count(1_204_usize, "flake"), "1,204 flakes");
    }

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("the lock is dirty", 8), ["the lock", "is dirty"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_columns(text in "\\PC{0,40}", columns in 0_usize..30) {
            let text = clean(&text);
            prop_assert_eq!(width(&fit(&text, columns, "…")), columns);
            prop_assert!(width(&cut_left(&text, columns, "…")) <= columns);
            // Nothing is narrower than one grapheme.
            for line in wrap(&text, columns.max(1)) {
                prop_assert!(width(&line) <= columns.max(1) || boundaries(&line).len() <= 2);
            }
        }

        #[test]
        fn clean_text_holds_nothing_that_acts(text in any::<String>()) {
            prop_assert!(!clean(&text).contains(acts_on_the_terminal));
        }
    }
}

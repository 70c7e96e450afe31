//! Tables for people: columns aligned, fitted to the width of the terminal; and what makes foreign text safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: usize = 2;
const NARROWEST: usize = 8;

/// A table with a head.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone)]
struct Column {
    title: String,
    kind: Kind,
}

/// How a column lies, and what it gives up on a narrow terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text that tells most at its beginning.
    Text,
    /// A number.
    Number,
    /// A path or a source: it tells most at its end.
    Path,
    /// Gives way before the others do.
    Remark,
}

impl Table {
    /// A table with these columns; a title that begins with `>` makes a column of numbers, with `/` one of paths, and with
    /// `~` one of remarks.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let kinds = [('>', Kind::Number), ('/', Kind::Path), ('~', Kind::Remark)];
        let column = |title: &&str| {
            let kind = kinds.iter().find_map(|(sign, kind)| Some((title.strip_prefix(*sign)?, *kind)));
            let (title, kind) = kind.unwrap_or((title, Kind::Text));
            Column { title: title.to_owned(), kind }
        };
        Self { columns: titles.iter().map(column).collect(), rows: Vec::new() }
    }

    /// A table of whatever was asked for.
    pub(crate) fn of(titles: &[String]) -> Self {
        let column = |title: &String| Column { title: clean(title).into_owned(), kind: Kind::Text };
        Self { columns: titles.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell).into_owned()).collect());
    }

    /// The table as text; no line is wider than `width` as long as columns can give way.
    pub(crate) fn text(&self, width: Option<usize>, head: Style) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title.as_str()).collect();
        let _ = writeln!(text, "{head}{}{head:#}", self.line(&titles, &widths));
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            text.push_str(&self.line(&cells, &widths));
            text.push('\n');
        }
        text
    }

    /// As wide as the widest cell; when the terminal is narrower, remarks give way first, then the widest columns.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let widest = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(column.title.width())
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(widest).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        let Some(room) = limit.map(|limit| limit.saturating_sub(gaps)) else { return widths };
        for kind in [Some(Kind::Remark), None] {
            while widths.iter().sum::<usize>() > room {
                let mut giving = widths
                    .iter_mut()
                    .zip(&self.columns)
                    .filter(|(_, column)| kind.is_none_or(|kind| column.kind == kind));
                match giving.by_ref().map(|(width, _)| width).max() {
                    Some(widest) if *widest > NARROWEST => *widest -= 1,
                    _ => break,
                }
            }
        }
        widths
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), width) in cells.iter().zip(&self.columns).zip(widths) {
            if !line.is_empty() || std::ptr::from_ref(cell) != cells.as_ptr() {
                line.push_str("  ");
            }
            let cell = if column.kind == Kind::Path { shorten_start(cell, *width) } else { shorten(cell, *width) };
            let fill = " ".repeat(width.saturating_sub(cell.width()));
            if column.kind == Kind::Number {
                line.push_str(&fill);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&fill);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// A text cut to a width, with `…` where something is missing.
pub(crate) fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used >= width {
            break;
        }
        short.push(character);
    }
    short.push('…');
    Cow::Owned(short)
}

/// A text cut to a width at its beginning, for paths.
fn shorten_start(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let (mut start, mut used) = (text.len(), 1);
    for (index, character) in text.char_indices().rev() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        start = index;
    }
    Cow::Owned(format!("…{}", text.get(start..).unwrap_or_default()))
}

/// A text without anything that moves the cursor, colours the terminal or ends the line.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_control(character) { clean.extend(character.escape_default()) } else { clean.push(character) }
    }
    Cow::Owned(clean)
}

/// Control characters, and those that turn the direction of the text around.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["path", ">inputs", "note"]);
        table.row(["/home/a/very/long/path/to/a/flake".into(), "3".into(), String::new()]);
        table.row(["/b".into(), "12".into(), "日本語 \u{1b}[31mred\n".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_nothing_is_cut_without_a_width() {
        let text = table().text(None, Style::new());
        assert_eq!(
            text,
            "path                               inputs  note\n\
             /home/a/very/long/path/to/a/flake       3\n\
             /b                                     12  日本語 \\u{1b}[31mred\\n\n"
        );
    }

    #[test]
    fn the_widest_columns_give_way() {
        let text = table().text(Some(40), Style::new());
        assert!(text.lines().all(|line| line.width() <= 40), "{text}");
        assert!(text.contains('…'));
    }

    #[test]
    fn remarks_give_way_first_and_paths_keep_their_end() {
        let mut table = Table::new(&["/flake", ">inputs", "~description"]);
        table.row(["/home/ada/src/laptop".into(), "3".into(), "Everything at home".into()]);
        let texts = [40, 30].map(|width| table.text(Some(width), Style::new()));
        assert_eq!(texts[0].lines().last(), Some("/home/ada/src/laptop       3  Everythin…"), "{}", texts[0]);
        assert_eq!(texts[1].lines().last(), Some("…/src/laptop       3  Everyth…"), "{}", texts[1]);
    }

    #[test]
    fn an_empty_first_cell_keeps_its_column() {
        let mut table = Table::new(&["a", "b"]);
        table.row([String::new(), "x".into()]);
        assert_eq!(table.text(None, Style::new()), "a  b\n   x\n");
    }

    #[test]
    fn short_texts_stay_and_long_ones_say_that_they_are_cut() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "ab…");
        assert_eq!(shorten("日本語", 4), "日…");
        assert_eq!([shorten_start("abc", 3), shorten_start("abcd", 3)], ["abc", "…cd"]);
        assert_eq!(shorten_start("日本語", 4), "…語");
    }
}

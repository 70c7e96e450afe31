//! Draws the list of flakes: name, where it lies, the age of its nixpkgs, its problems.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{Flakes, Pane};
use crate::tui::model::FlakeRow;
use crate::tui::shared::Shared;
use crate::tui::text::{clean, cut, fit, width};
use crate::tui::theme::Theme;
use crate::tui::widget::pane::{self, scrollbar};
use crate::tui::{fuzzy, moment};

/// From this age on a nixpkgs is said to be old: a release is supported for about seven months.
const OLD: i64 = 210;
/// From this age on it is getting old.
const AGING: i64 = 60;
/// The column of ages.
const AGE: usize = 6;
/// The column of problems.
const PROBLEMS: usize = 4;

/// What a search looks at.
pub(super) fn haystack(flake: &FlakeRow) -> String {
    format!("{} {}", flake.path, flake.description.as_deref().unwrap_or_default())
}

pub(super) fn draw(screen: &mut Flakes, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let total = screen.all.len();
    let found = screen.found.len();
    let frame_of = pane::Pane {
        title: "Flakes",
        note: if found == total { total.to_string() } else { format!("{found} of {total}") },
        corner: "nixpkgs age".to_owned(),
        focused: screen.focus == Pane::List,
    };
    let mut inner = frame_of.draw(frame, area, theme);
    if screen.typing && screen.focus == Pane::List || !screen.find_flake.text().is_empty() {
        inner = search(frame, inner, theme, &screen.find_flake, screen.typing && screen.focus == Pane::List);
    }
    let shown = screen.list.visible(found, inner);
    let chosen = screen.list.chosen(found);
    let lines: Vec<Line> = shown
        .clone()
        .filter_map(|row| {
            let flake = screen.all.get(*screen.found.get(row)?)?;
            let state = (chosen == Some(row), frame_of.focused);
            Some(line(flake, usize::from(inner.width), state, screen.find_flake.text(), shared))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    scrollbar(frame, area, theme, found, &shown);
    if found == 0 && screen.loaded {
        frame.render_widget(Paragraph::new("nothing found").style(theme.quiet()), inner);
    }
}

/// Draws the line of a search above the rows it searches, and gives back the room below.
pub(super) fn search(
    frame: &mut Frame,
    inner: Rect,
    theme: Theme,
    field: &crate::tui::widget::field::Field,
    typing: bool,
) -> Rect {
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    if typing {
        field.draw(frame, line, theme, "/ ");
    } else {
        let text = cut(field.text(), usize::from(line.width).saturating_sub(2), theme.glyphs.cut);
        frame.render_widget(Line::from(vec![Span::styled("/ ", theme.accent()), Span::raw(text)]), line);
    }
    rest
}

/// What stands there when the ledger knows no flake yet.
pub(super) fn empty(frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let lines = if shared.scan.is_some() {
        vec![
            Line::styled("Reading flakes", theme.strong()),
            Line::default(),
            Line::raw("They appear here as they are found."),
        ]
    } else if shared.at == crate::tui::model::At::Now {
        vec![
            Line::styled("No flakes yet", theme.strong()),
            Line::default(),
            Line::from(vec![
                Span::raw("Press "),
                Span::styled("r", theme.accent()),
                Span::raw(" to read a directory of flakes."),
            ]),
            Line::styled("Nothing is sent anywhere unasked; Nix is not needed.", theme.quiet()),
        ]
    } else {
        vec![
            Line::styled("No flakes at this moment", theme.strong()),
            Line::default(),
            Line::from(vec![
                Span::raw("Press "),
                Span::styled("n", theme.accent()),
                Span::raw(" to come back to now."),
            ]),
        ]
    };
    let height = u16::try_from(lines.len()).unwrap_or(4);
    let [_, middle, _] =
        Layout::vertical([Constraint::Fill(2), Constraint::Length(height), Constraint::Fill(3)]).areas(area);
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), middle);
}

fn line(
    flake: &FlakeRow,
    columns: usize,
    (chosen, focused): (bool, bool),
    query: &str,
    shared: &Shared,
) -> Line<'static> {
    let theme = shared.theme;
    let path = clean(&shared.path(&flake.path)).into_owned();
    let (above, name) =
        path.rsplit_once('/').map_or((String::new(), path.clone()), |(a, n)| (format!("{a}/"), n.to_owned()));
    let room = columns.saturating_sub(2 + 1 + AGE + 1 + PROBLEMS);
    let name = cut(&name, room, theme.glyphs.cut);
    let above = last_folders(&above, room.saturating_sub(width(&name) + 1));
    let gap = room.saturating_sub(width(&name) + width(above));
    let problems = if flake.problems == 0 { String::new() } else { format!("! {}", flake.problems) };
    let mut spans = vec![gutter(theme, chosen)];
    spans.extend(marked(&name, query, theme.strong(), theme));
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(above.to_owned(), theme.quiet()));
    let days = nixpkgs_days(flake, shared);
    let age = days.map(moment::days).unwrap_or_default();
    spans.push(Span::styled(format!(" {age:>AGE$}"), age_style(days, theme)));
    spans.push(Span::styled(format!(" {}", fit(&problems, PROBLEMS, theme.glyphs.cut)), theme.warning()));
    chosen_line(spans, chosen, focused, theme)
}

/// As many of the last folders of `~/src/infra/` as fit.
fn last_folders(above: &str, room: usize) -> &str {
    let mut rest = above;
    while width(rest) > room {
        rest = rest.split_once('/').map_or("", |(_, below)| below);
    }
    rest
}

/// The mark in front of a chosen row.
pub(super) fn gutter(theme: Theme, chosen: bool) -> Span<'static> {
    if chosen { Span::styled(theme.glyphs.pointer, theme.accent()) } else { Span::raw("  ") }
}

/// A row in the look of being chosen or not.
pub(super) fn chosen_line(spans: Vec<Span<'static>>, chosen: bool, focused: bool, theme: Theme) -> Line<'static> {
    if !(chosen && focused) {
        return Line::from(spans);
    }
    let style = theme.chosen(true);
    Line::from(spans.into_iter().map(|span| Span::styled(span.content, style)).collect::<Vec<_>>())
}

/// A text with the letters that a search found marked.
pub(super) fn marked(text: &str, query: &str, style: Style, theme: Theme) -> Vec<Span<'static>> {
    let found = fuzzy::found(query, text);
    if found.is_empty() {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut spans: Vec<Span> = Vec::new();
    for (index, c) in text.chars().enumerate() {
        let style = if found.contains(&index) { theme.found() } else { style };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => spans.push(Span::styled(c.to_string(), style)),
        }
    }
    spans
}

/// How many days old the nixpkgs of a flake is.
pub(super) fn nixpkgs_days(flake: &FlakeRow, shared: &Shared) -> Option<i64> {
    flake.nixpkgs_modified.map(|time| shared.time().saturating_sub(time).max(0) / moment::DAY)
}

/// How the age of a nixpkgs looks.
pub(super) fn age_style(days: Option<i64>, theme: Theme) -> Style {
    match days {
        Some(OLD..) => theme.error(),
        Some(AGING..) => theme.warning(),
        _ => theme.quiet(),
    }
}

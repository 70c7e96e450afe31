//! Text to read over a screen: the keys of the screen, and what changed between two moments. `/` narrows it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Wish, room};
use crate::tui::action::ACTIONS;
use crate::tui::model::{At, Difference};
use crate::tui::shared::Shared;
use crate::tui::text::{clean, cut, fit, width};
use crate::tui::widget::field::Field;
use crate::tui::widget::pane::Pane;
use crate::tui::widget::sheet::{Scroll, Sheet};
use crate::tui::widget::stride::Stride;
use crate::tui::{fuzzy, moment};

/// One entry: a label, what is said about it, and what is said below.
#[derive(Debug)]
struct Entry {
    group: String,
    label: String,
    text: String,
    was: Option<String>,
    is: Option<String>,
}

/// Entries, a search and a place.
#[derive(Debug)]
pub(crate) struct Reading {
    title: String,
    /// The command line that prints the same, where one does.
    pub(super) command: Option<String>,
    nothing: &'static str,
    entries: Vec<Entry>,
    scroll: Scroll,
    field: Field,
    typing: bool,
}

/// The keys of a screen.
pub(super) fn help(screen: &'static str) -> Reading {
    let here = ACTIONS.iter().filter(|action| action.is_on(screen));
    let entry = |action: &crate::tui::action::Action| Entry {
        group: if action.screens.is_empty() { "Everywhere".to_owned() } else { "On this screen".to_owned() },
        label: action.keys.join(" "),
        text: action.doc.to_owned(),
        was: None,
        is: None,
    };
    let (own, everywhere): (Vec<_>, Vec<_>) = here.partition(|action| !action.screens.is_empty());
    let entries = own.into_iter().chain(everywhere).map(entry).collect();
    Reading { title: format!("Keys: {screen}"), nothing: "nothing found", entries, ..Reading::empty() }
}

/// What changed between two moments.
pub(super) fn difference(from: At, to: At, rows: &[Difference], shared: &Shared) -> Reading {
    let entries = rows.iter().map(|row| Entry {
        group: clean(&shared.path(&row.path)).into_owned(),
        label: clean(&row.what).into_owned(),
        text: String::new(),
        was: row.from.clone(),
        is: row.to.clone(),
    });
    let title = format!("{} {} {}", moment::name(from), shared.theme.glyphs.arrow, moment::name(to));
    let moment = |at| moment::flag(at).map_or_else(|| "now".to_owned(), |at| format!("'{at}'"));
    let command = Some(format!("diff {} {}", moment(from), moment(to)));
    Reading { title, command, nothing: "nothing changed", entries: entries.collect(), ..Reading::empty() }
}

impl Reading {
    fn empty() -> Self {
        Self {
            title: String::new(),
            command: None,
            nothing: "",
            entries: Vec::new(),
            scroll: Scroll::default(),
            field: Field::default(),
            typing: false,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Wish {
        if self.typing {
            match key.code {
                KeyCode::Enter => self.typing = false,
                _ if self.field.key(key) => self.scroll.go(Stride::First),
                _ => {}
            }
            return Wish::Stay;
        }
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll.go(Stride::By(-1)),
            KeyCode::Down | KeyCode::Char('j') => self.scroll.go(Stride::By(1)),
            KeyCode::PageUp => self.scroll.go(Stride::Page(-1)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll.go(Stride::Page(1)),
            KeyCode::Home | KeyCode::Char('g') => self.scroll.go(Stride::First),
            KeyCode::End | KeyCode::Char('G') => self.scroll.go(Stride::Last),
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('q' | '?') | KeyCode::Enter => return Wish::Close,
            _ => {}
        }
        Wish::Stay
    }

    pub(super) fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = shared.theme;
        let outer = room(frame, area, 92, area.height.saturating_sub(4).max(3));
        let corner = if self.typing { String::new() } else { "/ find  esc".to_owned() };
        let pane = Pane { title: &self.title, corner, focused: true, ..Pane::default() };
        let mut inner = pane.draw(frame, outer, theme);
        if self.typing || !self.field.text().is_empty() {
            let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
            self.field.draw(frame, line, theme, "/ ");
            inner = rest;
        }
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let lines = self.lines(inner.width, shared);
        self.scroll.draw(frame, outer, inner, theme, &lines);
    }

    fn lines(&self, columns: u16, shared: &Shared) -> Vec<Line<'static>> {
        let theme = shared.theme;
        let room = usize::from(columns);
        let labels = self.entries.iter().map(|entry| width(&entry.label)).max().unwrap_or(0).min(room / 3);
        let mut sheet = Sheet::new(theme, columns, labels);
        let mut group = "";
        for entry in &self.entries {
            if !fuzzy::matches(self.field.text(), &format!("{} {} {}", entry.label, entry.text, entry.group)) {
                continue;
            }
            if entry.group != group {
                group = &entry.group;
                sheet.heading(group);
            }
            let label =
                if entry.text.is_empty() { entry.label.clone() } else { fit(&entry.label, labels, theme.glyphs.cut) };
            let text = cut(&clean(&entry.text), room.saturating_sub(width(&label) + 2), theme.glyphs.cut);
            sheet.line(Line::from(vec![Span::styled(label, theme.accent()), Span::raw("  "), Span::raw(text)]));
            if let Some(was) = &entry.was {
                sheet.item("  -", theme.error(), was, Style::new());
            }
            if let Some(is) = &entry.is {
                sheet.item("  +", theme.good(), is, Style::new());
            }
        }
        let lines = sheet.into_lines();
        if lines.is_empty() { vec![Line::styled(self.nothing, theme.quiet())] } else { lines }
    }
}

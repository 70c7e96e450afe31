//! A list to choose from by typing. Found by name and by key; what is not possible stays listed and says why.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{Wish, room};
use crate::tui::fuzzy;
use crate::tui::shared::Shared;
use crate::tui::text::{cut, fit, width};
use crate::tui::widget::field::Field;
use crate::tui::widget::pane::{Pane, scrollbar};
use crate::tui::widget::rows::Rows;
use crate::tui::widget::stride::Stride;

/// One thing to choose.
#[derive(Debug)]
pub(crate) struct Item {
    pub(super) label: String,
    pub(super) keys: String,
    /// Another name that finds it.
    pub(super) id: &'static str,
    pub(super) note: String,
    pub(super) refusal: Option<&'static str>,
    pub(super) wish: Wish,
}

/// The list and what is typed.
#[derive(Debug)]
pub(crate) struct Picker {
    title: &'static str,
    items: Vec<Item>,
    found: Vec<usize>,
    field: Field,
    rows: Rows,
}

impl Picker {
    pub(super) fn new(title: &'static str, items: Vec<Item>) -> Self {
        let found = (0..items.len()).collect();
        Self { title, items, found, field: Field::default(), rows: Rows::default() }
    }

    pub(super) fn key(&mut self, key: KeyEvent, shared: &mut Shared) -> Wish {
        let len = self.found.len();
        let with_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return self.choose(shared),
            KeyCode::Up => self.rows.go(Stride::By(-1), len),
            KeyCode::Char('p' | 'k') if with_ctrl => self.rows.go(Stride::By(-1), len),
            KeyCode::Down => self.rows.go(Stride::By(1), len),
            KeyCode::Char('n' | 'j') if with_ctrl => self.rows.go(Stride::By(1), len),
            KeyCode::PageUp => self.rows.go(Stride::Page(-1), len),
            KeyCode::PageDown => self.rows.go(Stride::Page(1), len),
            _ if self.field.key(key) => self.search(),
            _ => {}
        }
        Wish::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
        self.search();
    }

    /// A key typed exactly is what is meant; else the best match by name, key and sentence.
    fn search(&mut self) {
        let query = self.field.text().trim();
        let texts: Vec<String> =
            self.items.iter().map(|item| format!("{} {} {}", item.label, item.keys, item.id)).collect();
        let by_key = |item: &Item| !query.is_empty() && item.keys.split(' ').any(|key| key == query);
        let exact: Vec<usize> =
            (0..).zip(&self.items).filter(|(_, item)| by_key(item)).map(|(index, _)| index).collect();
        let others: Vec<usize> =
            fuzzy::rank(query, &texts).into_iter().filter(|index| !exact.contains(index)).collect();
        self.found = exact.into_iter().chain(others).collect();
        self.rows.go(Stride::First, self.found.len());
    }

    fn choose(&self, shared: &mut Shared) -> Wish {
        let item = self.rows.chosen(self.found.len()).and_then(|row| self.items.get(*self.found.get(row)?));
        match item {
            Some(Item { refusal: None, wish, .. }) => wish.clone(),
            Some(Item { refusal: Some(why), label, .. }) => {
                shared.say(format!("{}: {why}", label.to_lowercase()));
                Wish::Stay
            }
            None => Wish::Stay,
        }
    }

    pub(super) fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = shared.theme;
        let height = u16::try_from(self.items.len() + 4).unwrap_or(u16::MAX);
        let outer = room(frame, area, 84, height.min(area.height * 4 / 5));
        let corner = format!("{} of {}", self.found.len(), self.items.len());
        let pane = Pane { title: self.title, corner, focused: true, ..Pane::default() };
        let inner = pane.draw(frame, outer, theme);
        let [field, _, list] =
            Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]).areas(inner);
        self.field.draw(frame, field, theme, theme.glyphs.pointer);
        let shown = self.rows.visible(self.found.len(), list);
        let chosen = self.rows.chosen(self.found.len());
        let labels = self.items.iter().map(|item| width(&item.label)).max().unwrap_or(0).min(28);
        let keys = self.items.iter().map(|item| width(&item.keys)).max().unwrap_or(0).min(14);
        let columns = usize::from(list.width);
        let notes = columns.saturating_sub(4 + labels + keys);
        let lines: Vec<Line> = shown
            .clone()
            .filter_map(|row| Some((row, self.items.get(*self.found.get(row)?)?)))
            .map(|(row, item)| {
                let label_style = if item.refusal.is_some() { theme.quiet() } else { theme.strong() };
                let note_style = if item.refusal.is_some() { theme.warning() } else { theme.quiet() };
                let mark = theme.glyphs.cut;
                let spans = vec![
                    Span::raw(" "),
                    Span::styled(fit(&item.label, labels + 1, mark), label_style),
                    Span::styled(fit(&item.keys, keys, mark), theme.accent()),
                    Span::styled(
                        fit(&format!("  {}", cut(&item.note, notes.saturating_sub(2), mark)), notes + 2, mark),
                        note_style,
                    ),
                ];
                if chosen == Some(row) {
                    let style = theme.chosen(true);
                    return Line::from(spans.into_iter().map(|s| Span::styled(s.content, style)).collect::<Vec<_>>());
                }
                Line::from(spans)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), list);
        scrollbar(frame, outer, theme, self.found.len(), &shown);
    }
}

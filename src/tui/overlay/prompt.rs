//! A question with one line to type, a hint below, and what is wrong with the answer.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::{Wish, room};
use crate::tui::shared::Shared;
use crate::tui::text::cut;
use crate::tui::widget::field::Field;
use crate::tui::widget::pane::Pane;

/// Reads what was typed: a wish, or what is wrong with it.
type Read = fn(&str, &Shared) -> Result<Wish, String>;

/// A question.
#[derive(Debug)]
pub(crate) struct Prompt {
    title: &'static str,
    hint: &'static str,
    wrong: Option<String>,
    field: Field,
    read: Read,
}

impl Prompt {
    pub(super) fn new(title: &'static str, hint: &'static str, offer: &str, read: Read) -> Self {
        Self { title, hint, wrong: None, field: Field::new(offer), read }
    }

    pub(super) fn key(&mut self, key: KeyEvent, shared: &Shared) -> Wish {
        if key.code == KeyCode::Enter {
            return (self.read)(self.field.text(), shared).unwrap_or_else(|why| {
                self.wrong = Some(why);
                Wish::Stay
            });
        }
        if self.field.key(key) {
            self.wrong = None;
        }
        Wish::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        self.field.text()
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let theme = shared.theme;
        let outer = room(frame, area, 76, 5);
        let pane = Pane { title: self.title, corner: "enter  esc".to_owned(), focused: true, ..Pane::default() };
        let inner = pane.draw(frame, outer, theme);
        let [line, hint, below] = Layout::vertical([Constraint::Length(1); 3]).areas(inner);
        let cut = |text: &str| cut(text, usize::from(inner.width), theme.glyphs.cut);
        frame.render_widget(Line::styled(cut(&format!("  {}", self.hint)), theme.quiet()), hint);
        if let Some(why) = &self.wrong {
            frame.render_widget(Line::styled(cut(&format!("! {why}")), theme.error()), below);
        }
        self.field.draw(frame, line, theme, theme.glyphs.pointer);
    }
}

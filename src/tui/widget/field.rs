//! A line of text being typed.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use crate::tui::text::{clean, cut_left, width};
use crate::tui::theme::Theme;

/// How many characters a field holds at most: every key goes through all of them.
const ROOM: usize = 1_000;

/// A line of text and its cursor.
#[derive(Debug, Default, Clone)]
pub(crate) struct Field {
    input: Input,
}

impl Field {
    /// A field that holds a text already, the cursor behind it.
    pub(crate) fn new(text: &str) -> Self {
        Self { input: Input::new(clean(text).into_owned()) }
    }

    /// What is typed.
    pub(crate) fn text(&self) -> &str {
        self.input.value()
    }

    /// Takes a key; says whether the text is another.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        // With ctrl or alt a letter is an order.
        let types = matches!(key.code, KeyCode::Char(_)) && (key.modifiers - KeyModifiers::SHIFT).is_empty();
        if types && self.room() == 0 {
            return false;
        }
        self.input.handle_event(&Event::Key(key)).is_some_and(|change| change.value)
    }

    /// Takes pasted text: its first line, made clean, as far as there is room.
    pub(crate) fn paste(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or_default();
        for c in clean(line).chars().take(self.room()) {
            self.input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }

    fn room(&self) -> usize {
        ROOM.saturating_sub(self.text().chars().count())
    }

    /// Draws sign and text, and puts the cursor there.
    pub(crate) fn draw(&self, frame: &mut Frame, area: Rect, theme: Theme, sign: &str) {
        let room = usize::from(area.width).saturating_sub(width(sign) + 1);
        let before: String = self.text().chars().take(self.input.cursor()).collect();
        let shown = cut_left(&before, room, theme.glyphs.cut);
        let after: String = self.text().chars().skip(self.input.cursor()).collect();
        let column = width(sign) + width(&shown);
        let line = Line::from(vec![Span::styled(sign.to_owned(), theme.accent()), Span::raw(shown), Span::raw(after)]);
        frame.render_widget(Paragraph::new(line), area);
        let x = area.x + u16::try_from(column).unwrap_or(0).min(area.width.saturating_sub(1));
        frame.set_cursor_position((x, area.y));
    }
}

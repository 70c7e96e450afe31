//! The interface without a terminal: keys in, text out. For tests, benches and whoever wants to see a screen as text.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rusqlite::Connection;

use super::app::App;
use super::keymap::Key;
use super::message::{Answer, Effect, Message, Query};
use super::model::At;
use super::reader;
use super::shared::Shared;
use super::theme::{Look, Theme};

type Ask = Box<dyn FnMut(&Query) -> Result<Answer, String>>;

/// An interface whose questions are answered at once.
pub struct Headless {
    pub(crate) app: App,
    terminal: Terminal<TestBackend>,
    ask: Ask,
    /// What was asked of the world and not done here, oldest first.
    pub(crate) effects: Vec<Effect>,
}

impl fmt::Debug for Headless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headless").field("app", &self.app).finish_non_exhaustive()
    }
}

impl Headless {
    /// Opens the interface on a database, at a time, in a size.
    pub fn over<C>(connection: C, look: Look, now: i64, size: (u16, u16)) -> Self
    where
        C: Deref<Target = Connection> + 'static,
    {
        Self::with(look, now, size, Box::new(move |query| reader::ask(&connection, query)))
    }

    /// Opens the interface on answers from anywhere.
    pub(crate) fn with(look: Look, now: i64, (width, height): (u16, u16), ask: Ask) -> Self {
        let home = Some("/home/ada".to_owned());
        let db = "/home/ada/.local/share/cim-nix/ledger.db".to_owned();
        let shared = Shared::new(Theme::new(look), At::Now, now, db, home, PathBuf::from("/home/ada/src"));
        let terminal = match Terminal::new(TestBackend::new(width, height)) {
            Ok(terminal) => terminal,
            Err(never) => match never {},
        };
        let mut headless = Self { app: App::new(shared), terminal, ask, effects: Vec::new() };
        let mut effects = headless.app.update(Message::Resize(width, height));
        effects.extend(headless.app.start());
        headless.follow(effects);
        headless
    }

    /// Presses keys, written as in the table of actions and parted by spaces: `j j enter / n i x esc`.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace().filter_map(Key::parse) {
            let effects = self.app.update(Message::Key(KeyEvent::from(key)));
            self.follow(effects);
        }
    }

    /// The cells of the last frame.
    #[cfg(test)]
    pub(crate) fn cells(&self) -> &[ratatui::buffer::Cell] {
        &self.terminal.backend().buffer().content
    }

    /// Gives the interface a message.
    pub(crate) fn tell(&mut self, message: Message) {
        let effects = self.app.update(message);
        self.follow(effects);
    }

    /// Draws, without turning the frame into text.
    pub fn draw(&mut self) {
        match self.terminal.draw(|frame| self.app.draw(frame)) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }

    /// Draws, and gives the frame as text, one line a row, without the spaces at the ends.
    pub fn frame(&mut self) -> String {
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut x = 0;
            while let Some(cell) = buffer.cell((x, y)) {
                line.push_str(cell.symbol());
                x += u16::try_from(super::text::width(cell.symbol())).unwrap_or(1).max(1);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Makes the terminal another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.tell(Message::Resize(width, height));
    }

    fn follow(&mut self, effects: Vec<Effect>) {
        let mut waiting: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            let Effect::Ask(ticket, query) = effect else {
                self.effects.push(effect);
                continue;
            };
            let message = match (self.ask)(&query) {
                Ok(answer) => Message::Answer(ticket, answer),
                Err(why) => Message::Refused(ticket, why),
            };
            waiting.extend(self.app.update(message));
        }
    }
}

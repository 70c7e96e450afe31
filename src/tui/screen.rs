//! The screens: one file and one line each. A screen holds its own state, says what it needs to know, and draws it.

use std::fmt::Debug;
use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::action::Do;
use super::message::{Answer, Effect};
use super::shared::Shared;
use super::spot::Spot;

mod flakes;

mod fleet;

mod history;

/// How near a command line comes that prints what is shown: it does.
pub(crate) const SAME: &str = "same as: ";

/// One screen.
pub(crate) trait Screen: Debug {
    /// Its name in the action table.
    fn name(&self) -> &'static str;

    /// Its title, and the action that leads to it.
    fn title(&self) -> (&'static str, Do);

    /// Asks for everything it shows: it was entered, the moment is another, or the ledger has grown.
    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect>;

    /// Takes an answer; answers to other screens are passed over.
    fn answer(&mut self, answer: &Answer, shared: &mut Shared) -> Vec<Effect>;

    /// Does what the table's entry promises; what it does not know has no effect.
    fn perform(&mut self, what: Do, shared: &mut Shared) -> Vec<Effect>;

    /// Whether keys are letters of a search now.
    fn is_typing(&self) -> bool;

    /// Takes a key while typing.
    fn key(&mut self, key: KeyEvent, shared: &mut Shared) -> Vec<Effect>;

    /// Takes pasted text while typing.
    fn paste(&mut self, text: &str, shared: &mut Shared) -> Vec<Effect>;

    /// Takes the mouse.
    fn mouse(&mut self, kind: MouseEventKind, at: Position, shared: &mut Shared) -> Vec<Effect>;

    /// What is chosen.
    fn target(&self) -> Target;

    /// Narrows the screen to what another screen had chosen.
    fn visit(&mut self, to: Narrow, shared: &mut Shared) -> Vec<Effect>;

    /// The command line that prints what is shown, without the name of the program.
    fn command(&self) -> String;

    /// How near that comes.
    fn likeness(&self) -> &'static str {
        SAME
    }

    /// Draws.
    fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared);

    /// What is worth remembering.
    fn save(&self) -> Value;

    /// Takes what was remembered, as far as it makes sense.
    fn restore(&mut self, saved: &Value);
}

/// What is chosen on a screen.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: Option<String>,
    pub(crate) file: Option<(PathBuf, Spot)>,
    pub(crate) source: Option<String>,
    pub(crate) event: Option<i64>,
    pub(crate) flake: Option<String>,
    pub(crate) filtered: bool,
}

/// To what a screen is narrowed from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Narrow {
    Flake(String),
    Type(Option<String>),
    Since(Option<i64>),
}

/// Every screen, in the order of the tabs.
pub(crate) fn all() -> Vec<Box<dyn Screen>> {
    vec![Box::new(flakes::Flakes::default()), Box::new(history::History::default()), Box::new(fleet::Fleet::default())]
}

/// The names of all screens.
#[cfg(test)]
pub(crate) fn names() -> Vec<&'static str> {
    all().iter().map(|screen| screen.name()).collect()
}

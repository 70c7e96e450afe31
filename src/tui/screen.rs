//! The screens: one file and one line each. A screen holds its own state, says what it needs to know, and draws it.

use std::fmt::Debug;
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::action::Do;
use super::message::{Answer, Effect};
use super::shared::Shared;
use super::spot::Spot;
use super::widget::field::Field;
use super::widget::stride::Stride;

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

    /// Moves in the pane that has the keys.
    fn go(&mut self, stride: Stride, shared: &mut Shared) -> Vec<Effect>;

    /// Gives the keys to the pane at a place; says whether there is one.
    fn focus_at(&mut self, at: Position) -> bool;

    /// Whether keys are letters of a search now.
    fn is_typing(&self) -> bool;

    /// The search of the pane that has the keys, and whether it is being typed.
    fn find(&mut self) -> (&mut Field, &mut bool);

    /// Its text is another: finds anew.
    fn found_again(&mut self, shared: &mut Shared) -> Vec<Effect>;

    /// Takes a key while typing.
    fn key(&mut self, key: KeyEvent, shared: &mut Shared) -> Vec<Effect> {
        let (field, typing) = self.find();
        match key.code {
            KeyCode::Enter => *typing = false,
            KeyCode::Esc => {
                *typing = false;
                *field = Field::default();
                return self.found_again(shared);
            }
            KeyCode::Up => return self.go(Stride::By(-1), shared),
            KeyCode::Down => return self.go(Stride::By(1), shared),
            _ if field.key(key) => return self.found_again(shared),
            _ => {}
        }
        Vec::new()
    }

    /// Takes pasted text while typing.
    fn paste(&mut self, text: &str, shared: &mut Shared) -> Vec<Effect> {
        self.find().0.paste(text);
        self.found_again(shared)
    }

    /// Takes the mouse.
    fn mouse(&mut self, kind: MouseEventKind, at: Position, shared: &mut Shared) -> Vec<Effect> {
        match Stride::of_mouse(kind, at) {
            Some(stride) if self.focus_at(at) => self.go(stride, shared),
            _ => Vec::new(),
        }
    }

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

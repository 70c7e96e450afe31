//! What lies over a screen: help, the palette, a question, a comparison. An overlay takes all keys until it is left,
//! and leaves a wish behind.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::action::{Action, Do};
use super::model::{At, Difference};
use super::screen::Narrow;
use super::shared::Shared;
use super::{moment, text};
use crate::app::moment::TimeError;
use crate::domain::catalogue::EVENTS;

mod picker;

mod prompt;

mod reading;

/// What lies over the screen.
#[derive(Debug)]
pub(crate) enum Overlay {
    /// A list to choose from by typing.
    Pick(picker::Picker),
    /// A question to answer by typing.
    Prompt(prompt::Prompt),
    /// Text to read and to search.
    Read(reading::Reading),
}

/// What an overlay wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Stay,
    Close,
    Do(Do),
    LookAt(At),
    Narrow(Narrow),
    /// Of a directory; of all roots without one.
    Scan(Option<PathBuf>),
}

impl Overlay {
    /// Takes a key.
    pub(crate) fn key(&mut self, key: KeyEvent, shared: &mut Shared) -> Wish {
        let leaves = key.code == KeyCode::Esc
            || key.code == KeyCode::Char('c') && key.modifiers.contains(crossterm::event::KeyModifiers::CONTROL);
        if leaves {
            return Wish::Close;
        }
        match self {
            Self::Pick(picker) => picker.key(key, shared),
            Self::Prompt(prompt) => prompt.key(key, shared),
            Self::Read(reading) => reading.key(key),
        }
    }

    /// The command line that prints what is shown, where one does.
    pub(crate) fn command(&self) -> Option<&str> {
        match self {
            Self::Read(reading) => reading.command.as_deref(),
            Self::Pick(_) | Self::Prompt(_) => None,
        }
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) {
        match self {
            Self::Pick(picker) => picker.paste(text),
            Self::Prompt(prompt) => prompt.paste(text),
            Self::Read(_) => {}
        }
    }

    /// Draws over what is there.
    pub(crate) fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        match self {
            Self::Pick(picker) => picker.draw(frame, area, shared),
            Self::Prompt(prompt) => prompt.draw(frame, area, shared),
            Self::Read(reading) => reading.draw(frame, area, shared),
        }
    }
}

/// The palette: every action of a screen, with why it is not possible.
pub(crate) fn palette<'a>(actions: impl Iterator<Item = (&'a Action, Option<&'static str>)>) -> Overlay {
    let items = actions.map(|(action, refusal)| picker::Item {
        label: action.title.to_owned(),
        keys: action.keys.join(" "),
        id: action.id,
        note: refusal.unwrap_or(action.doc).to_owned(),
        refusal,
        wish: Wish::Do(action.what),
    });
    Overlay::Pick(picker::Picker::new("Actions", items.collect()))
}

/// The types of events to choose from.
pub(crate) fn types() -> Overlay {
    let item = |label: String, note: &str, kind| picker::Item {
        label,
        keys: String::new(),
        id: "",
        note: note.to_owned(),
        refusal: None,
        wish: Wish::Narrow(Narrow::Type(kind)),
    };
    let every = item("every type".to_owned(), "No filter by type.", None);
    let kinds = EVENTS.iter().map(|kind| item(kind.name(), kind.doc, Some(kind.name())));
    Overlay::Pick(picker::Picker::new("Type of event", std::iter::once(every).chain(kinds).collect()))
}

/// Help for a screen.
pub(crate) fn help(screen: &'static str) -> Overlay {
    Overlay::Read(reading::help(screen))
}

/// What changed between two moments.
pub(crate) fn difference(from: At, to: At, rows: &[Difference], shared: &Shared) -> Overlay {
    Overlay::Read(reading::difference(from, to, rows, shared))
}

/// Why a text is no time, in a line: the forms stand above it.
fn refusal(error: &TimeError) -> String {
    let words = match error {
        TimeError::Unknown(text) => format!("`{text}` is no moment"),
        other => other.to_string(),
    };
    text::clean(&words).into_owned()
}

/// Asks for the moment to look at.
pub(crate) fn ask_moment() -> Overlay {
    Overlay::Prompt(prompt::Prompt::new(
        "Go to a moment",
        "2026-11-24, 2026-11-24 13:00, yesterday, tuesday, 3d, #120, @seen:TIME",
        "",
        |typed, shared| {
            let at = moment::parse(typed, shared.now).map_err(|error| refusal(&error))?;
            match (at, &shared.summary) {
                (At::Position(position), Some(summary)) if position > summary.head => {
                    Err(format!("there is no #{position} yet; the last is #{}", summary.head))
                }
                _ => Ok(Wish::LookAt(at)),
            }
        },
    ))
}

/// Asks since when events are wanted.
pub(crate) fn ask_since() -> Overlay {
    Overlay::Prompt(prompt::Prompt::new(
        "Events since",
        "2026-11-24, yesterday, tuesday, 3d, 2w; nothing for all",
        "",
        |typed, shared| match moment::parse(typed, shared.now) {
            Ok(At::Occurred(since)) => Ok(Wish::Narrow(Narrow::Since(Some(since)))),
            Ok(At::Now) => Ok(Wish::Narrow(Narrow::Since(None))),
            Ok(_) => Err(format!("`{}` is no time", text::clean(typed))),
            Err(error) => Err(refusal(&error)),
        },
    ))
}

/// Asks what to scan: all roots unless a directory is named, which becomes one. Where there is no root, the directory that the
/// interface was started in is offered.
pub(crate) fn ask_scan(shared: &Shared) -> Overlay {
    let (hint, offer) = if shared.has_roots {
        ("nothing for all roots; a directory becomes a root", String::new())
    } else {
        ("becomes a root: flakes below it are recorded here; nothing is sent", shared.here())
    };
    Overlay::Prompt(prompt::Prompt::new("Scan", hint, &offer, |typed, shared| {
        let typed = typed.trim();
        let path = match (typed.strip_prefix('~'), &shared.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => typed.to_owned(),
        };
        match typed {
            "" if shared.has_roots => Ok(Wish::Scan(None)),
            "" => Err("there is no root yet: name a directory".to_owned()),
            _ => Ok(Wish::Scan(Some(shared.directory.join(path)))),
        }
    }))
}

/// Clears the middle of the screen for an overlay.
fn room(frame: &mut Frame, area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width.saturating_sub(2)).max(area.width.min(10));
    let height = height.min(area.height.saturating_sub(2)).max(area.height.min(3));
    let room = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height };
    // A wide character that reaches into the room from the left would hide the frame.
    for y in room.top()..room.bottom() {
        let before = room.x.checked_sub(1).and_then(|x| frame.buffer_mut().cell_mut((x, y)));
        if let Some(cell) = before.filter(|cell| text::width(cell.symbol()) > 1) {
            cell.set_symbol(" ");
        }
    }
    frame.render_widget(Clear, room);
    room
}

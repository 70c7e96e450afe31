//! The terminal interface: reads the ledger in the background, draws what is known, and asks use cases to act. Must
//! not know the command line, and never writes to the ledger itself.
//!
//! Messages go in (`message`), a pure function changes the state (`app`), effects come out and are done by `runtime`.
//! Nothing that draws waits for a disk. Keys, palette, help and reference derive from one table (`action`); a screen
//! is one file below `screen` and one line there.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;
use serde_json::Value;

use crate::store::StoreError;

mod action;

mod keymap;

mod moment;

mod text;

mod theme;

mod fuzzy;

mod model;

mod message;

mod shared;

mod app;

mod chrome;

mod screen;

mod overlay;

mod widget;

mod reader;

mod clipboard;

mod editor;

mod spot;

mod input;

mod terminal;

mod runtime;

mod session;

pub mod headless;

#[cfg(test)]
mod sample;

pub use action::reference;
pub use model::At;
pub use session::start;
pub use theme::Look;

/// A scan: the directories, whom to tell what it is doing, and when to stop. The result is a sentence.
pub type ScanWith =
    Arc<dyn Fn(&[PathBuf], &(dyn Fn(String) + Sync), &AtomicBool) -> Result<String, String> + Send + Sync>;

/// A connection that only reads.
pub type ReadOnly = Box<dyn Deref<Target = Connection> + Send>;

/// What the interface is started with.
pub struct Options {
    /// The database, for the status line and for errors.
    pub db: PathBuf,
    /// The database as the command line named it; none when every command finds it by itself.
    pub named: Option<PathBuf>,
    /// The moment to look at first.
    pub at: At,
    /// What the terminal can show.
    pub look: Look,
    /// The home directory, shown as `~`.
    pub home: Option<PathBuf>,
    /// The directory offered for a first scan.
    pub directory: PathBuf,
    /// Whether any directory is watched already.
    pub has_roots: bool,
    /// The user's editor with its arguments.
    pub editor: Option<String>,
    /// The time now, in microseconds since 1970 UTC.
    pub clock: Box<dyn Fn() -> i64>,
    /// How to scan; absent when the ledger may only be read.
    pub scan: Option<ScanWith>,
    /// What was remembered when the interface was left last.
    pub saved: Value,
    /// Remembers where the interface was left.
    pub save: Box<dyn FnOnce(Value)>,
    /// Opens a connection that only reads; the error is a sentence.
    pub open: Box<dyn FnOnce() -> Result<ReadOnly, String>>,
    /// Looks whether the database is still the file, and the origin, that was opened.
    pub look_there: LookThere,
}

/// Says when the file is another one by now, or another origin's, as a connection to it sees.
pub type LookThere = Box<dyn Fn(&Connection) -> Result<(), StoreError> + Send>;

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("db", &self.db).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Why the interface could not run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is nothing to draw on.
    #[error("the terminal interface cannot run here: {why}; `cim-nix --help` shows the commands that can")]
    NoTerminal {
        /// What is missing.
        why: &'static str,
    },
    /// The ledger could not be opened for reading.
    #[error("cannot read {}: {why}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The terminal does not do what it is told.
    #[error("the terminal failed")]
    Terminal(#[from] std::io::Error),
    /// The database is another file by now, or another origin's, or gone.
    #[error("{0}")]
    Replaced(#[from] StoreError),
    /// A part of the interface has panicked; the terminal was given back before.
    #[error("the terminal interface has failed, and the ledger is not harmed")]
    Panicked,
}

/// Runs the interface until the user leaves it, or a signal ends it. The terminal is given back in any case.
pub fn run(options: Options) -> Result<(), TuiError> {
    runtime::run(options)
}

/// Whether this process has a terminal that the interface can run on.
pub fn can_run() -> bool {
    terminal::refusal().is_none()
}

/// What the terminal can show, as the environment tells: `NO_COLOR`, and the character set of the locale.
pub fn look(variable: impl Fn(&str) -> Option<String>) -> Look {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
    Look { colors: set("NO_COLOR").is_none(), unicode: locale.contains("utf-8") || locale.contains("utf8") }
}

/// The editor that the environment names: `VISUAL`, else `EDITOR`, else `vi` where it is.
pub fn editor(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let found = || {
        let path = variable("PATH").unwrap_or_default();
        path.split(':').any(|folder| Path::new(folder).join("vi").is_file()).then(|| "vi".to_owned())
    };
    set("VISUAL").or_else(|| set("EDITOR")).or_else(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_the_terminal_can_show() {
        let of = |pairs: &'static [(&str, &str)]| {
            look(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Look { colors: true, unicode: true });
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Look { colors: true, unicode: false });
        assert_eq!(of(&[("NO_COLOR", "1"), ("LC_CTYPE", "C.utf8")]), Look { colors: false, unicode: true });
        assert_eq!(of(&[("NO_COLOR", "")]), Look { colors: true, unicode: false });
    }

    #[test]
    fn the_first_editor_that_is_named_is_taken() {
        let of = |pairs: &'static [(&str, &str)]| {
            editor(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("EDITOR", "nano"), ("VISUAL", "hx")]).as_deref(), Some("hx"));
        assert_eq!(of(&[("EDITOR", "nano"), ("VISUAL", " ")]).as_deref(), Some("nano"));
        assert_eq!(of(&[]), None);
    }
}

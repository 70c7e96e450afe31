//! What all screens share: the look, the moment that is looked at, the present, and the tickets of open questions.

use std::path::PathBuf;

use ratatui::layout::Size;

use super::message::{Effect, Query};
use super::model::{At, Summary};
use super::theme::Theme;

/// A line said once at the bottom, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// State that belongs to no single screen.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) theme: Theme,
    pub(crate) size: Size,
    pub(crate) at: At,
    pub(crate) mark: Option<At>,
    /// The time now, as the last batch of messages told it.
    pub(crate) now: i64,
    pub(crate) summary: Option<Summary>,
    /// What the running scan does.
    pub(crate) scan: Option<String>,
    /// Whether it was told to stop.
    pub(crate) stopping: bool,
    pub(crate) notice: Option<Notice>,
    /// The database, for the status line.
    pub(crate) db: String,
    /// The database as the command line named it, if it did.
    pub(crate) named: Option<String>,
    pub(crate) home: Option<String>,
    /// The directory offered for a first scan.
    pub(crate) directory: PathBuf,
    /// Whether any directory is watched, as far as is known.
    pub(crate) has_roots: bool,
    tickets: [u64; Query::SLOTS],
    issued: u64,
}

impl Shared {
    /// The state at the start.
    pub(crate) fn new(theme: Theme, at: At, now: i64, db: String, home: Option<String>, directory: PathBuf) -> Self {
        Self {
            theme,
            size: Size::default(),
            at,
            mark: None,
            now,
            summary: None,
            scan: None,
            stopping: false,
            notice: None,
            db,
            named: None,
            home,
            directory,
            has_roots: false,
            tickets: [0; Query::SLOTS],
            issued: 0,
        }
    }

    /// Asks the ledger; an older question of the same slot is void from now on.
    pub(crate) fn ask(&mut self, query: Query) -> Effect {
        self.issued += 1;
        if let Some(ticket) = self.tickets.get_mut(query.slot()) {
            *ticket = self.issued;
        }
        Effect::Ask(self.issued, query)
    }

    /// Whether an answer with this ticket is still waited for.
    pub(crate) fn awaits(&self, ticket: u64) -> bool {
        self.tickets.contains(&ticket)
    }

    /// Says something at the bottom.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false });
    }

    /// Says what went wrong.
    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }

    /// The time that ages are counted to: the moment that is looked at, when that is a time.
    pub(crate) fn time(&self) -> i64 {
        match self.at {
            At::Occurred(time) | At::Seen(time) => time,
            At::Now | At::Position(_) => self.now,
        }
    }

    /// The directory that the interface was started in, as people write it.
    pub(crate) fn here(&self) -> String {
        self.path(&self.directory.display().to_string())
    }

    /// A path as people write it: the home directory as `~`.
    pub(crate) fn path(&self, path: &str) -> String {
        let below = self.home.as_deref().and_then(|home| path.strip_prefix(home));
        match below {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            _ => path.to_owned(),
        }
    }
}

//! Everything that can reach the interface, and everything it can ask of the world. Both are closed: a new way in or
//! out is a variant here.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use super::model::{Anatomy, At, Difference, EventDetail, EventFilter, EventRow, FlakeRow, Fleet, Page, Summary};
use super::spot::Spot;
use crate::store::StoreError;

/// What reaches `App::update`.
#[derive(Debug)]
pub(crate) enum Message {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    /// The time now; comes with every batch of messages.
    Clock(i64),
    /// An answer to the query with this ticket.
    Answer(u64, Answer),
    /// The query with this ticket could not be answered.
    Refused(u64, String),
    /// Another connection wrote to the ledger.
    Changed,
    /// The ledger is another file by now, or another origin's, or gone.
    Replaced(StoreError),
    Scan(ScanNews),
    /// The editor has ended.
    Edited(Result<(), String>),
    /// The way that a copied text went.
    Copied(String),
    /// A signal, or a lost terminal, says that it is time to go.
    Terminate,
    /// Stop as the shell asks.
    Suspend,
    /// There is no shell that could let a stopped interface go on.
    NoShell,
    /// The screen is no longer what it was: draw all of it.
    Resumed,
    /// A thread has panicked; the terminal is restored already.
    Panicked,
}

/// What a running scan tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScanNews {
    /// What it is doing.
    Progress(String),
    /// It has ended, with its result in a sentence.
    Done(Result<String, String>),
}

/// What the runtime does for the interface.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Ask the ledger. A newer query of the same slot takes the place of an older one.
    Ask(u64, Query),
    /// Open a file in the editor, the interface suspended.
    Edit(PathBuf, Spot),
    Copy(String),
    Scan(Vec<PathBuf>),
    StopScan,
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Set the terminal up again: somebody else has had it.
    Retake,
    Quit,
    /// A panic on purpose, to prove that the terminal comes back.
    #[cfg(debug_assertions)]
    Panic,
}

/// What the ledger is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Query {
    Summary(At),
    Flakes(At),
    Fleet,
    Anatomy {
        flake: String,
        at: At,
    },
    Events {
        filter: EventFilter,
        at: At,
        page: Page,
    },
    Event(i64),
    Difference(At, At),
    /// The moment so many microseconds before or after an event was recorded.
    Day {
        from: i64,
        by: i64,
    },
    /// The position of the event before or after a moment.
    Step {
        from: At,
        forward: bool,
    },
}

impl Query {
    /// How many slots there are.
    pub(crate) const SLOTS: usize = 8;

    /// Queries of one slot answer the same question; only the newest is of interest.
    pub(crate) const fn slot(&self) -> usize {
        match self {
            Self::Events { .. } => 0,
            Self::Flakes(_) => 1,
            Self::Anatomy { .. } => 2,
            Self::Event(_) => 3,
            Self::Step { .. } | Self::Day { .. } => 4,
            Self::Difference(..) => 5,
            Self::Summary(_) => 6,
            Self::Fleet => 7,
        }
    }
}

/// What the ledger answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Summary(Summary),
    Flakes(Vec<FlakeRow>),
    Fleet(Box<Fleet>),
    Anatomy(Box<Anatomy>),
    /// Newest first; the flag says that there are no more in the direction of the page.
    Events {
        page: Page,
        rows: Vec<EventRow>,
        end: bool,
    },
    Event(Option<Box<EventDetail>>),
    Difference(Vec<Difference>),
    /// The moment stepped to.
    Step(At),
}

//! Where the files of edits lie by now: an edit is noted by the path that its file had, and flakes move.

use std::path::PathBuf;

use super::EditFailure;
use crate::domain::catalogue::Event;
use crate::domain::flake::event::FlakeEvent;
use crate::store::view::{self, At, EventFilter, Page};
use crate::store::{EditRow, Reader};

/// How many events are read at once.
const PAGE: usize = 500;

/// Where the flakes of this machine moved, in the order in which that was recorded.
#[derive(Debug, Default)]
pub(super) struct Moves(Vec<Move>);

#[derive(Debug)]
struct Move {
    at: i64,
    from: PathBuf,
    to: PathBuf,
}

impl Moves {
    pub(super) fn read(reader: &Reader) -> Result<Self, EditFailure> {
        // What was edited before a fork, moved as the origin that the ledger was then has recorded.
        let mut moves = Self::default();
        for origin in reader.identities()? {
            moves.read_of(reader, origin)?;
        }
        Ok(moves)
    }

    fn read_of(&mut self, reader: &Reader, origin: String) -> Result<(), EditFailure> {
        let filter =
            EventFilter { kind: Some("flake.moved".to_owned()), origin: Some(origin), ..EventFilter::default() };
        let mut after = 0;
        loop {
            let page = view::events(reader, &filter, Page::After(after), PAGE, At::Now)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for row in &page {
                let Some(event) = reader.event_at(row.position)? else { continue };
                // An erased one says no more where to.
                if let Ok(Event::Flake(FlakeEvent::Moved { from, to })) = event.event() {
                    self.0.push(Move { at: event.occurred_at, from: from.to_path(), to: to.to_path() });
                }
            }
        }
    }

    /// The edit, with the path of its file by now.
    pub(super) fn follow(&self, edit: EditRow) -> EditRow {
        let later = self.0.iter().filter(|flake| flake.at >= edit.at);
        let path = later.fold(edit.path.clone(), |path, flake| flake.take_along(path));
        // A flake inside one that moved may have stayed.
        if edit.path.exists() && !path.exists() { edit } else { EditRow { path, ..edit } }
    }
}

impl Move {
    fn take_along(&self, path: PathBuf) -> PathBuf {
        path.strip_prefix(&self.from).map(|below| self.to.join(below)).unwrap_or(path)
    }
}

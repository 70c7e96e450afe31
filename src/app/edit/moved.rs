//! Where the files of edits lie by now: an edit is noted by the path that its file had, and flakes move.

use std::path::PathBuf;

use super::EditFailure;
use crate::app::Session;
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
    pub(super) fn read(session: &Session, reader: &Reader) -> Result<Self, EditFailure> {
        let own = session.store.origin().public_key.clone();
        let filter = EventFilter { kind: Some("flake.moved".to_owned()), origin: Some(own), ..EventFilter::default() };
        let (mut moves, mut after) = (Vec::new(), 0);
        loop {
            let page = view::events(reader, &filter, Page::After(after), PAGE, At::Now)?;
            let Some(last) = page.last() else { return Ok(Self(moves)) };
            after = last.position;
            for row in &page {
                let Some(event) = reader.event_at(row.position)? else { continue };
                // An erased one says no more where to.
                if let Ok(Event::Flake(FlakeEvent::Moved { from, to })) = event.event() {
                    moves.push(Move { at: event.occurred_at, from: from.to_path(), to: to.to_path() });
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

//! Forgetting a flake: it leaves the read model and scans pass it over, until it is scanned by name again. Its events
//! stay; `store erase` blanks what must not.

use crate::domain::catalogue::Event;
use crate::domain::flake::decide;
use crate::domain::id::{EventId, FlakeId};
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::store::{Append, Command, Expected, LocalNote, NewEvent, StreamWrite};

use super::{AppError, Session, known};

/// Forgets a flake; returns where it is, or nothing when there was none to forget.
pub fn forget(session: &Session, id: FlakeId) -> Result<Option<RecordedPath>, AppError> {
    forget_as(session, id, session.command("forget_flake"))
}

/// Forgets a flake, as the command of somebody: its event belongs to that conversation.
pub fn forget_as(session: &Session, id: FlakeId, command: Command) -> Result<Option<RecordedPath>, AppError> {
    let (state, version) = known::flake(&session.store.reader()?, id)?;
    let Some(flake) = state.filter(|flake| !flake.removed) else { return Ok(None) };
    let at = session.clock.now();
    let event = |event| NewEvent {
        id: EventId::new(session.clock.new_id()),
        occurred_at: at,
        event: Event::Flake(event),
        undoes: None,
    };
    let events = decide::forget(&flake).into_iter().map(event).collect();
    let path = flake.directory.to_path();
    session.store.append(Append {
        command,
        received_at: at,
        writes: vec![StreamWrite { stream: StreamId::flake(id), expected: Expected::Version(version), events }],
        notes: vec![LocalNote::FileGone { path: path.clone() }, LocalNote::Forget { path, at }],
    })?;
    Ok(Some(flake.directory))
}

//! Taking an edit back: the text that was there before is written again, if nothing happened to the file since.

use uuid::Uuid;

use super::{Draft, EditFailure, between, text_of};
use crate::app::Session;

/// Plans to take back the last edit, or that of a command.
pub fn undo(session: &Session, command: Option<Uuid>) -> Result<Draft, EditFailure> {
    let reader = session.store.reader()?;
    let edit = match command {
        Some(command) => reader.edit(command)?.ok_or(EditFailure::NoSuchEdit { command })?,
        None => reader.last_edit()?.ok_or(EditFailure::NothingToUndo)?,
    };
    let old = text_of(&edit.path)?;
    if blake3::hash(old.as_bytes()).as_bytes() != &edit.after {
        return Err(EditFailure::ChangedSince { path: edit.path, command: edit.command });
    }
    Ok(Draft {
        edits: between(&old, &edit.undo),
        path: edit.path,
        name: "undo",
        old,
        new: edit.undo,
        notes: Vec::new(),
        undoes: Some(edit.command),
    })
}

//! Taking an edit back: the text that was there before is written again, if nothing happened to the file since.

use uuid::Uuid;

use super::{Draft, EditFailure, between, text_of};
use crate::app::Session;
use crate::store::EditRow;

/// Plans to take back the last edit, or that of a command.
pub fn undo(session: &Session, command: Option<Uuid>) -> Result<Draft, EditFailure> {
    let reader = session.store.reader()?;
    let mut edit = match command {
        Some(command) => reader.edit(command)?.ok_or(EditFailure::NoSuchEdit { command })?,
        None => reader.last_edit(None)?.ok_or(EditFailure::NothingToUndo)?,
    };
    let mut old = text_of(&edit.path)?;
    // A process that was killed has noted what it never wrote.
    while command.is_none() && !edit.seen && hash(&old) == edit.before {
        edit = reader.last_edit(Some(&edit))?.ok_or(EditFailure::NothingToUndo)?;
        old = text_of(&edit.path)?;
    }
    let EditRow { command, before, after, .. } = edit;
    match hash(&old) {
        now if now == after => {}
        now if now == before => return Err(EditFailure::AlreadyBack { path: edit.path, command }),
        _ => return Err(EditFailure::ChangedSince { path: edit.path, command }),
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

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

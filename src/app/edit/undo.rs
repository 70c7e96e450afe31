//! Taking an edit back: the text that was there before is written again, if nothing happened to the file since.

use uuid::Uuid;

use super::{Draft, EditFailure, between, text_of};
use crate::app::Session;
use crate::store::EditRow;

/// Plans to take back the last edit, or that of a command; edits that were made together are taken back together.
///
/// # Errors
/// [`EditFailure`]; nothing is planned when one of the files was changed since.
pub fn undo(session: &Session, command: Option<Uuid>) -> Result<Vec<Draft>, EditFailure> {
    let reader = session.store.reader()?;
    let edits = match command {
        None => {
            let last = reader.last_edit()?.ok_or(EditFailure::NothingToUndo)?;
            reader.edits_of(last.correlation)?
        }
        Some(command) => match reader.edit(command)? {
            Some(edit) => vec![edit],
            // The command that made several edits is named like their conversation.
            None => reader.edits_of(command)?,
        },
    };
    match command {
        Some(command) if edits.is_empty() => Err(EditFailure::NoSuchEdit { command }),
        _ => edits.into_iter().map(draft).collect(),
    }
}

fn draft(edit: EditRow) -> Result<Draft, EditFailure> {
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

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
            let mut last = reader.last_edit(None)?.ok_or(EditFailure::NothingToUndo)?;
            // A process that was killed has noted what it never wrote.
            while was_never_written(&last)? {
                last = reader.last_edit(Some(&last))?.ok_or(EditFailure::NothingToUndo)?;
            }
            let mut together = Vec::new();
            for edit in reader.edits_of(last.correlation)? {
                if !was_never_written(&edit)? {
                    together.push(edit);
                }
            }
            together
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

fn was_never_written(edit: &EditRow) -> Result<bool, EditFailure> {
    Ok(!edit.seen && hash(&text_of(&edit.path)?) == edit.before)
}

fn draft(edit: EditRow) -> Result<Draft, EditFailure> {
    let old = text_of(&edit.path)?;
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

//! Taking an edit back: what it replaced is put in its place again, if nothing happened to the file since and the text that
//! comes out is the one that was there before.

use uuid::Uuid;

use super::{Draft, EditFailure, between, text_of};
use crate::app::Session;
use crate::store::{EditRow, Undo};

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
            Some(edit) => vec![reader.standing(edit)?],
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
    let EditRow { command, before, after, path, undo, .. } = edit;
    match hash(&old) {
        now if now == after => {}
        now if now == before => return Err(EditFailure::AlreadyBack { path, command }),
        _ => return Err(EditFailure::ChangedSince { path, command }),
    }
    let new = match undo.back(&old) {
        Ok(Some(text)) if hash(&text) == before => text,
        kept => return Err(EditFailure::NotKept { path, command, why: why_not(&undo, kept.is_ok()) }),
    };
    Ok(Draft { edits: between(&old, &new), path, name: "undo", old, new, notes: Vec::new(), undoes: Some(command) })
}

const fn why_not(undo: &Undo, fits: bool) -> &'static str {
    match undo {
        Undo::Secret => "what it replaced holds a secret, which is not kept",
        Undo::Erased => "what it replaced was erased with an event of the flake",
        Undo::Edits(_) | Undo::Text(_) if fits => "what is kept of it does not give the text before",
        Undo::Edits(_) | Undo::Text(_) => "what is kept of it does not fit the file",
    }
}

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

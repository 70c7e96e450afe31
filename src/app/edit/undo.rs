//! Taking an edit back: what it replaced is put in its place again, if nothing happened to the file since and the text that
//! comes out is the one that was there before.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::moved::Moves;
use super::{Draft, EditFailure, between, text_of};
use crate::app::Session;
use crate::store::{EditRow, Reader, Undo};

/// Which edit is to be taken back.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// That of a command.
    Command(Uuid),
    /// The last one in the flake that a directory belongs to; outside of any flake, the last one.
    Last(&'a Path),
}

/// What is to be written to take edits back.
#[derive(Debug, Default)]
pub struct Taking {
    /// One draft a file.
    pub drafts: Vec<Draft>,
    /// Why others that were made together with them stay as they are.
    pub left: Vec<EditFailure>,
}

/// Plans to take back an edit; edits that were made together are taken back together.
///
/// # Errors
/// [`EditFailure`]; nothing is planned when one of the files was changed since.
pub fn undo(session: &Session, wanted: Wanted<'_>) -> Result<Taking, EditFailure> {
    let reader = session.store.reader()?;
    let moves = Moves::read(&reader)?;
    match wanted {
        Wanted::Last(directory) => {
            let within = flake_around(directory);
            let edits = last(&reader, &moves, within.as_deref(), None)?;
            let last_of_them = edits.last().cloned();
            plan(edits).map_err(|failure| {
                let before = last(&reader, &moves, within.as_deref(), last_of_them).unwrap_or_default();
                failure.with_before(before.first().map(|edit| edit.command))
            })
        }
        Wanted::Command(command) => {
            let edits = match reader.edit(command)? {
                Some(edit) => vec![reader.standing(edit)?],
                // The command that made several edits is named like their conversation.
                None => reader.edits_of(command)?,
            };
            if edits.is_empty() {
                return Err(EditFailure::NoSuchEdit { command });
            }
            plan(edits.into_iter().map(|edit| moves.follow(edit)).collect())
        }
    }
}

fn plan(edits: Vec<EditRow>) -> Result<Taking, EditFailure> {
    let mut taking = Taking::default();
    for edit in edits {
        match draft(edit) {
            Ok(draft) => taking.drafts.push(draft),
            Err(failure @ (EditFailure::NotKept { .. } | EditFailure::Gone { .. })) => taking.left.push(failure),
            Err(failure) => return Err(failure),
        }
    }
    match taking.left.pop() {
        Some(failure) if taking.drafts.is_empty() => Err(failure),
        failure => {
            taking.left.extend(failure);
            Ok(taking)
        }
    }
}

/// The last edit of a flake, before another, that has anything to take back; with those that were made together with it. A
/// file belongs to the innermost flake around it.
fn last(
    reader: &Reader,
    moves: &Moves,
    within: Option<&Path>,
    mut before: Option<EditRow>,
) -> Result<Vec<EditRow>, EditFailure> {
    let (mut elsewhere, mut gone) = (None, None);
    loop {
        let Some(edit) = reader.last_edit(before.as_ref())?.map(|edit| moves.follow(edit)) else {
            return Err(elsewhere.or(gone).unwrap_or(EditFailure::NothingToUndo));
        };
        if is_gone(&edit) {
            // What nobody saw may never have been written.
            if edit.seen {
                gone.get_or_insert_with(|| EditFailure::Gone { path: edit.path.clone(), command: edit.command });
            }
        } else if !is_idle(&edit) {
            if within.is_none_or(|flake| edit.path.parent().and_then(flake_around).as_deref() == Some(flake)) {
                let together = reader.edits_of(edit.correlation)?;
                let mut together: Vec<_> = together.into_iter().map(|edit| moves.follow(edit)).collect();
                // A conversation from elsewhere may hold several of one file: the last of them comes first.
                let mut files = HashSet::new();
                together.retain(|edit| !is_gone(edit) && !is_idle(edit) && files.insert(edit.path.clone()));
                return Ok(together);
            }
            let nothing = || EditFailure::NothingHere { path: edit.path.clone(), command: edit.command };
            elsewhere.get_or_insert_with(nothing);
        }
        before = Some(edit);
    }
}

/// Whether there is nothing to take back: the file is what it was before. A process that was killed has noted what it never
/// wrote, and git may have taken an edit back.
fn is_idle(edit: &EditRow) -> bool {
    text_of(&edit.path).is_ok_and(|text| hash(&text) == edit.before)
}

/// Whether there is no file any more; one that cannot be looked at may be there.
fn is_gone(edit: &EditRow) -> bool {
    edit.path.try_exists().is_ok_and(|there| !there)
}

/// The directory of the flake that a directory belongs to, canonical as in the notes of edits.
fn flake_around(directory: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    directory.ancestors().find(|above| above.join("flake.nix").is_file()).map(Path::to_owned)
}

fn draft(edit: EditRow) -> Result<Draft, EditFailure> {
    if is_gone(&edit) {
        return Err(EditFailure::Gone { path: edit.path, command: edit.command });
    }
    let old = text_of(&edit.path)?;
    let EditRow { command, before, after, path, undo, .. } = edit;
    match hash(&old) {
        now if now == after => {}
        now if now == before => return Err(EditFailure::AlreadyBack { path, command }),
        _ => return Err(EditFailure::ChangedSince { path, command, before: None }),
    }
    let new = match undo.back(&old) {
        Ok(Some(text)) if hash(&text) == before => text,
        kept => {
            let why = why_not(&undo, kept.is_ok());
            return Err(EditFailure::NotKept { path, command, why, before: None });
        }
    };
    Ok(Draft { edits: between(&old, &new), path, name: "undo", old, new, notes: Vec::new(), undoes: Some(command) })
}

const fn why_not(undo: &Undo, fits: bool) -> &'static str {
    match undo {
        Undo::Secret => "what it replaced holds a secret, or what may be one by its name, and is not kept",
        Undo::Erased => "what it replaced was erased with an event of the flake",
        Undo::AllErased => {
            "what every edit replaced was erased with an event of a flake whose place is not known any more"
        }
        Undo::Edits(_) | Undo::Text(_) if fits => "what is kept of it does not give the text before",
        Undo::Edits(_) | Undo::Text(_) => "what is kept of it does not fit the file",
    }
}

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

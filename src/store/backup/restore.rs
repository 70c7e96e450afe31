//! Putting a backup in the place of a ledger, while nobody else has that open.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::agreed::{self, Agreed};
use super::alone;
use super::draft::Draft;
use crate::store::check::{Check, CheckState};
use crate::store::connect;
use crate::store::error::{Named, StoreError};
use crate::store::file;
use crate::store::origin;
use crate::store::projection;
use crate::store::remote;
use crate::store::verify::verify;

/// What putting a backup back came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The position of the newest event of the ledger that is there now.
    pub head: i64,
    /// Where the ledger that was there before lies now.
    pub kept: Option<PathBuf>,
    /// Whether the key of the restored ledger is beside it.
    pub key: bool,
    /// What its user agreed to, and is in force.
    pub agreed: Agreed,
    /// What its user had agreed to when the backup was taken, and not in the ledger that was there, and so does not now; nothing
    /// when no ledger was there that told.
    pub withdrawn: Option<Agreed>,
}

/// What the name of a ledger that was set aside ends with, before the time.
const SET_ASIDE: &str = ".before-restore-";

/// Puts a backup in the place of a ledger, and brings it to this release. The backup is verified first; a ledger that is
/// there is kept under another name, with `now` (microseconds since 1970 UTC) in it. Nobody else may have it open, and
/// whoever opens it meanwhile waits for the restored one.
///
/// # Errors
/// [`StoreError::Unsound`] names the first check that failed; [`StoreError::Exists`] without `force`;
/// [`StoreError::InUse`] when others have the ledger open. Nothing is changed then.
pub fn restore(backup: &Path, ledger: &Path, force: bool, now: i64) -> Result<Restored, StoreError> {
    refuse_unsound(backup, &verify(backup))?;
    super::refuse_itself(ledger, backup)?;
    let there = ledger.exists();
    if there && !force {
        return Err(StoreError::Exists { path: ledger.to_owned() });
    }
    file::make_parent(ledger)?;
    // A link stays, and so does the disk that it leads to: SQLite, too, has its files beside that.
    let place = &file::resolved(ledger);
    // Until the end: what others recorded meanwhile would be in a file that is set aside.
    let alone = if there { alone::take(place)? } else { None };
    let source = connect::to_look_at(backup)?.connection;
    let mut draft = Draft::begin(place)?;
    let head = super::copy(&source, backup, &mut draft, &mut |_, _| {})?;
    let there_now = alone.as_ref().map(|alone| &alone.connection);
    let (agreed, withdrawn) = follow_consent(&draft, there_now)?;
    if !has_never_delivered(&draft.database, there_now) {
        remote::set_restored(&draft.database).named(&draft.path)?;
    }
    // Who opens it then needs no other journal: that has its name of the path, and somebody who still waits for the file that
    // was there would take it for its own.
    connect::use_write_ahead_log(&draft.database, &draft.path)?;
    let kept = file::beside(place, &format!("{SET_ASIDE}{now}"));
    if there {
        fs::hard_link(place, &kept).map_err(|error| StoreError::file("keep", place, error))?;
        set_log_aside(place, &kept)?;
        draft.replace(place)?;
    } else {
        if place.exists() {
            // Its log is its own.
            return Err(StoreError::Exists { path: ledger.to_owned() });
        }
        // The log of a ledger that is gone is never beside this one, whenever the power goes.
        set_log_aside(place, &kept)?;
        draft.take_place(place)?;
    }
    drop(alone);
    let key = restore_key(backup, ledger, &source, &kept)?;
    if let Err(error) = bring_up_to_date(ledger) {
        tracing::warn!(%error, "whoever opens the restored ledger next brings it up to date");
    }
    Ok(Restored { head, kept: there.then_some(kept), key, agreed, withdrawn })
}

fn refuse_unsound(path: &Path, checks: &[Check]) -> Result<(), StoreError> {
    // A backup need not have its key, nor a read model of this release: both can be had again.
    let wrong = checks.iter().find(|check| {
        check.state == CheckState::Failed || (check.state == CheckState::Unknown && check.name != "read model")
    });
    match wrong.filter(|check| check.name != "read model") {
        None => Ok(()),
        Some(check) => {
            // What the check says to do next is about a ledger, not about a copy of one.
            let detail = check.detail.split_once("; ").map_or(check.detail.as_str(), |(what, _)| what);
            Err(StoreError::Unsound { path: path.to_owned(), why: format!("{}: {detail}", check.name) })
        }
    }
}

/// What the copy agrees to, without what was taken back since, and what that was.
fn follow_consent(draft: &Draft, there: Option<&Connection>) -> Result<(Agreed, Option<Agreed>), StoreError> {
    let withdrawn = there.map(|there| agreed::narrow(&draft.database, there)).transpose();
    let withdrawn = withdrawn.named(&draft.path)?.flatten();
    Ok((agreed::read(&draft.database).named(&draft.path)?, withdrawn))
}

/// Whether nothing of this origin can be on a remote: the ledger that was there tells, when it is of the same origin.
fn has_never_delivered(copy: &Connection, there: Option<&Connection>) -> bool {
    let key = |ledger| origin::load(ledger).ok().flatten().map(|origin| origin.public_key);
    let is_new = |ledger| matches!(remote::has_delivered(ledger), Ok(false));
    there.is_some_and(|there| key(there).is_some() && key(there) == key(copy) && is_new(there) && is_new(copy))
}

/// Takes the log of a ledger away under the name that the ledger has now, for good, so that it is never read into another file.
fn set_log_aside(ledger: &Path, kept: &Path) -> Result<(), StoreError> {
    let log = file::beside(ledger, "-wal");
    let there = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    there(fs::rename(&log, file::beside(kept, "-wal")))
        .and_then(|()| there(fs::remove_file(file::beside(ledger, "-shm"))))
        .and_then(|()| file::sync_parent(ledger))
        .map_err(|error| StoreError::file("move", &log, error))
}

/// Puts the right key beside a restored ledger; true when it is there. Another one that was there goes with its ledger.
fn restore_key(backup: &Path, ledger: &Path, source: &Connection, kept: &Path) -> Result<bool, StoreError> {
    let Some(owner) = origin::load(source).named(backup)? else { return Ok(false) };
    if origin::signer(ledger, &owner).is_ok() {
        return Ok(true);
    }
    // It is looked for beside the name of the ledger, wherever a link of that name leads.
    let key = file::resolved(&origin::key_path(ledger));
    if key.exists() && fs::rename(&key, origin::key_path(kept)).is_err() {
        // What is kept may lie on another disk.
        super::copy_key(&key, &origin::key_path(kept))?;
        fs::remove_file(&key).map_err(|error| StoreError::file("keep", &key, error))?;
    }
    let named = [Some(origin::key_path(backup)), earlier_key_path(backup)];
    let fits = |path: &PathBuf| origin::signer_at(path, &owner).is_ok();
    let Some(found) = named.into_iter().flatten().find(fits) else { return Ok(false) };
    super::copy_key(&found, &key)?;
    Ok(true)
}

/// Where earlier releases put the key of a ledger that was set aside.
fn earlier_key_path(backup: &Path) -> Option<PathBuf> {
    let name = backup.file_name()?.to_str()?;
    let (ledger, when) = name.rsplit_once(SET_ASIDE)?;
    Some(backup.with_file_name(OsString::from(format!("{ledger}.key{SET_ASIDE}{when}"))))
}

/// A backup may be of an earlier release.
fn bring_up_to_date(ledger: &Path) -> Result<(), StoreError> {
    let (connection, _) = connect::prepared_to_write(ledger)?;
    projection::ensure(&connection)
}

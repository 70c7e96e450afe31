//! Copies of a ledger: taken while others write, and put back only when they are sound.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::check::{Check, CheckState};
use super::connect;
use super::error::{Named, StoreError};
use super::file;
use super::open::Store;
use super::origin;
use super::verify::verify;

/// How a backup is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// Also copy the key file. Whoever has it can sign in this ledger's name, so it is not copied unasked.
    pub with_key: bool,
    /// Replace a file that is there.
    pub force: bool,
}

/// What a backup came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// The copy.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The position of its newest event.
    pub head: i64,
    /// The copy of the key, when one was asked for.
    pub key: Option<PathBuf>,
}

/// What putting a backup back came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The position of the newest event of the ledger that is there now.
    pub head: i64,
    /// Where the ledger that was there before lies now.
    pub kept: Option<PathBuf>,
    /// Whether the key of the restored ledger is beside it.
    pub key: bool,
}

/// How many pages are copied between two calls of `progress`.
const PAGES: i32 = 1024;

impl Store {
    /// Copies the ledger as it is at this moment to a new file, for the owner alone; writers go on meanwhile. The copy is
    /// whole or not there. `progress` gets the pages done and the pages in all.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a file is in the way; [`StoreError::Full`] leaves nothing behind.
    pub fn backup(
        &self,
        to: &Path,
        options: BackupOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackedUp, StoreError> {
        refuse_itself(self.path(), to)?;
        let key = options.with_key.then(|| origin::key_path(to));
        for path in std::iter::once(to).chain(key.as_deref()) {
            if !options.force && path.exists() {
                return Err(StoreError::Exists { path: path.to_owned() });
            }
        }
        let reader = self.reader()?;
        let head = copy(&reader, self.path(), to, progress)?;
        if let Some(key) = &key {
            copy_key(self.path(), key)?;
        }
        let bytes = fs::metadata(to).map_err(|source| StoreError::file("read", to, source))?.len();
        Ok(BackedUp { path: to.to_owned(), bytes, head, key })
    }
}

/// Puts a backup in the place of a ledger. The backup is verified first; a ledger that is there is kept under another
/// name, with `now` (microseconds since 1970 UTC) in it. Nobody else may have it open.
///
/// # Errors
/// [`StoreError::Unsound`] names the first check that failed; [`StoreError::Exists`] without `force`;
/// [`StoreError::Locked`] when the ledger is in use. Nothing is changed then.
pub fn restore(backup: &Path, ledger: &Path, force: bool, now: i64) -> Result<Restored, StoreError> {
    refuse_unsound(backup, &verify(backup))?;
    refuse_itself(ledger, backup)?;
    let there = ledger.exists();
    if there && !force {
        return Err(StoreError::Exists { path: ledger.to_owned() });
    }
    file::make_parent(ledger)?;
    if there {
        fold_log(ledger)?;
    }
    let source = connect::to_look_at(backup)?.connection;
    let draft = file::beside(ledger, ".restored");
    let head = copy(&source, backup, &draft, &mut |_, _| {})?;
    let kept = if there { Some(keep(ledger, now)?) } else { None };
    fs::rename(&draft, ledger)
        .and_then(|()| file::sync_parent(ledger))
        .map_err(|error| StoreError::file("write", ledger, error))?;
    let key = restore_key(backup, ledger, &source, now)?;
    Ok(Restored { head, kept, key })
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

fn refuse_itself(ledger: &Path, other: &Path) -> Result<(), StoreError> {
    let same = |suffix| match (fs::canonicalize(file::beside(ledger, suffix)), fs::canonicalize(other)) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        _ => false,
    };
    if ["", "-wal", "-shm", ".key"].into_iter().any(same) {
        return Err(StoreError::Exists { path: other.to_owned() });
    }
    Ok(())
}

/// Copies one moment of a database into a new file that stands alone, checks it, and only then gives it its name.
fn copy(source: &Connection, from: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<i64, StoreError> {
    let draft = file::beside(to, &format!(".{}.new", std::process::id()));
    let copied = copy_into(source, from, &draft, progress).and_then(|head| {
        fs::File::open(&draft)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&draft, to))
            .and_then(|()| file::sync_parent(to))
            .map_err(|error| StoreError::file("write", to, error))?;
        Ok(head)
    });
    if copied.is_err() {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            fs::remove_file(file::beside(&draft, suffix)).unwrap_or_default();
        }
    }
    copied
}

fn copy_into(
    source: &Connection,
    from: &Path,
    draft: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<i64, StoreError> {
    remove_if_there(draft).and_then(|()| file::make_private(draft)).map_err(|e| StoreError::file("make", draft, e))?;
    // A transaction that reads holds the moment: writers go on, and the copy need not begin again for them.
    let moment = source.unchecked_transaction().named(from)?;
    let head = moment.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0)).named(from)?;
    let mut target = connect::connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    copy_pages(&moment, &mut target, progress).named(draft)?;
    drop(moment);
    // A single file, which can be read from a medium that cannot be written; opening it as a ledger makes it one again.
    target.pragma_update(None, "journal_mode", "delete").named(draft)?;
    let sound: String = target.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).named(draft)?;
    if sound != "ok" {
        return Err(StoreError::Unsound { path: from.to_owned(), why: sound });
    }
    target.close().map_err(|(_, error)| StoreError::sqlite(draft, error))?;
    Ok(head)
}

fn copy_pages(
    source: &Connection,
    target: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    let backup = Backup::new(source, target)?;
    loop {
        let step = backup.step(PAGES)?;
        let state = backup.progress();
        let pages = u64::try_from(state.pagecount).unwrap_or_default();
        progress(pages - u64::try_from(state.remaining).unwrap_or_default().min(pages), pages);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Somebody holds a lock for a moment.
            _ => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

fn copy_key(ledger: &Path, to: &Path) -> Result<(), StoreError> {
    let from = origin::key_path(ledger);
    let seed = fs::read(&from).map_err(|error| StoreError::file("read", &from, error))?;
    file::write_private(to, &seed)
}

/// Moves the log of a ledger into its file, which only succeeds when nobody else has it open. A damaged one is left.
fn fold_log(ledger: &Path) -> Result<(), StoreError> {
    let folded = connect::connect(ledger, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        connection.pragma_update(None, "journal_mode", "delete").named(ledger)?;
        connection.close().map_err(|(_, error)| StoreError::sqlite(ledger, error))
    });
    match folded {
        Err(StoreError::Corrupt { .. } | StoreError::NotADatabase { .. }) => Ok(()),
        other => other,
    }
}

/// Gives a ledger a second name, and takes its log away under that name too, so that it is never read into another file.
fn keep(ledger: &Path, now: i64) -> Result<PathBuf, StoreError> {
    let kept = file::beside(ledger, &format!(".before-restore-{now}"));
    fs::hard_link(ledger, &kept).map_err(|error| StoreError::file("keep", ledger, error))?;
    let log = file::beside(ledger, "-wal");
    let moved = match fs::rename(&log, file::beside(&kept, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => remove_if_there(&file::beside(ledger, "-shm")),
    };
    moved.map_err(|error| StoreError::file("move", &log, error))?;
    Ok(kept)
}

/// Puts the right key beside a restored ledger; true when it is there. Another one that was there is kept.
fn restore_key(backup: &Path, ledger: &Path, source: &Connection, now: i64) -> Result<bool, StoreError> {
    let Some(owner) = origin::load(source).named(backup)? else { return Ok(false) };
    if origin::signer(ledger, &owner).is_ok() {
        return Ok(true);
    }
    let key = origin::key_path(ledger);
    if key.exists() {
        let kept = file::beside(&key, &format!(".before-restore-{now}"));
        fs::rename(&key, &kept).map_err(|error| StoreError::file("keep", &key, error))?;
    }
    if origin::signer(backup, &owner).is_err() {
        return Ok(false);
    }
    copy_key(backup, &key)?;
    Ok(true)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

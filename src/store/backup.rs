//! Copies of a ledger: taken while others write, and put back only when they are sound.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::{Named, StoreError};
use super::file;
use super::inode::Inode;
use super::open::Store;
use super::origin;
use draft::Draft;

mod agreed;
mod alone;
mod draft;
mod restore;

pub use agreed::Agreed;
pub(super) use draft::left_behind;
pub use restore::{Restored, restore};

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

/// How many pages are copied between two calls of `progress`.
const PAGES: i32 = 1024;

impl Store {
    /// Copies the ledger as it is at this moment to a new file, for the owner alone; writers go on meanwhile. The copy is
    /// whole or not there. `progress` gets the pages done and the pages in all. An erasure that was interrupted is finished first.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a file is in the way; [`StoreError::Full`] leaves nothing behind; [`StoreError::Erasing`] when
    /// what was erased is still there and cannot be taken out.
    pub fn backup(
        &self,
        to: &Path,
        options: BackupOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackedUp, StoreError> {
        self.refuse_itself(to)?;
        let key = options.with_key.then(|| origin::key_path(to));
        for path in std::iter::once(to).chain(key.as_deref()) {
            if !options.force && path.exists() {
                return Err(StoreError::Exists { path: path.to_owned() });
            }
        }
        self.finish_erasure_first()?;
        let reader = self.reader()?;
        // A link stays.
        let place = &file::resolved(to);
        // What was recorded last of a ledger that lies there is in its log, which would be read into the copy.
        let alone = if file::beside(place, "-wal").exists() && place.exists() { alone::take(place)? } else { None };
        let mut draft = Draft::begin(place)?;
        let head = copy(&reader, self.path(), &mut draft, progress)?;
        draft.replace(place)?;
        drop(alone);
        if let Some(key) = &key {
            copy_key(&origin::key_path(self.path()), key)?;
        }
        let bytes = fs::metadata(to).map_err(|source| StoreError::file("read", to, source))?.len();
        Ok(BackedUp { path: to.to_owned(), bytes, head, key })
    }

    /// Whether something may be written there: no file of the ledger's own, by whatever name, nor one that it will make.
    ///
    /// # Errors
    /// [`StoreError::Itself`] when it may not.
    pub fn refuse_itself(&self, other: &Path) -> Result<(), StoreError> {
        refuse_itself(self.path(), other)
    }
}

fn refuse_itself(ledger: &Path, other: &Path) -> Result<(), StoreError> {
    let (inode, place) = (Inode::at(other), file::resolved(other));
    let names = [ledger.to_owned(), file::resolved(ledger)];
    let own = |suffix: &&str| {
        let mut own = names.iter().map(|name| file::beside(name, suffix));
        own.any(|own| own == place || inode.is_some() && Inode::at(&own) == inode)
    };
    if ["", "-wal", "-shm", ".key"].iter().any(own) {
        return Err(StoreError::Itself { path: other.to_owned() });
    }
    Ok(())
}

/// Copies one moment of a database into a draft that stands alone, and checks it; the position of the newest event.
fn copy(
    source: &Connection,
    from: &Path,
    draft: &mut Draft,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<i64, StoreError> {
    let Draft { path, database } = draft;
    // A transaction that reads holds the moment: writers go on, and the copy need not begin again for them.
    let moment = source.unchecked_transaction().named(from)?;
    let head = moment.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0)).named(from)?;
    copy_pages(&moment, database, progress).named(path)?;
    drop(moment);
    // A single file, which can be read from a medium that cannot be written; opening it as a ledger makes it one again.
    database.pragma_update(None, "journal_mode", "delete").named(path)?;
    let sound: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).named(path)?;
    if sound != "ok" {
        return Err(StoreError::Unsound { path: from.to_owned(), why: sound });
    }
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

fn copy_key(from: &Path, to: &Path) -> Result<(), StoreError> {
    let seed = fs::read(from).map_err(|error| StoreError::file("read", from, error))?;
    file::write_private(&file::resolved(to), &seed)
}

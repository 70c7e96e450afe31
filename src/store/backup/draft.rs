//! A database in the making: beside the one that it will be, under a name of its own. It is locked from its first moment to
//! its last, so that what a process left that was killed can be told from what another one is at, wherever that runs.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::store::connect;
use crate::store::error::{Named, StoreError};
use crate::store::file;
use crate::store::inode::Inode;

/// So often another may take a draft away before it is locked.
const TRIES: u32 = 3;
/// What SQLite may keep beside a database.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A database in the making; dropping it removes what has no other name by then.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) path: PathBuf,
    /// The one connection to it, which nobody else can have.
    pub(super) database: Connection,
}

impl Draft {
    /// Begins a file that will be the one at `to`, and removes what was left of earlier ones.
    pub(super) fn begin(to: &Path) -> Result<Self, StoreError> {
        for left in left_behind(to) {
            remove_if_left(&left);
        }
        let path = file::beside(to, &format!(".{}.new", std::process::id()));
        for _ in 0..TRIES {
            make(&path)?;
            let inode = Inode::at(&path);
            match locked(&path) {
                Ok(database) if inode.is_some() && Inode::at(&path) == inode => return Ok(Self { path, database }),
                Err(error) if Inode::at(&path).is_some() => {
                    // This process made it, and nobody can have it without the lock: it would be left for ever on a full disk.
                    if Inode::at(&path) == inode {
                        remove(&path);
                    }
                    return Err(error);
                }
                // Another process took it for one that was left.
                Ok(_) | Err(_) => {}
            }
        }
        Err(StoreError::Replaced { path })
    }

    /// Gives it the name that it was made for, in the place of what lies there.
    pub(super) fn replace(self, to: &Path) -> Result<(), StoreError> {
        self.named(to, |from, to| fs::rename(from, to))
    }

    /// Gives it the name that it was made for.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when something lies there.
    pub(super) fn take_place(self, to: &Path) -> Result<(), StoreError> {
        self.named(to, |from, to| fs::hard_link(from, to))
    }

    /// It stays locked: whoever opens it by its new name waits.
    fn named(&self, to: &Path, name: impl FnOnce(&Path, &Path) -> io::Result<()>) -> Result<(), StoreError> {
        name(&self.path, to).and_then(|()| file::sync_parent(to)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists { path: to.to_owned() },
            _ => StoreError::file("write", to, error),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Every draft of a file that lies beside it, or beside what a link leads to, whoever made it.
pub(in crate::store) fn left_behind(to: &Path) -> Vec<PathBuf> {
    let to = &file::resolved(to);
    let Some(name) = to.file_name().map(|name| name.to_string_lossy().into_owned()) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(file::parent(to)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?.file_name();
            let draft = draft_of(entry.to_str()?, &name)?;
            Some(to.with_file_name(draft))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The draft that a file is, or belongs to.
fn draft_of<'e>(entry: &'e str, name: &str) -> Option<&'e str> {
    let draft = BESIDE.iter().find_map(|suffix| entry.strip_suffix(suffix)).unwrap_or(entry);
    let rest = draft.strip_prefix(name)?.strip_suffix(".new")?;
    // Earlier releases had a name between.
    let process = rest.strip_prefix(".restored.").or_else(|| rest.strip_prefix('.'))?;
    (!process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())).then_some(draft)
}

/// Removes a draft unless somebody is at it. A number in its name says nothing: it may be that of a process on another
/// machine, or of one that has it now.
fn remove_if_left(draft: &Path) {
    let connection = connect::bare(draft);
    let tried = connection.as_ref().map(|connection| connection.execute_batch("BEGIN EXCLUSIVE"));
    if matches!(tried, Ok(Err(error)) if connect::is_busy(&error)) {
        return;
    }
    tracing::info!(draft = %draft.display(), "removed what was left of a copy");
    remove(draft);
}

fn remove(draft: &Path) {
    fs::remove_file(draft).unwrap_or_default();
    for suffix in BESIDE {
        fs::remove_file(file::beside(draft, suffix)).unwrap_or_default();
    }
}

fn make(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(file::PRIVATE_FILE).open(path);
    made.map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            StoreError::InUse { path: path.to_owned(), holders: super::super::holder::holders(path) }
        }
        _ => StoreError::file("make", path, error),
    })
}

/// A connection that keeps everybody else out as long as it lasts.
fn locked(path: &Path) -> Result<Connection, StoreError> {
    let database = connect::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    database.pragma_update(None, "locking_mode", "exclusive").named(path)?;
    database.execute_batch("BEGIN EXCLUSIVE; COMMIT").named(path)?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_told_from_other_files_by_their_names() {
        for (entry, draft) in [
            ("l.db.17.new", Some("l.db.17.new")),
            ("l.db.17.new-journal", Some("l.db.17.new")),
            ("l.db.restored.17.new", Some("l.db.restored.17.new")),
            ("l.db.restored.17.new-wal", Some("l.db.restored.17.new")),
            ("l.db", None),
            ("l.db-wal", None),
            ("l.db.new", None),
            ("l.db..new", None),
            ("l.db.mine.new", None),
            ("l.db.17.new.1", None),
            ("other.db.17.new", None),
            ("l.db.key.17.new", None),
            ("l.db.before-restore-17", None),
        ] {
            assert_eq!(draft_of(entry, "l.db"), draft, "{entry}");
        }
    }

    #[test]
    fn what_is_left_of_others_goes_and_what_somebody_is_at_stays() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("l.db");
        let held = Draft::begin(&to).unwrap();
        held.database.execute_batch("CREATE TABLE t (x)").unwrap();
        let [dead, half] = ["l.db.1.new", "l.db.restored.2.new"].map(|name| folder.path().join(name));
        for path in [&dead, &half, &file::beside(&half, "-journal"), &folder.path().join("l.db.mine.new")] {
            fs::File::create(path).unwrap();
        }
        assert_eq!(left_behind(&to).len(), 3);
        // One of this process is held: no number tells.
        assert!(matches!(Draft::begin(&to), Err(StoreError::InUse { .. })));
        assert_eq!(left_behind(&to), std::slice::from_ref(&held.path));
        held.take_place(&to).unwrap();
        assert!(left_behind(&to).is_empty() && to.exists() && folder.path().join("l.db.mine.new").exists());
        assert!(matches!(Draft::begin(&to).unwrap().take_place(&to), Err(StoreError::Exists { .. })));
        assert!(left_behind(&to).is_empty());
    }
}

//! Writing files: those of the ledger's own, private, with names beside the database; and those of the user, when a
//! command edits one.

mod user;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;

pub use user::{WriteError, create, replace};

/// Readable and writable by the owner alone.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// The file whose name is this one's plus a suffix: `ledger.db` and `-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory that a file lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Less than this SQLite cannot make the shared memory of a log with.
const FULL: u64 = 64 << 10;

/// Whether the file system has no room where a file leads; not when it does not tell.
pub(crate) fn is_disk_full(path: &Path) -> bool {
    rustix::fs::statvfs(parent(&resolved(path))).is_ok_and(|found| found.f_bavail.saturating_mul(found.f_frsize) < FULL)
}

/// So many links lead from one to another at most, as the system has it.
const LINKS: u32 = 40;

/// Where a path leads, there or not: what takes the place of a file takes that of what a link leads to, and the link stays.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut leads = path.to_owned();
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&leads) else { break };
        leads = parent(&leads).join(to);
        // Without the way there, so that it can be told.
        if let (Ok(directory), Some(name)) = (parent(&leads).canonicalize(), leads.file_name()) {
            leads = directory.join(name);
        }
    }
    leads
}

/// Makes the missing directories above a file, for the owner alone; those that exist are left as they are.
pub(crate) fn make_parent(path: &Path) -> Result<(), StoreError> {
    let directory = parent(path);
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(directory)
        .map_err(|source| StoreError::file("make the directory", directory, source))
}

/// Makes an empty file for the owner alone, unless it is there.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Takes a file away from everyone but its owner. A missing one is no error, and a directory is left as it is.
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Lets the owner write what SQLite keeps beside a database that the owner may write; true when that was refused before. It
/// gives those files the mode of the database, and who read it while it was read-only leaves them so.
pub(crate) fn writable_beside(path: &Path) -> io::Result<bool> {
    const OWNER_WRITES: u32 = 0o200;
    let locked = |path: &Path| match fs::metadata(path) {
        Ok(found) => Ok(found.is_file() && found.permissions().mode() & OWNER_WRITES == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    let mut was_locked = false;
    for beside in [beside(path, "-wal"), beside(path, "-shm")] {
        if locked(&beside)? && !locked(path)? {
            fs::set_permissions(&beside, Permissions::from_mode(PRIVATE_FILE))?;
            was_locked = true;
        }
    }
    Ok(was_locked)
}

/// Writes a file for the owner alone, so that a crash leaves the old one or the new one, whole.
///
/// # Errors
/// When the directory cannot be written or the disk is full; then nothing is left behind.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let draft = beside(path, &format!(".{}.new", std::process::id()));
    let written = draft_then_rename(&draft, path, bytes);
    if written.is_err() {
        fs::remove_file(&draft).unwrap_or_default();
    }
    written.map_err(|source| StoreError::file("write", path, source))
}

/// Makes a finished rename or a new name in this file's directory durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

fn draft_then_rename(draft: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE_FILE).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    sync_parent(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_links_to_what_need_not_be_there() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        symlink("second", at("first")).unwrap();
        symlink(at("third"), at("second")).unwrap();
        symlink("round", at("round")).unwrap();
        assert_eq!(
            ["first", "second", "third"].map(|name| resolved(&at(name))),
            [at("third"), at("third"), at("third")]
        );
        assert_eq!(resolved(&at("round")), at("round"));
    }

    #[test]
    fn a_private_file_replaces_the_old_one_and_leaves_no_draft() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/key");
        make_parent(&path).unwrap();
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE_FILE);
        assert_eq!(fs::metadata(parent(&path)).unwrap().permissions().mode() & 0o777, PRIVATE_DIRECTORY);
        assert_eq!(fs::read_dir(parent(&path)).unwrap().count(), 1);
    }
}

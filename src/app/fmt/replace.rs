//! A file of the user's own, replaced by one with other content: whole or not at all, and never over what somebody else
//! has just written.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::scan::{DEFAULT_LIMIT, ReadError, read_text};

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Nobody may write it.
    #[error("it is read-only; `chmod u+w` lets it be formatted")]
    ReadOnly,
    /// It was written since it was read.
    #[error("something else wrote it at the same time; run the command again")]
    Meanwhile,
    /// It cannot be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new file cannot be written beside the old one.
    #[error("cannot write beside it; let this user write in its directory")]
    Write(#[source] io::Error),
    /// The new file cannot be given to whom the old one belongs.
    #[error("it belongs to somebody else; format it as its owner")]
    Owner(#[source] io::Error),
}

/// Puts `text` in place of a file whose content had this hash. Mode and owner stay.
pub(super) fn replace(path: &Path, was: &blake3::Hash, text: &str) -> Result<(), ReplaceError> {
    let meta = path.symlink_metadata().map_err(ReplaceError::Write)?;
    if meta.permissions().mode() & 0o222 == 0 {
        return Err(ReplaceError::ReadOnly);
    }
    let draft = draft(path);
    let done = write(&draft, &meta, text).and_then(|()| {
        if read_text(path, DEFAULT_LIMIT)?.hash != *was {
            return Err(ReplaceError::Meanwhile);
        }
        fs::rename(&draft, path).map_err(ReplaceError::Write)
    });
    if done.is_err() {
        fs::remove_file(&draft).unwrap_or_default();
    }
    done
}

fn draft(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn write(draft: &Path, meta: &Metadata, text: &str) -> Result<(), ReplaceError> {
    let create = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft);
    let mut file = create.map_err(ReplaceError::Write)?;
    file.write_all(text.as_bytes()).map_err(ReplaceError::Write)?;
    give(&file, meta)?;
    file.set_permissions(meta.permissions()).and_then(|()| file.sync_all()).map_err(ReplaceError::Write)
}

fn give(file: &File, meta: &Metadata) -> Result<(), ReplaceError> {
    let own = file.metadata().map_err(ReplaceError::Write)?;
    if (own.uid(), own.gid()) == (meta.uid(), meta.gid()) {
        return Ok(());
    }
    let (owner, group) = (rustix::fs::Uid::from_raw(meta.uid()), rustix::fs::Gid::from_raw(meta.gid()));
    rustix::fs::fchown(file, Some(owner), Some(group)).map_err(|error| ReplaceError::Owner(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nix");
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn the_mode_stays_and_no_draft_is_left() {
        let (folder, path) = file("old", 0o755);
        replace(&path, &blake3::hash(b"old"), "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let (folder, path) = file("theirs", 0o644);
        assert!(matches!(replace(&path, &blake3::hash(b"old"), "new"), Err(ReplaceError::Meanwhile)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_read_only_file_stays() {
        let (_folder, path) = file("old", 0o444);
        assert!(matches!(replace(&path, &blake3::hash(b"old"), "new"), Err(ReplaceError::ReadOnly)));
    }
}

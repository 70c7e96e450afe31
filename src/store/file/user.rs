//! Files of the user: replaced whole or not at all, and never when somebody else changed them meanwhile.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};

use super::{beside, parent, sync_parent};
use crate::store::chain::Hash;

mod left;

/// What a new file of the user may be at most; the system takes away what it was told to.
const NEW_FILE: u32 = 0o666;

/// Why a file of the user was not written. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is not what it was when the change was planned.
    #[error("`{}` was changed by somebody else meanwhile; run the command again: it looks at what is there now", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It must not be written.
    #[error("`{}` is read-only; let this user write it", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Something is there already.
    #[error("`{}` is there already and nothing is written over it; name another directory", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// It is a directory, a pipe, a socket or a device.
    #[error("`{}` is not a regular file; replace it by one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// It would change hands.
    #[error("`{}` belongs to another user and a group that this user is not in; have its owner edit it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write `{}`; let this user write there", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Replaces the text of a file that still has the content with this BLAKE3 hash. Its mode stays, and its owner where
/// that is possible; a symbolic link stays and what it leads to is replaced.
///
/// # Errors
/// [`WriteError`]; then the file is as it was, and nothing is left beside it.
pub fn replace(path: &Path, before: &Hash, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let target = fs::canonicalize(path).map_err(failed)?;
    let meta = fs::metadata(&target).map_err(failed)?;
    if !meta.is_file() {
        return Err(WriteError::NotAFile { path: target });
    }
    let may_write = rustix::fs::access(&target, rustix::fs::Access::WRITE_OK).is_ok();
    if meta.permissions().mode() & 0o200 == 0 || !may_write {
        return Err(WriteError::ReadOnly { path: target });
    }
    left::sweep(&target);
    let draft = unnamed(&target, &meta, bytes).or_else(|_| named(&target, &meta, bytes)).map_err(failed)?;
    let Draft { path: draft, kept, file: _held } = draft;
    let replaced = kept.then_some(()).ok_or_else(|| WriteError::Foreign { path: target.clone() }).and_then(|()| {
        let now = fs::read(&target).map_err(failed)?;
        if blake3::hash(&now).as_bytes() != before {
            return Err(WriteError::Changed { path: target.clone() });
        }
        fs::rename(&draft, &target).and_then(|()| sync_parent(&target)).map_err(failed)
    });
    if replaced.is_err() {
        fs::remove_file(&draft).unwrap_or_default();
    }
    replaced
}

/// Writes a file that is not there yet; its directory must be.
///
/// # Errors
/// [`WriteError`]; then nothing of it is left.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::AlreadyExists => WriteError::Exists { path: path.to_owned() },
        _ => WriteError::Io { path: path.to_owned(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(NEW_FILE).open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    if written.is_err() {
        fs::remove_file(path).unwrap_or_default();
    }
    written.map_err(failed)
}

/// A new text beside the file that it will be.
struct Draft {
    path: PathBuf,
    /// Whether those who could write the old one still can.
    kept: bool,
    /// Locked as long as it is open: nobody takes it for one that was left.
    file: File,
}

/// A draft that has no name until it is whole: when this process is killed before that, it is gone. Not every file system has
/// such files.
fn unnamed(target: &Path, meta: &fs::Metadata, bytes: &[u8]) -> io::Result<Draft> {
    let mode = Mode::from(super::PRIVATE_FILE);
    let mut file = File::from(openat(CWD, parent(target), OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode)?);
    left::hold(&file);
    let kept = fill(&mut file, meta, bytes)?;
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    let name =
        |draft: &Path| linkat(CWD, itself.as_str(), CWD, draft, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    let (path, ()) = fresh(target, name)?;
    Ok(Draft { path, kept, file })
}

/// A draft that has its name from the beginning.
fn named(target: &Path, meta: &fs::Metadata, bytes: &[u8]) -> io::Result<Draft> {
    let make = |draft: &Path| OpenOptions::new().write(true).create_new(true).mode(super::PRIVATE_FILE).open(draft);
    let (path, mut file) = fresh(target, make)?;
    left::hold(&file);
    match fill(&mut file, meta, bytes) {
        Ok(kept) => Ok(Draft { path, kept, file }),
        Err(error) => {
            fs::remove_file(&path).unwrap_or_default();
            Err(error)
        }
    }
}

/// Makes a file beside another that was not there: what a process that was killed left there has other numbers.
fn fresh<T>(target: &Path, begin: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let mut number = 0_u32;
    loop {
        let draft = beside(target, &format!(".{}.{number}.new", std::process::id()));
        match begin(&draft) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            made => return made.map(|made| (draft, made)),
        }
    }
}

/// Writes the new text, with the mode and the owner of the old one; says whether those who could write it still can.
fn fill(file: &mut File, meta: &fs::Metadata, bytes: &[u8]) -> io::Result<bool> {
    file.write_all(bytes)?;
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut kept = true;
    if (user, group) != (meta.uid(), meta.gid()) && fchown(&*file, Some(meta.uid()), Some(meta.gid())).is_err() {
        // Only an administrator may give a file away; in a shared checkout the group is what the others write it by.
        kept = fchown(&*file, None, Some(meta.gid())).is_ok() || user == meta.uid();
    }
    file.set_permissions(Permissions::from_mode(meta.permissions().mode() & 0o7777))?;
    file.sync_all()?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> Hash {
        *blake3::hash(text.as_bytes()).as_bytes()
    }

    fn world() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flake.nix");
        create(&path, b"one").unwrap();
        (directory, path)
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_its_link() {
        let (directory, path) = world();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link.nix");
        std::os::unix::fs::symlink("flake.nix", &link).unwrap();
        replace(&link, &hash("one"), b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn what_somebody_else_changed_is_left_to_them() {
        let (directory, path) = world();
        let error = replace(&path, &hash("zero"), b"two").unwrap_err();
        assert!(matches!(error, WriteError::Changed { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_a_process_that_was_killed_left_there_is_in_nobodys_way() {
        let (directory, path) = world();
        let left = directory.path().join(format!("flake.nix.{}.0.new", std::process::id()));
        create(&left, b"half").unwrap();
        replace(&path, &hash("one"), b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&left).unwrap()), (b"two".to_vec(), b"half".to_vec()));
    }

    #[test]
    fn the_next_edit_removes_what_dead_processes_left_and_nothing_else() {
        let (directory, path) = world();
        // Given a number that no process has, and files whose names are, or are like, those of its drafts
        let dead = 999_999_999;
        let at = |name: &str| directory.path().join(name);
        let left = [format!("flake.nix.{dead}.0.new"), format!("flake.nix.{dead}.1.new")];
        let mut kept = vec!["flake.nix".to_owned(), format!("flake.nix.{}.0.new", std::process::id())];
        for name in ["x.0.new", "{}.new", "{}.x.new", "{}.0.new.old", "+{}.0.new", "{}.+0.new", "{}.0.0.new", ".0.new"]
        {
            kept.push(format!("flake.nix.{}", name.replace("{}", &dead.to_string())));
        }
        kept.extend([format!("my-flake.nix.{dead}.0.new"), format!("flake.lock.{dead}.0.new")]);
        let held = format!("flake.nix.{dead}.2.new");
        kept.extend([held.clone(), format!("flake.nix.{dead}.3.new"), format!("flake.nix.{dead}.4.new")]);
        for name in left.iter().chain(&kept).filter(|name| *name != "flake.nix" && !name.ends_with(".3.new")) {
            create(&at(name), b"half").unwrap();
        }
        // One of another machine's, a directory and a link are none of ours
        let other = File::open(at(&held)).unwrap();
        left::hold(&other);
        fs::remove_file(at(&format!("flake.nix.{dead}.4.new"))).unwrap();
        fs::create_dir(at(&format!("flake.nix.{dead}.4.new"))).unwrap();
        std::os::unix::fs::symlink("flake.nix", at(&format!("flake.nix.{dead}.3.new"))).unwrap();
        // When the file is edited
        replace(&path, &hash("one"), b"two").unwrap();
        // Then the drafts are gone, and the rest is there
        let mut found: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        kept.sort();
        assert_eq!(found, kept);
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn a_draft_has_a_name_from_the_beginning_where_there_are_none_without() {
        let (directory, path) = world();
        let draft = named(&path, &fs::metadata(&path).unwrap(), b"two").unwrap();
        assert_eq!((draft.kept, fs::read(&draft.path).unwrap()), (true, b"two".to_vec()));
        let other = unnamed(&path, &fs::metadata(&path).unwrap(), b"two").unwrap();
        assert!(other.path.ends_with(format!("flake.nix.{}.1.new", std::process::id())), "{:?}", other.path);
        assert_eq!(fs::metadata(&other.path).unwrap().permissions(), fs::metadata(&path).unwrap().permissions());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_is_read_only_no_file_or_there_already_is_refused() {
        let (directory, path) = world();
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(replace(&path, &hash("one"), b"two"), Err(WriteError::ReadOnly { .. })));
        assert!(matches!(replace(directory.path(), &hash("one"), b"two"), Err(WriteError::NotAFile { .. })));
        assert!(matches!(replace(&directory.path().join("x"), &hash("one"), b"two"), Err(WriteError::Io { .. })));
        assert!(matches!(create(&path, b"two"), Err(WriteError::Exists { .. })));
        assert!(matches!(create(&directory.path().join("x/y"), b"two"), Err(WriteError::Io { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}

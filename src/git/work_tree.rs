//! Files of the work tree against the index and HEAD: what Nix would see of them.
//!
//! Contents are compared as git would store them: line endings and encodings are converted as the attributes and the
//! repository's own configuration say. Programs that filter are not run.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::index::entry::Mode;

use super::stored::Stored;
use super::tree_path::{Entry, TreePath};
use super::{Error, Repository};

/// Whether a file was added to git. Nix does not see a file of a git work tree that was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// It is in the index (also when only `git add --intent-to-add` put it there, or a merge left it in conflict).
    Yes,
    /// It is not in the index.
    No,
    /// The repository has no work tree.
    NoWorkTree,
}

/// A file of the work tree compared with the commit HEAD stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgainstHead {
    /// The same, as git stores it.
    Same,
    /// Another content: the flake is dirty.
    Differs,
    /// The file is not in HEAD.
    OnlyInWorkTree,
    /// The file is in HEAD, but gone from the work tree.
    OnlyInHead,
    /// Neither here nor there.
    Nowhere,
    /// There is no commit yet.
    NoCommit,
    /// It cannot be said: HEAD's trees are not in the object store (a partial clone), or a program filters the file.
    Unknown,
}

impl Repository {
    /// Whether the file at `path` was added to git.
    pub fn tracked(&self, path: &Path) -> Result<Tracked, Error> {
        if self.inner.workdir().is_none() {
            return Ok(Tracked::NoWorkTree);
        }
        let inside = self.inside(path)?;
        let found = self.index()?.entry_range(inside.as_os_str().as_bytes().as_bstr()).is_some();
        Ok(if found { Tracked::Yes } else { Tracked::No })
    }

    /// The files and symlinks that were added to git, of those at these paths and below them, in no order. The paths are
    /// canonical. What lies in a submodule is tracked there, and is none of them.
    pub fn tracked_below(&self, paths: &[&Path]) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        if self.inner.workdir().is_none() {
            return Ok(files);
        }
        let index = self.index()?;
        for path in paths {
            let Ok(inside) = path.strip_prefix(&self.path) else { continue };
            let inside = inside.as_os_str().as_bytes();
            let below = [inside, b"/"].concat();
            let ranges = [index.entry_range(inside.as_bstr()), index.prefixed_entries_range(below.as_bstr())];
            let entries = ranges.into_iter().flatten().filter_map(|range| index.entries().get(range)).flatten();
            let is_file = |mode| [Mode::FILE, Mode::FILE_EXECUTABLE, Mode::SYMLINK].contains(&mode);
            let entries = entries.filter(|entry| is_file(entry.mode));
            files.extend(entries.map(|entry| self.path.join(OsStr::from_bytes(entry.path(&index)))));
        }
        // A file in conflict has more than one entry.
        files.dedup();
        Ok(files)
    }

    fn index(&self) -> Result<gix::worktree::Index, Error> {
        let index = self.inner.index_or_empty();
        index.map_err(|source| Error::Index { repository: self.path.clone(), source: Box::new(source) })
    }

    /// Whether the file at `path` is as it was committed.
    pub fn against_head(&self, path: &Path) -> Result<AgainstHead, Error> {
        let inside = self.inside(path)?;
        let Some(head) = self.head_id()? else { return Ok(AgainstHead::NoCommit) };
        let Some(commit) = self.object(head)? else { return Ok(AgainstHead::Unknown) };
        let commit = commit.try_into_commit().map_err(|source| self.damaged(head, Some(source)))?;
        let root = commit.tree_id().map_err(|source| self.damaged(head, Some(source)))?.detach();
        let committed = TreePath::new(&inside).look_up(self, root)?;
        let on_disk = content(path)?;
        Ok(match (committed, on_disk) {
            (Entry::MissingTree(_), _) => AgainstHead::Unknown,
            (Entry::Absent, None) => AgainstHead::Nowhere,
            (Entry::Absent, Some(_)) => AgainstHead::OnlyInWorkTree,
            (Entry::Blob(_), None) => AgainstHead::OnlyInHead,
            (Entry::Blob(committed), Some(here)) => match self.is_stored_as(&inside, &here, committed) {
                Some(true) => AgainstHead::Same,
                Some(false) => AgainstHead::Differs,
                None => AgainstHead::Unknown,
            },
        })
    }

    /// The path of a file relative to the root of the work tree, in the spelling git knows it by.
    ///
    /// Symlinks are resolved on the way to the file, not at the file itself.
    pub fn inside(&self, path: &Path) -> Result<PathBuf, Error> {
        let outside = || Error::Outside { path: path.to_owned(), repository: self.path.clone() };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(outside()) };
        let parent = std::fs::canonicalize(parent).map_err(|source| Error::File { path: parent.to_owned(), source })?;
        let inside = parent.strip_prefix(&self.path).map_err(|_| outside())?;
        Ok(inside.join(name))
    }

    /// Whether git has a file, of which this is on disk, as `blob`; none when a program would have to say.
    pub(super) fn is_stored_as(&self, inside: &Path, on_disk: &OnDisk, blob: ObjectId) -> Option<bool> {
        // What is stored as it is needs no attributes.
        if self.name_of(&on_disk.content) == Some(blob) {
            return Some(true);
        }
        if on_disk.is_link {
            return Some(false);
        }
        match self.stored(inside, &on_disk.content) {
            Some(Stored::As(name)) => Some(name == blob),
            Some(Stored::ByAProgram) => None,
            None => Some(false),
        }
    }
}

/// What stands at a path: the content of a file, or the target of a symlink.
#[derive(Debug)]
pub(super) struct OnDisk {
    content: Vec<u8>,
    is_link: bool,
}

/// What stands at a path; none when it is neither a file nor a symlink.
pub(super) fn content(path: &Path) -> Result<Option<OnDisk>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let is_link = meta.is_symlink();
    let content = if is_link {
        std::fs::read_link(path).map_err(failed)?.into_os_string().into_encoded_bytes()
    } else if meta.is_file() {
        std::fs::read(path).map_err(failed)?
    } else {
        return Ok(None);
    };
    Ok(Some(OnDisk { content, is_link }))
}

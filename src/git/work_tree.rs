//! Files of the work tree against the index and HEAD: what Nix would see of them.
//!
//! Contents are compared byte for byte as blobs: line-ending conversion (`core.autocrlf`, `text=auto`) and filters are
//! not applied, so a file that git converts on checkout counts as changed.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

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
    /// The same bytes.
    Same,
    /// Other bytes: the flake is dirty.
    Differs,
    /// The file is not in HEAD.
    OnlyInWorkTree,
    /// The file is in HEAD, but gone from the work tree.
    OnlyInHead,
    /// Neither here nor there.
    Nowhere,
    /// There is no commit yet.
    NoCommit,
    /// It cannot be said: HEAD's trees are not in the object store (a partial clone).
    Unknown,
}

impl Repository {
    /// Whether the file at `path` was added to git.
    pub fn tracked(&self, path: &Path) -> Result<Tracked, Error> {
        if self.inner.workdir().is_none() {
            return Ok(Tracked::NoWorkTree);
        }
        let inside = self.inside(path)?;
        let index = self.inner.index_or_empty();
        let index = index.map_err(|source| Error::Index { repository: self.path.clone(), source: Box::new(source) })?;
        let found = index.entry_range(inside.as_os_str().as_bytes().as_bstr()).is_some();
        Ok(if found { Tracked::Yes } else { Tracked::No })
    }

    /// Whether the file at `path` is as it was committed.
    pub fn against_head(&self, path: &Path) -> Result<AgainstHead, Error> {
        let inside = self.inside(path)?;
        let Some(head) = self.head_id()? else { return Ok(AgainstHead::NoCommit) };
        let Some(commit) = self.object(head)? else { return Ok(AgainstHead::Unknown) };
        let commit = commit.try_into_commit().map_err(|source| self.damaged(head, Some(source)))?;
        let root = commit.tree_id().map_err(|source| self.damaged(head, Some(source)))?.detach();
        let committed = TreePath::new(&inside).look_up(self, root)?;
        let on_disk = self.hash_file(path)?;
        Ok(match (committed, on_disk) {
            (Entry::MissingTree(_), _) => AgainstHead::Unknown,
            (Entry::Absent, None) => AgainstHead::Nowhere,
            (Entry::Absent, Some(_)) => AgainstHead::OnlyInWorkTree,
            (Entry::Blob(_), None) => AgainstHead::OnlyInHead,
            (Entry::Blob(committed), Some(here)) if committed == here => AgainstHead::Same,
            (Entry::Blob(_), Some(_)) => AgainstHead::Differs,
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

    /// The name git would give the content of a file; `None` when there is no file.
    pub(super) fn hash_file(&self, path: &Path) -> Result<Option<gix::ObjectId>, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let content = if meta.is_symlink() {
            std::fs::read_link(path).map_err(failed)?.into_os_string().into_encoded_bytes()
        } else if meta.is_file() {
            std::fs::read(path).map_err(failed)?
        } else {
            return Ok(None);
        };
        let hash = gix::objs::compute_hash(self.inner.object_hash(), gix::objs::Kind::Blob, &content);
        hash.map(Some).map_err(|source| failed(std::io::Error::other(source)))
    }
}

//! The text of one file as a commit has it.

use std::path::Path;

use super::tree_path::{Entry, TreePath};
use super::{Error, Repository};

/// What a revision has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtRevision {
    /// The bytes of the file.
    Bytes(Vec<u8>),
    /// No file there.
    Absent,
    /// The file, or a directory on the way to it, was never fetched.
    NotFetched,
}

impl Repository {
    /// The commit that a revision names, in hexadecimal; none when it names none: `HEAD~3`, `main`, `v1.0`, `3f2a`.
    pub fn commit(&self, revision: &str) -> Option<String> {
        let id = self.inner.rev_parse_single(revision).ok()?;
        let commit = id.object().ok()?.peel_to_commit().ok()?;
        Some(commit.id().to_string())
    }

    /// The file at `path` (relative to the root of the repository) as a commit (in hexadecimal) has it.
    pub fn at_commit(&self, commit: &str, path: &Path) -> Result<AtRevision, Error> {
        let id = self.parse(commit)?;
        let tree = self.inner.find_commit(id).ok().and_then(|commit| commit.tree_id().ok());
        let Some(tree) = tree else { return Ok(AtRevision::NotFetched) };
        Ok(match TreePath::new(path).look_up(self, tree.detach())? {
            Entry::Absent => AtRevision::Absent,
            Entry::MissingTree(_) => AtRevision::NotFetched,
            Entry::Blob(blob) => match self.inner.find_blob(blob) {
                Ok(mut blob) => AtRevision::Bytes(blob.take_data()),
                Err(_) => AtRevision::NotFetched,
            },
        })
    }
}

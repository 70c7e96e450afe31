//! Which files are not as they were in a commit: changed, added, or never given to git.
//!
//! Compares what git would store, as with HEAD; a file that a program filters counts as changed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::EntryKind;

use super::work_tree::content;
use super::{Error, Repository};

impl Repository {
    /// Those of `files` whose content is not what it was in the commit that `revision` names, in the same order.
    ///
    /// A revision is written as for git: a branch, a tag, `HEAD~3`, the beginning of a commit's name.
    pub fn changed_since(&self, revision: &str, files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
        let names = files.iter().filter_map(|file| file.extension()).map(OsStr::to_owned).collect();
        let then = Snapshot { repository: self, endings: names }.files(self.tree_of(revision)?)?;
        let mut changed = Vec::new();
        for file in files {
            let inside = self.inside(file)?;
            let was = then.get(inside.as_os_str().as_bytes().as_bstr());
            let is_as_it_was = match (was, content(file)?) {
                (Some(was), Some(here)) => self.is_stored_as(&inside, &here, *was) == Some(true),
                _ => false,
            };
            if !is_as_it_was {
                changed.push(file.clone());
            }
        }
        Ok(changed)
    }

    fn tree_of(&self, revision: &str) -> Result<ObjectId, Error> {
        let unknown = || Error::NotACommit { repository: self.path.clone(), id: revision.to_owned() };
        let id = self.inner.rev_parse_single(revision).map_err(|_| unknown())?;
        let object = self.object(id.detach())?.ok_or_else(unknown)?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        let tree = commit.tree_id().map_err(|source| self.damaged(id.detach(), Some(source)))?;
        Ok(tree.detach())
    }
}

/// The files of a tree whose names end in one of these.
struct Snapshot<'r> {
    repository: &'r Repository,
    endings: std::collections::HashSet<std::ffi::OsString>,
}

impl Snapshot<'_> {
    /// Path and content of each. A tree that is not in this clone holds nothing that could be compared.
    fn files(&self, root: ObjectId) -> Result<HashMap<BString, ObjectId>, Error> {
        let mut found = HashMap::new();
        let mut waiting = vec![(BString::default(), root)];
        while let Some((path, id)) = waiting.pop() {
            let Some(tree) = self.repository.object(id)? else { continue };
            if tree.kind != gix::objs::Kind::Tree {
                return Err(self.repository.damaged(id, None));
            }
            for entry in gix::objs::TreeRefIter::from_bytes(&tree.data, id.kind()) {
                let entry = entry.map_err(|source| self.repository.damaged(id, Some(source)))?;
                let mut inside = path.clone();
                if !inside.is_empty() {
                    inside.push(b'/');
                }
                inside.extend_from_slice(entry.filename);
                match entry.mode.kind() {
                    EntryKind::Tree => waiting.push((inside, entry.oid.to_owned())),
                    EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link if self.is_wanted(&inside) => {
                        found.insert(inside, entry.oid.to_owned());
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    fn is_wanted(&self, path: &BString) -> bool {
        Path::new(OsStr::from_bytes(path)).extension().is_some_and(|ending| self.endings.contains(ending))
    }
}

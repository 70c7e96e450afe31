//! One path, looked up in many trees: the past of a file without a diff of trees.
//!
//! Remembers the trees of the last look-up, so that a step along a history that did not touch a directory on the way
//! to the file reads nothing below it.

use std::path::{Component, Path};

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::EntryKind;

use super::{Error, Repository};

/// A path inside a repository and where the last look-up went.
#[derive(Debug)]
pub(super) struct TreePath {
    steps: Vec<Step>,
}

/// What stands at the path in one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing, or something that is not a file.
    Absent,
    /// A file with this content.
    Blob(ObjectId),
    /// A tree on the way is not in the object store.
    MissingTree(ObjectId),
}

#[derive(Debug)]
struct Step {
    name: BString,
    /// The tree that was read last at this depth, and what it held under `name`.
    last: Option<(ObjectId, Option<(EntryKind, ObjectId)>)>,
}

impl TreePath {
    /// A path relative to the root of the repository; anything but plain names in it is skipped.
    pub(super) fn new(path: &Path) -> Self {
        let steps = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(Step { name: BString::from(name.as_encoded_bytes()), last: None }),
            _ => None,
        });
        Self { steps: steps.collect() }
    }

    /// The path of these names.
    pub(super) fn of(names: Vec<BString>) -> Self {
        Self { steps: names.into_iter().map(|name| Step { name, last: None }).collect() }
    }

    /// Its last name.
    pub(super) fn name(&self) -> Option<&BString> {
        self.steps.last().map(|step| &step.name)
    }

    /// What stands at the path below `root`.
    pub(super) fn look_up(&mut self, repository: &Repository, root: ObjectId) -> Result<Entry, Error> {
        let mut tree = root;
        let depth = self.steps.len();
        for (index, step) in self.steps.iter_mut().enumerate() {
            let found = match step.last {
                Some((last, found)) if last == tree => found,
                _ => match child(repository, tree, &step.name)? {
                    Some(found) => step.last.insert((tree, found)).1,
                    None => return Ok(Entry::MissingTree(tree)),
                },
            };
            match found {
                Some((EntryKind::Tree, id)) if index + 1 < depth => tree = id,
                Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) if index + 1 == depth => {
                    return Ok(Entry::Blob(id));
                }
                _ => break,
            }
        }
        Ok(Entry::Absent)
    }
}

/// The entry `name` of a tree; the outer `None` says that the tree is not there.
#[expect(clippy::option_option, reason = "a missing tree and a missing entry are two different answers")]
fn child(
    repository: &Repository,
    tree: ObjectId,
    name: &BString,
) -> Result<Option<Option<(EntryKind, ObjectId)>>, Error> {
    let Some(object) = repository.object(tree)? else { return Ok(None) };
    if object.kind != gix::objs::Kind::Tree {
        return Err(repository.damaged(tree, None));
    }
    for entry in gix::objs::TreeRefIter::from_bytes(&object.data, tree.kind()) {
        let entry = entry.map_err(|source| repository.damaged(tree, Some(source)))?;
        if entry.filename == name {
            return Ok(Some(Some((entry.mode.kind(), entry.oid.to_owned()))));
        }
    }
    Ok(Some(None))
}

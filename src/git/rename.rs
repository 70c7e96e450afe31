//! Where a file was before a commit moved it, content and name unchanged.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::EntryKind;

use super::{Error, Repository};

/// So many trees that differ are looked through; a commit that changes more moves everything.
const MOST_TREES: usize = 5_000;

type Entries = HashMap<BString, (EntryKind, ObjectId)>;

/// The one path at which the tree before a commit has this very file under its name, and the tree after it has nothing;
/// none when there is none, more than one, or too much to look through. What is not in this clone is passed over.
pub(super) fn renamed_from(
    repository: &Repository,
    (before, after): (ObjectId, ObjectId),
    name: &BString,
    blob: ObjectId,
) -> Result<Option<Vec<BString>>, Error> {
    let mut found = None;
    let mut waiting = vec![(Vec::new(), before, Some(after))];
    let mut looked = 0;
    while let Some((path, before, after)) = waiting.pop() {
        looked += 1;
        if looked > MOST_TREES {
            return Ok(None);
        }
        let Some(old) = entries(repository, before)? else { continue };
        let new = after.map(|tree| entries(repository, tree)).transpose()?.flatten().unwrap_or_default();
        for (entry, (kind, id)) in old {
            let there = new.get(&entry).copied();
            if there.is_some_and(|(_, there)| there == id) {
                continue;
            }
            let whole = || path.iter().cloned().chain([entry.clone()]).collect::<Vec<_>>();
            match kind {
                EntryKind::Tree => {
                    let there = there.filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, id)| id);
                    waiting.push((whole(), id, there));
                }
                EntryKind::Blob | EntryKind::BlobExecutable
                    if id == blob && entry == *name && there.is_none() && found.replace(whole()).is_some() =>
                {
                    return Ok(None);
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// What a tree holds; none when it is not here.
fn entries(repository: &Repository, tree: ObjectId) -> Result<Option<Entries>, Error> {
    let Some(object) = repository.object(tree)? else { return Ok(None) };
    if object.kind != gix::objs::Kind::Tree {
        return Err(repository.damaged(tree, None));
    }
    let entries = gix::objs::TreeRefIter::from_bytes(&object.data, tree.kind()).map(|entry| {
        let entry = entry.map_err(|source| repository.damaged(tree, Some(source)))?;
        Ok((entry.filename.to_owned(), (entry.mode.kind(), entry.oid.to_owned())))
    });
    entries.collect::<Result<_, Error>>().map(Some)
}

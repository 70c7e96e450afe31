//! Private roots go along with what is renamed around them, and what was a root before it was forgotten does too: else what was
//! recorded as private would lie in the shared root around its new place. Shared ones never do: that takes the user's word.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::domain::id::FlakeId;
use crate::store::local::{Directory, all_below, forgotten_root};
use crate::store::{LocalNote, Reader, StoreError, view};

use super::super::known::Known;
use super::super::roots::directory_at;
use super::super::sync::consent;
use super::super::{AppError, Session};
use super::RootMoved;

/// A root that is not there any more, because something around it, or it itself, lies elsewhere.
struct Along {
    moved: RootMoved,
    /// Which directory it was when it was seen last: nothing need be at its new place, when it went on from there.
    was: Option<Directory>,
    /// Whether its new place is no root yet, nor one that was forgotten.
    is_news: bool,
}

/// Makes roots of the new places before anything is recorded there, and private what others had there; returns which. The old ones
/// stay until what is recorded below them has moved.
pub(super) fn follow(
    session: &Session,
    known: &Known,
    moved: &HashMap<PathBuf, FlakeId>,
) -> Result<Vec<RootMoved>, AppError> {
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let from: HashMap<FlakeId, &Path> = known.flakes().map(|flake| (flake.id, &*flake.directory)).collect();
    let reader = session.store.reader()?;
    let mut found = Vec::new();
    for (to, id) in moved {
        let Some(from) = from.get(id) else { continue };
        found.extend(along(&reader, from, to)?.into_iter().filter(|root| root.is_news));
    }
    found.sort_by(|one, two| one.moved.cmp(&two.moved));
    found.dedup_by(|one, two| one.moved == two.moved);
    if !found.is_empty() {
        let at = session.clock.now();
        consent::settle(session, found.iter().flat_map(|root| root.kept(at)).collect())?;
    }
    Ok(found.into_iter().map(|root| root.moved).collect())
}

/// The notes that go with the event that a flake moved. The old place is marked as one that was a root, so that it stays private
/// when it is none any more.
pub(super) fn notes(reader: &Reader, from: &Path, to: &Path, at: i64) -> Result<Vec<LocalNote>, StoreError> {
    let mut notes = Vec::new();
    for root in along(reader, from, to)? {
        if root.is_news {
            notes.extend(root.kept(at));
        }
        if !root.moved.is_forgotten {
            notes.push(LocalNote::Forget { path: all_below(&root.moved.from), at });
        }
    }
    Ok(notes)
}

/// The notes that end the private roots that went elsewhere, and where no flake is known any more: they stay private. With the roots.
pub(super) fn ended(reader: &Reader, known: &Known, at: i64) -> Result<(Vec<PathBuf>, Vec<LocalNote>), StoreError> {
    let holds_one = |root: &Path| known.flakes().any(|flake| !flake.removed && flake.directory.starts_with(root));
    let (roots, directories) = (reader.roots()?, reader.root_directories()?);
    let directory = |path: &Path| directories.iter().find(|(known, _)| known == path).map(|(_, directory)| directory);
    // One that a link leads from is another name of the new one.
    let is_absent = |root: &Path| root.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let is_elsewhere = |root: &Path| {
        let was = directory(root);
        let others = roots.iter().map(|other| &*other.path).filter(|other| *other != root && !is_absent(other));
        was.is_some_and(|was| others.filter_map(directory).any(|is| is.is(was)))
    };
    let private = roots.iter().filter(|root| !root.shared).map(|root| &root.path);
    let gone = private.filter(|root| known.is_forgotten(&all_below(root)) || is_elsewhere(root));
    let ended: Vec<PathBuf> = gone.filter(|root| is_absent(root) && !holds_one(root)).cloned().collect();
    let end = |path: &PathBuf| {
        let below = all_below(path);
        let ends = [LocalNote::RootRemoved { path: path.clone() }, LocalNote::Forget { path: below, at }];
        // A directory that nobody has found is to be known again.
        let seen = LocalNote::RootSeen { path: path.clone(), directory: None };
        ends.into_iter().chain(is_elsewhere(path).then_some(seen))
    };
    let notes = ended.iter().flat_map(end).collect();
    Ok((ended, notes))
}

impl Along {
    fn kept(&self, at: i64) -> impl Iterator<Item = LocalNote> {
        let seen = LocalNote::RootSeen { path: self.moved.to.clone(), directory: self.was };
        self.moved.kept(at).into_iter().chain(self.was.is_some().then_some(seen))
    }
}

impl RootMoved {
    /// The notes by which the new place is private.
    pub(super) fn kept(&self, at: i64) -> Vec<LocalNote> {
        let (path, below) = (self.to.clone(), all_below(&self.to));
        if self.is_forgotten {
            return vec![LocalNote::Forget { path: below, at }];
        }
        vec![LocalNote::RootAdded { path, at }, LocalNote::Unforget { path: below }]
    }
}

/// The roots that went along when a flake went from one directory to another.
fn along(reader: &Reader, from: &Path, to: &Path) -> Result<Vec<Along>, StoreError> {
    let renamed = renamed(from, to);
    // The outermost directory that is gone was renamed, or the flake alone; those around it may have been emptied.
    let is_gone = |(old, _): &&(&Path, &Path)| !is_there(old);
    let (certain, _) = renamed.iter().rev().find(is_gone).copied().unwrap_or((from, to));
    let (old, new) = renamed.last().copied().unwrap_or((from, to));
    let (roots, directories) = (reader.roots()?, reader.root_directories()?);
    let forgotten: Vec<PathBuf> = reader.forgotten()?.into_iter().map(|(path, _)| path).collect();
    let is_root = |path: &Path| roots.iter().any(|root| root.path == path);
    let private = roots.iter().filter(|root| !root.shared).map(|root| (&*root.path, false));
    let were = forgotten.iter().filter_map(|path| forgotten_root(path)).filter(|path| !is_root(path));
    let candidates = private.chain(were.map(|path| (path, true)));
    let lay_there = |place: &Path| {
        let known = view::known_flakes(reader)?;
        Ok::<_, StoreError>(known.iter().any(|flake| !flake.removed && flake.directory.to_path().starts_with(place)))
    };
    let mut found = Vec::new();
    for (root, is_forgotten) in candidates.filter(|(root, _)| !is_there(root)) {
        let Some(place) = root.strip_prefix(old).ok().map(|below| joined(new, below)) else { continue };
        if root.starts_with(certain) || place.is_dir() {
            let was = directories.iter().find(|(known, _)| known == root).map(|(_, directory)| *directory);
            let is_other = was.zip(directory_at(&place)).is_some_and(|(was, is)| !is.is(&was));
            // Where others lay already is no private root: the flake alone went there.
            let is_joined = is_other && from.starts_with(root) && lay_there(&place)?;
            let (place, was) = if is_joined { (to.to_owned(), None) } else { (place, was) };
            // It is a guess, and takes the place of no other that is sought.
            let was = was.filter(|_| !directories.iter().any(|(known, _)| *known == place));
            let is_known = is_root(&place) || is_forgotten && forgotten.contains(&all_below(&place));
            let moved = RootMoved { from: root.to_owned(), to: place, is_forgotten };
            found.push(Along { moved, was, is_news: !is_known });
        }
    }
    Ok(found)
}

/// Which directory became which when one below them went from a place to another: that one, and those around it as long as they end
/// in the same name, the innermost first.
fn renamed<'p>(from: &'p Path, to: &'p Path) -> Vec<(&'p Path, &'p Path)> {
    let mut pairs = vec![(from, to)];
    while let Some((old, new)) = pairs.last().filter(|(old, new)| old.file_name() == new.file_name())
        && let Some(around) = old.parent().zip(new.parent()).filter(|(old, new)| old != new)
    {
        pairs.push(around);
    }
    pairs
}

/// A path below a directory; without one, the directory itself, which joining would end in a slash.
fn joined(directory: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { directory.to_owned() } else { directory.join(below) }
}

/// Whether a directory is where it was, and no link leads from there to elsewhere.
fn is_there(directory: &Path) -> bool {
    directory.canonicalize().is_ok_and(|real| real == directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_renamed_ends_where_the_names_differ() {
        let pairs = |from: &'static str, to: &'static str| {
            let pairs = renamed(Path::new(from), Path::new(to));
            pairs.iter().map(|(old, new)| format!("{} {}", old.display(), new.display())).collect::<Vec<_>>()
        };
        assert_eq!(pairs("/s/f", "/s/g"), ["/s/f /s/g"]);
        assert_eq!(pairs("/s/p/x", "/s/q/x"), ["/s/p/x /s/q/x", "/s/p /s/q"]);
        assert_eq!(pairs("/s/x", "/s/q/x"), ["/s/x /s/q/x", "/s /s/q"]);
        assert_eq!(pairs("/x", "/s/x"), ["/x /s/x", "/ /s"]);
        assert_eq!(pairs("/s/a/b/x", "/t/a/b/x"), ["/s/a/b/x /t/a/b/x", "/s/a/b /t/a/b", "/s/a /t/a", "/s /t"]);
    }
}

//! Private roots, and forgotten ones, are known again by their directories wherever the walk comes by them: no flake needs to tell
//! where they went. Must not know what lies in them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::scan::Walk;
use crate::store::local::{Directory, forgotten_root};
use crate::store::{Append, Command, LocalNote, Reader, StoreError};

use super::super::roots::directory_at;
use super::super::{AppError, Session};
use super::RootMoved;

/// A root that is or was private.
struct Kept {
    path: PathBuf,
    is_forgotten: bool,
    /// Which directory it was when it was seen last.
    was: Option<Directory>,
    /// Which one is there now.
    is: Option<Directory>,
}

/// What was walked.
#[derive(Clone, Copy)]
pub(super) enum Walked<'r> {
    /// These directories, and all below them.
    Roots(&'r [PathBuf]),
    /// One directory alone.
    One,
}

/// Makes roots of the places where private ones lie by now, before anything is recorded there; returns which. Where all roots
/// were walked, what took the place of one that is nowhere is that root from now on.
pub(super) fn follow(
    (session, command): (&Session, &Command),
    walk: &Walk,
    walked: Walked<'_>,
) -> Result<Vec<RootMoved>, AppError> {
    let reader = session.store.reader()?;
    let known: Vec<PathBuf> = reader.roots()?.into_iter().map(|root| root.path).collect();
    let kept = kept(&reader)?;
    let there: Vec<Directory> = known.iter().map(PathBuf::as_path).filter_map(directory_at).collect();
    let is_there = |was: &Directory| there.iter().any(|is| is.is(was));
    let is_astray =
        |root: &&Kept| root.was.is_some_and(|was| !root.is.is_some_and(|is| is.is(&was)) && !is_there(&was));
    let astray: Vec<&Kept> = kept.iter().filter(is_astray).collect();
    let (mut moved, mut notes) = (Vec::new(), Vec::new());
    for (root, place, directory) in found(&astray, walk, matches!(walked, Walked::One)) {
        if !kept.iter().any(|other| other.path == place && (root.is_forgotten || !other.is_forgotten)) {
            moved.push(RootMoved { from: root.path.clone(), to: place.clone(), is_forgotten: root.is_forgotten });
        }
        notes.push(LocalNote::RootSeen { path: place, directory: Some(directory) });
        if root.is_forgotten || root.is.is_some() {
            notes.push(LocalNote::RootSeen { path: root.path.clone(), directory: root.is });
        }
    }
    let is_all =
        matches!(walked, Walked::Roots(roots) if known.iter().all(|root| roots.iter().any(|at| root.starts_with(at))));
    let is_news = |root: &&Kept| root.was.is_none() || is_all && root.is != root.was;
    let seen = kept.iter().filter(is_news).filter_map(|root| Some((root.path.clone(), Some(root.is?))));
    notes.extend(seen.map(|(path, directory)| LocalNote::RootSeen { path, directory }));
    if !notes.is_empty() {
        let at = session.clock.now();
        let notes = moved.iter().flat_map(|root: &RootMoved| root.kept(at)).chain(notes).collect();
        let command = session.caused("observe", &command.identity);
        session.store.append(Append { command, received_at: at, writes: Vec::new(), notes })?;
    }
    Ok(moved)
}

fn kept(reader: &Reader) -> Result<Vec<Kept>, StoreError> {
    let (roots, directories) = (reader.roots()?, reader.root_directories()?);
    let forgotten: Vec<PathBuf> = reader.forgotten()?.into_iter().map(|(path, _)| path).collect();
    let is_root = |path: &Path| roots.iter().any(|root| root.path == path);
    let were = forgotten.iter().filter_map(|path| forgotten_root(path)).filter(|path| !is_root(path));
    let private = roots.iter().filter(|root| !root.shared).map(|root| (&*root.path, false));
    let kept = |(path, is_forgotten): (&Path, bool)| {
        let was = directories.iter().find(|(known, _)| known == path).map(|(_, directory)| *directory);
        Kept { path: path.to_owned(), is_forgotten, was, is: directory_at(path) }
    };
    Ok(private.chain(were.map(|path| (path, true))).map(kept).collect())
}

/// Where the directories of roots lie by now. Into what was passed over, and of one directory alone into that, nobody has looked:
/// there they are sought by the ends of their names.
fn found<'k>(roots: &[&'k Kept], walked: &Walk, is_one: bool) -> Vec<(&'k Kept, PathBuf, Directory)> {
    let ends: Vec<PathBuf> = roots.iter().flat_map(|root| ends(&root.path)).collect();
    let inside = |directory: &Path| ends.iter().map(|end| directory.join(end)).collect::<Vec<_>>();
    let listed = walked.directories().flat_map(|at| {
        let inside = if is_one { inside(at) } else { Vec::new() };
        std::iter::once(at.to_owned()).chain(inside)
    });
    let passed = walked.all_passed_over().flat_map(|at| std::iter::once(at.to_owned()).chain(inside(at)));
    let mut found = Vec::new();
    if roots.is_empty() {
        return found;
    }
    for place in listed.chain(passed) {
        let is_like = |meta: &Metadata| roots.iter().any(|root| root.was.is_some_and(|was| was.inode == meta.ino()));
        if !place.symlink_metadata().is_ok_and(|meta| is_like(&meta)) {
            continue;
        }
        let Some(is) = directory_at(&place) else { continue };
        let same = roots.iter().filter(|root| root.path != place && root.was.is_some_and(|was| was.is(&is)));
        found.extend(same.map(|root| (*root, place.clone(), is)));
    }
    found.sort_by(|(_, one, _), (_, two, _)| one.cmp(two));
    found.dedup_by(|(one, at, _), (two, also, _)| one.path == two.path && at == also);
    found
}

/// The last component of a path, the last two of them and so on.
fn ends(path: &Path) -> Vec<PathBuf> {
    let names: Vec<_> = path.components().skip(1).collect();
    (0..names.len()).filter_map(|from| names.get(from..)).map(|end| end.iter().collect()).collect()
}

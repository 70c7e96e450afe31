//! The roots: the directories whose flakes the ledger watches. Private until they are shared.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::git;
use crate::scan::{Answer, Why};
use crate::store::local::{Directory, all_below, forgotten_root, is_in_forgotten_root};
use crate::store::{Append, LocalNote, Reader, RootRow, StoreError};

use super::explain::{Verdict, explain};
use super::scan::tracked_of;
use super::sync::consent;
use super::{AppError, Session};

/// A directory that is a root or lies in one, by its canonical path. Who scans unasked, or for others, is given no other
/// kind: nothing becomes a root by being looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside(PathBuf);

impl Inside {
    /// Its canonical path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// The directory that a path means, when it lies in a root; none when it does not, or is not there.
pub(super) fn inside(reader: &Reader, path: &Path) -> Result<Option<Inside>, StoreError> {
    let Ok(path) = directory(path) else { return Ok(None) };
    let is_inside = reader.roots()?.iter().any(|root| path.starts_with(&root.path));
    Ok(is_inside.then_some(Inside(path)))
}

/// Every root, in path order.
pub fn list(session: &Session) -> Result<Vec<RootRow>, AppError> {
    Ok(session.store.reader()?.roots()?)
}

/// What became of a directory that is to be a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Which root it is.
    pub path: PathBuf,
    /// Whether it was none before.
    pub is_new: bool,
    /// How many streams are private again: what is below it was shared with a root around it.
    pub withdrawn: usize,
}

/// Makes a directory a root. It is private, also inside a shared one.
pub fn add(session: &Session, path: &Path) -> Result<Added, AppError> {
    let path = directory(path)?;
    let known = watched(session)?;
    if known.contains(&path) {
        return Ok(Added { path, is_new: false, withdrawn: 0 });
    }
    let at = session.clock.now();
    let mut notes = remembered(session, &known, &path, at)?;
    notes.push(LocalNote::RootAdded { path: path.clone(), at });
    notes.extend(seen(&session.store.reader()?, &path)?);
    let withdrawn = consent::settle(session, notes)?.withdrawn;
    Ok(Added { path, is_new: true, withdrawn })
}

/// Forgets a root: its flakes stay in the ledger, scans pass it over, and no hook makes it a root again. What is below it
/// stays private, also inside a shared root. The directory need not exist any more. Returns which root it was.
pub fn forget(session: &Session, path: &Path) -> Result<PathBuf, AppError> {
    // By its own name first: in its place may be a link to another root by now.
    let names = [std::path::absolute(path).ok(), directory(path).ok()];
    let known = watched(session)?;
    let Some(path) = names.into_iter().flatten().find(|name| known.contains(name)) else {
        return Err(AppError::UnknownRoot { path: path.to_owned() });
    };
    let below = all_below(&path);
    let forgotten = LocalNote::Forget { path: below, at: session.clock.now() };
    let mut notes = vec![LocalNote::RootRemoved { path: path.clone() }, forgotten];
    let is_shared = list(session)?.iter().any(|root| root.shared && root.path == path);
    // What is told of a shared one may be old, as only private ones are sought.
    notes.extend(is_shared.then(|| LocalNote::RootSeen { path: path.clone(), directory: directory_at(&path) }));
    consent::settle(session, notes)?;
    Ok(path)
}

/// The shared root in which a directory lies, when the innermost root around it is one.
pub fn shared_around(session: &Session, path: &Path) -> Result<Option<PathBuf>, AppError> {
    let innermost = list(session)?.into_iter().rfind(|root| path.starts_with(&root.path));
    Ok(innermost.filter(|root| root.shared).map(|root| root.path))
}

/// The roots that a scan of a person's works on: those that are named (made roots if they are none), else all that are known.
/// One that scans of the root around it leave out is a root as well, or the next of them would take for gone what this one finds.
/// What was forgotten is remembered where it is named. A hook, which scans unasked, leaves both alone, and so it does a linked
/// work tree outside the roots, as such a one comes and goes with a task: then nothing may be left.
pub(super) fn to_scan(session: &Session, named: &[PathBuf], is_unasked: bool) -> Result<Vec<PathBuf>, AppError> {
    let known = watched(session)?;
    if named.is_empty() {
        return if known.is_empty() { Err(AppError::NoRoots) } else { Ok(known) };
    }
    let forgotten = forgotten(session)?;
    let mut roots = Vec::new();
    let mut notes = Vec::new();
    for path in named {
        let path = directory(path)?;
        let is_inside = known.iter().any(|root| path.starts_with(root));
        let is_left_out = is_inside && is_left_out(&path, &known)?;
        let is_ruled_out = || is_forgotten(&forgotten, &path) || git::is_in_linked_work_tree(&path);
        if is_unasked && (is_left_out || !is_inside && is_ruled_out()) {
            continue;
        }
        if !is_unasked {
            notes.push(LocalNote::Unforget { path: path.clone() });
        }
        if !is_inside || is_left_out {
            let at = session.clock.now();
            notes.extend(remembered(session, &known, &path, at)?);
            notes.push(LocalNote::RootAdded { path: path.clone(), at });
            notes.extend(seen(&session.store.reader()?, &path)?);
        }
        if !roots.contains(&path) {
            roots.push(path);
        }
    }
    let adds_root = notes.iter().any(|note| matches!(note, LocalNote::RootAdded { .. }));
    let command = session.command("add_root");
    session.store.append(Append { command, received_at: session.clock.now(), writes: Vec::new(), notes })?;
    if adds_root {
        // It is private, also inside a shared one.
        consent::follow(session)?;
    }
    Ok(roots)
}

fn watched(session: &Session) -> Result<Vec<PathBuf>, AppError> {
    Ok(list(session)?.into_iter().map(|root| root.path).collect())
}

fn forgotten(session: &Session) -> Result<HashSet<PathBuf>, AppError> {
    Ok(session.store.reader()?.forgotten()?.into_iter().map(|(path, _)| path).collect())
}

/// The note of which directory a root is; none where it is not, or a link leads elsewhere. One that lay there before, as one that was
/// forgotten, is to be found first: the next scan looks for it.
fn seen(reader: &Reader, path: &Path) -> Result<Option<LocalNote>, StoreError> {
    let is_sought = reader.root_directories()?.iter().any(|(known, _)| known == path);
    let is = directory_at(path).filter(|_| !is_sought);
    Ok(is.map(|is| LocalNote::RootSeen { path: path.to_owned(), directory: Some(is) }))
}

/// Which directory lies at a real path.
pub(in crate::app) fn directory_at(path: &Path) -> Option<Directory> {
    let meta = path.symlink_metadata().ok().filter(Metadata::is_dir)?;
    path.canonicalize().ok().filter(|real| real == path)?;
    let made = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let made_at = made.and_then(|since| i64::try_from(since.as_nanos()).ok());
    Some(Directory { device: meta.dev(), inode: meta.ino(), made_at })
}

/// Whether a directory was forgotten as a flake, or as a root or in one.
fn is_forgotten(forgotten: &HashSet<PathBuf>, path: &Path) -> bool {
    forgotten.contains(path) || is_in_forgotten_root(forgotten, path)
}

/// The same, as the ledger says it.
pub(super) fn was_forgotten(reader: &Reader, path: &Path) -> Result<bool, StoreError> {
    Ok(is_forgotten(&reader.forgotten()?.into_iter().map(|(path, _)| path).collect(), path))
}

/// Whether scans of the root around a directory leave it out, with all that is in it. What git tracks there is part of what is
/// around it.
fn is_left_out(path: &Path, known: &[PathBuf]) -> Result<bool, AppError> {
    let Verdict::Skipped { at, why: Why::GitIgnored { .. } | Why::BuiltIn(_) } = explain(path, known, &[])?.verdict
    else {
        return Ok(false);
    };
    // The repository around the place where scans stop is asked, as they ask it.
    let Answer { files, unknown } = tracked_of(&[at]);
    Ok(unknown.is_empty() && !files.iter().any(|file| file.starts_with(path)))
}

/// The roots that were forgotten in a directory that becomes one: they are watched with it, and are private as they were. Flakes stay
/// forgotten, and so does what a root in it holds that was one itself: it is watched with that one, and private.
fn remembered(session: &Session, known: &[PathBuf], path: &Path, at: i64) -> Result<Vec<LocalNote>, AppError> {
    let mut notes = Vec::new();
    for below in forgotten(session)? {
        let Some(root) = forgotten_root(&below).filter(|root| root.starts_with(path)) else { continue };
        if root != path && (!root.is_dir() || known.iter().any(|known| root.starts_with(known))) {
            continue;
        }
        if root != path {
            notes.push(LocalNote::RootAdded { path: root.to_owned(), at });
        }
        notes.push(LocalNote::Unforget { path: below });
    }
    Ok(notes)
}

/// The canonical directories that paths mean; an error when one is none.
pub fn directories(paths: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
    paths.iter().map(|path| directory(path)).collect()
}

/// The canonical directory that a path means: itself, or that of a `flake.nix`.
fn directory(path: &Path) -> Result<PathBuf, AppError> {
    let canonical = path.canonicalize().map_err(|source| AppError::Path { path: path.to_owned(), source })?;
    if canonical.is_dir() {
        return Ok(canonical);
    }
    match canonical.parent() {
        Some(parent) if canonical.file_name().is_some_and(|name| name == "flake.nix") => Ok(parent.to_owned()),
        _ => Err(AppError::NotADirectory { path: path.to_owned() }),
    }
}

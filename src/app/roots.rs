//! The roots: the directories whose flakes the ledger watches. Private until they are shared.

use std::path::{Path, PathBuf};

use crate::store::{Append, LocalNote, RootRow};

use super::{AppError, Session};

/// Every root, in path order.
pub fn list(session: &Session) -> Result<Vec<RootRow>, AppError> {
    Ok(session.store.reader()?.roots()?)
}

/// Makes a directory a root; true when it was none before.
pub fn add(session: &Session, path: &Path) -> Result<bool, AppError> {
    let path = directory(path)?;
    if list(session)?.iter().any(|root| root.path == path) {
        return Ok(false);
    }
    note(session, "add_root", vec![LocalNote::RootAdded { path, at: session.clock.now() }])?;
    Ok(true)
}

/// Forgets a root: its flakes stay in the ledger, scans pass it over. The directory need not exist any more.
pub fn forget(session: &Session, path: &Path) -> Result<(), AppError> {
    let wanted = directory(path).unwrap_or_else(|_| path.to_owned());
    let known = list(session)?.into_iter().map(|root| root.path);
    let Some(path) = known.into_iter().find(|root| *root == wanted || root == path) else {
        return Err(AppError::UnknownRoot { path: path.to_owned() });
    };
    note(session, "forget_root", vec![LocalNote::RootRemoved { path }])
}

/// The roots a scan works on: those that are named (made roots if they are none), else all that are known.
pub(super) fn to_scan(session: &Session, named: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
    if named.is_empty() {
        let known: Vec<_> = list(session)?.into_iter().map(|root| root.path).collect();
        return if known.is_empty() { Err(AppError::NoRoots) } else { Ok(known) };
    }
    let known: Vec<_> = list(session)?.into_iter().map(|root| root.path).collect();
    let mut roots = Vec::new();
    let mut notes = Vec::new();
    for path in named {
        let path = directory(path)?;
        notes.push(LocalNote::Unforget { path: path.clone() });
        if !known.iter().any(|root| path.starts_with(root)) {
            notes.push(LocalNote::RootAdded { path: path.clone(), at: session.clock.now() });
        }
        if !roots.contains(&path) {
            roots.push(path);
        }
    }
    note(session, "add_root", notes)?;
    Ok(roots)
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

fn note(session: &Session, name: &'static str, notes: Vec<LocalNote>) -> Result<(), AppError> {
    let append = Append { command: session.command(name), received_at: session.clock.now(), writes: Vec::new(), notes };
    session.store.append(append)?;
    Ok(())
}

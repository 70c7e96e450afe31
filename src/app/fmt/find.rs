//! Which files are meant: those that are named, and every `*.nix` below the directories that are named.
//!
//! A link is never replaced by a file: what it leads to is formatted when that lies below what was named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::git::Repository;
use crate::scan::{self, Options};

use super::super::AppError;
use super::super::scan::tracked_of;
use super::{FmtRequest, Refusal};

/// The files that are meant, each once, and what could not be looked at.
pub(super) struct Files {
    pub(super) files: Vec<PathBuf>,
    pub(super) refused: Vec<Refusal>,
}

/// Finds them.
pub(super) fn files(request: &FmtRequest) -> Result<Files, AppError> {
    let named = Named::of(&request.paths)?;
    let (excludes, threads) = (request.excludes.clone(), request.threads);
    let options = Options { excludes, threads, tracked: Some(tracked_of), ..Options::default() };
    let mut found = BTreeSet::new();
    let mut refused = Vec::new();
    for path in &named.files {
        match named.target(path) {
            Some(target) => drop(found.insert(target)),
            None => refused.push(linked_elsewhere(path)),
        }
    }
    if !named.directories.is_empty() {
        let walk = scan::walk_nix(&named.directories, &options)?;
        let files = walk.files.iter().map(|(path, _)| path).filter(|path| !is_lock(path));
        found.extend(files.filter_map(|path| named.target(path)));
        let refusal = |(path, message)| Refusal { path, line: None, message };
        refused.extend(walk.problems.into_iter().filter(|(path, _)| !is_lock(path)).map(refusal));
    }
    let files: Vec<PathBuf> = found.into_iter().collect();
    let files = match &request.since {
        Some(revision) => named.changed_since(revision, &files)?,
        None => files,
    };
    Ok(Files { files, refused })
}

/// What is wrong with a lock is no matter of style.
fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "flake.lock")
}

fn linked_elsewhere(path: &Path) -> Refusal {
    let target = path.canonicalize().unwrap_or_default();
    let message = format!("it is a link to `{}`, which was not named; name that file", target.display());
    Refusal { path: path.to_owned(), line: None, message }
}

/// What was named: directories canonical, files in a canonical directory.
struct Named {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Named {
    fn of(paths: &[PathBuf]) -> Result<Self, AppError> {
        let mut named = Self { directories: Vec::new(), files: Vec::new() };
        for path in paths {
            let failed = |source| AppError::Path { path: path.clone(), source };
            let canonical = path.canonicalize().map_err(failed)?;
            if canonical.is_dir() {
                named.directories.push(canonical);
            } else {
                let parent = path.parent().unwrap_or(Path::new("/")).canonicalize().map_err(failed)?;
                named.files.push(path.file_name().map_or(canonical, |name| parent.join(name)));
            }
        }
        Ok(named)
    }

    /// The file itself, or what a link leads to when that lies below what was named.
    fn target(&self, path: &Path) -> Option<PathBuf> {
        if !path.is_symlink() {
            return Some(path.to_owned());
        }
        let target = path.canonicalize().ok()?;
        let below = self.directories.iter().any(|directory| target.starts_with(directory));
        (below || self.files.contains(&target)).then_some(target)
    }

    fn changed_since(&self, revision: &str, files: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
        let mut changed = BTreeSet::new();
        let of_files = self.files.iter().filter_map(|file| file.parent());
        let places: BTreeSet<&Path> = self.directories.iter().map(PathBuf::as_path).chain(of_files).collect();
        for place in places {
            let none = || AppError::NoRepository { path: place.to_owned() };
            let repository = Repository::discover(place)?.ok_or_else(none)?;
            let inside: Vec<PathBuf> = files.iter().filter(|file| file.starts_with(place)).cloned().collect();
            changed.extend(repository.changed_since(revision, &inside)?);
        }
        Ok(changed.into_iter().collect())
    }
}

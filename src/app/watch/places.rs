//! Which directories are watched, and what is to be scanned when something changes in one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound::{Included, Unbounded};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::awaited::Awaited;
use crate::app::{AppError, Session};
use crate::git::Repository;
use crate::store::view;

/// The directories that are watched.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Each with the flakes to scan when something changes there; none that is not there.
    pub(super) watched: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The flakes there are, in directories below a root.
    pub(super) flakes: BTreeSet<PathBuf>,
    /// The roots.
    pub(super) roots: BTreeSet<PathBuf>,
    /// Directories whose flakes are to be left alone.
    forgotten: BTreeSet<PathBuf>,
    /// Directories that appeared while it runs and held no flake.
    pub(super) new: Awaited,
    /// The directories of flakes that were removed while it runs, whether they are there or not.
    pub(super) removed: Awaited,
    /// The git directory of every flake that is in a repository, as it was when that flake was looked at.
    git: BTreeMap<PathBuf, Option<PathBuf>>,
}

impl Places {
    /// Learns from the ledger: the directory of every flake, that of its repository's HEAD and index, the one above it
    /// where siblings appear, the roots, and what is awaited.
    pub(super) fn renew(&mut self, session: &Session) -> Result<(), AppError> {
        let reader = session.store.reader()?;
        let own = &session.store.origin().public_key;
        self.roots = reader.roots()?.into_iter().map(|root| root.path).collect();
        let known = view::known_flakes(&reader)?.into_iter().filter(|flake| !flake.removed && flake.origin == *own);
        let directories = known.map(|flake| flake.directory.to_path());
        let flakes = directories.filter(|directory| self.is_below_a_root(directory)).collect();
        let before = std::mem::replace(&mut self.flakes, flakes);
        self.forgotten = reader.forgotten()?.into_iter().map(|(path, _)| path).collect();
        self.await_others(before);
        self.watched = self.list();
        Ok(())
    }

    fn await_others(&mut self, before: BTreeSet<PathBuf>) {
        let now = Instant::now();
        let Self { flakes, roots, forgotten, new, removed, .. } = self;
        removed.add(before.into_iter().filter(|directory| !flakes.contains(directory)), now);
        let is_awaited = |directory: &Path| {
            !flakes.contains(directory)
                && !forgotten.contains(directory)
                && directory.ancestors().any(|above| roots.contains(above))
        };
        removed.keep(is_awaited, now);
        new.keep(|directory| is_awaited(directory) && directory.is_dir(), now);
    }

    fn list(&mut self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut watched: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        self.git.retain(|directory, _| self.flakes.contains(directory));
        let (there, missing): (Vec<&PathBuf>, Vec<&PathBuf>) = self.flakes.iter().partition(|path| path.is_dir());
        for directory in there {
            if let Some(git) = git_directory(&mut self.git, directory) {
                watched.entry(git).or_default().insert(directory.clone());
            }
            if let Some(above) = directory.parent() {
                watched.entry(above.to_owned()).or_default();
            }
            watched.entry(directory.clone()).or_default().insert(directory.clone());
        }
        let awaited = self.removed.iter().chain(self.new.iter());
        for directory in missing.into_iter().chain(&self.roots).chain(awaited) {
            // What is not there comes back below what is.
            if let Some(nearest) = directory.ancestors().find(|above| above.is_dir()) {
                watched.entry(nearest.to_owned()).or_default();
            }
        }
        watched
    }

    /// Whether scans look for flakes there at all, as far as the roots say.
    pub(super) fn is_below_a_root(&self, directory: &Path) -> bool {
        directory.ancestors().any(|above| self.roots.contains(above))
    }

    /// Whether a flake is expected in a directory that has none.
    pub(super) fn is_awaited(&self, directory: &Path) -> bool {
        self.new.contains(directory) || self.removed.contains(directory)
    }

    /// The flakes in a directory and below it.
    pub(super) fn flakes_below<'p>(&'p self, directory: &'p Path) -> impl Iterator<Item = &'p PathBuf> {
        self.flakes
            .range::<Path, _>((Included(directory), Unbounded))
            .take_while(move |flake| flake.starts_with(directory))
    }

    /// The directories of flakes that are not there, or hold none any more.
    pub(super) fn gone(&self) -> BTreeSet<PathBuf> {
        self.flakes.iter().filter(|directory| is_gone(directory)).cloned().collect()
    }

    /// Whether a flake that is there would be news.
    pub(super) fn may_appear_in(&self, directory: &Path) -> bool {
        !self.flakes.contains(directory) && !self.forgotten.contains(directory)
    }

    /// Awaits no flakes any more; returns whether any were.
    pub(super) fn await_none(&mut self) -> bool {
        let (new, removed) = (self.new.clear(), self.removed.clear());
        new || removed
    }

    /// The flakes in these directories and below them are looked at: their repositories may be others now.
    pub(super) fn look_at(&mut self, directories: &[PathBuf]) {
        let directories: BTreeSet<&Path> = directories.iter().map(PathBuf::as_path).collect();
        self.git.retain(|flake, _| !flake.ancestors().any(|above| directories.contains(above)));
    }

    /// The same for all of them.
    pub(super) fn look_at_all(&mut self) {
        self.git.clear();
    }
}

/// Whether a directory that held a flake is not there, or holds none any more. One that cannot be looked into may hold it.
fn is_gone(directory: &Path) -> bool {
    let is_there = directory.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    !is_there || directory.join("flake.nix").symlink_metadata().err().is_some_and(is_absent)
}

/// Finding a repository takes a while, so it is done again only when the flake is looked at, or the repository is gone.
fn git_directory(known: &mut BTreeMap<PathBuf, Option<PathBuf>>, flake: &Path) -> Option<PathBuf> {
    match known.get(flake) {
        Some(Some(git)) if git.is_dir() => return Some(git.clone()),
        Some(None) => return None,
        Some(Some(_)) | None => {}
    }
    let found = Repository::discover(flake).ok().flatten().map(|found| found.git_directory().to_owned());
    known.insert(flake.to_owned(), found.clone());
    found
}

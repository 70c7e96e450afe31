//! Watching directories: says which of them changed, as soon as the system tells.
//!
//! One level deep, never recursive: a home directory has more directories than a system watches. What a network file
//! system does not tell is found by the next scan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Directories under watch.
pub struct Watch {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<notify::Event>>,
    watched: BTreeSet<PathBuf>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watched", &self.watched.len()).finish_non_exhaustive()
    }
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The directories in which something changed, or that are new.
    pub directories: BTreeSet<PathBuf>,
    /// Whether the system lost count: look at everything.
    pub everything: bool,
}

impl Changed {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty() && !self.everything
    }
}

impl Watch {
    /// A watch on nothing yet.
    ///
    /// # Errors
    /// When the system offers none.
    pub fn new() -> Result<Self, notify::Error> {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(move |event| drop(sender.send(event)))?;
        Ok(Self { watcher, events, watched: BTreeSet::new() })
    }

    /// Watches these directories and no others; returns those that could not be, each with one sentence.
    pub fn set(&mut self, directories: BTreeSet<PathBuf>) -> Vec<(PathBuf, String)> {
        for gone in self.watched.difference(&directories) {
            // A directory that is gone is not watched any more anyway.
            let _ = self.watcher.unwatch(gone);
        }
        let mut failed = Vec::new();
        let mut watched = BTreeSet::new();
        for directory in directories {
            if !self.watched.contains(&directory)
                && let Err(error) = self.watcher.watch(&directory, RecursiveMode::NonRecursive)
            {
                failed.push((directory, error.to_string()));
                continue;
            }
            watched.insert(directory);
        }
        self.watched = watched;
        failed
    }

    /// Waits for a change, at most so long; then until it has been quiet for `quiet`, so that one edit is one change.
    pub fn next(&self, longest: Duration, quiet: Duration) -> Changed {
        let mut changed = Changed::default();
        let mut wait = longest;
        let begun = Instant::now();
        loop {
            match self.events.recv_timeout(wait) {
                Ok(event) => {
                    take(event, &mut changed);
                    // Something that never rests is told of all the same.
                    if begun.elapsed() > longest + quiet * 8 {
                        return changed;
                    }
                    if !changed.is_empty() {
                        wait = quiet;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return changed,
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(wait);
                    return changed;
                }
            }
        }
    }
}

fn take(event: notify::Result<notify::Event>, changed: &mut Changed) {
    let Ok(event) = event else {
        changed.everything = true;
        return;
    };
    if event.need_rescan() {
        changed.everything = true;
    }
    // Reading changes nothing: our own scan must not wake us.
    if matches!(event.kind, EventKind::Access(_)) {
        return;
    }
    for path in event.paths {
        changed.directories.extend(directory_of(&path));
    }
}

/// A new directory stands for itself, anything else for the directory it lies in.
fn directory_of(path: &Path) -> Option<PathBuf> {
    if path.is_dir() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const QUIET: Duration = Duration::from_millis(50);

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is the user who edits")]
    fn edits_renames_and_new_directories_are_told_and_reading_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("flake.nix"), "{ }").unwrap();
        let mut watch = Watch::new().unwrap();
        assert_eq!(watch.set([root.clone()].into()), []);
        fs::read(root.join("flake.nix")).unwrap();
        assert!(watch.next(QUIET, QUIET).is_empty());
        // As editors write: beside, then over it.
        fs::write(root.join("flake.nix~"), "{ a = 1; }").unwrap();
        fs::rename(root.join("flake.nix~"), root.join("flake.nix")).unwrap();
        assert_eq!(watch.next(LONG, QUIET).directories, [root.clone()].into());
        fs::create_dir(root.join("new")).unwrap();
        assert!(watch.next(LONG, QUIET).directories.contains(&root.join("new")));
        let failed = watch.set([root.join("nowhere")].into());
        assert_eq!(failed.len(), 1);
        fs::write(root.join("flake.nix"), "").unwrap();
        assert!(watch.next(QUIET, QUIET).is_empty(), "no longer watched");
    }
}

//! Watching directories: says which of them changed, as soon as the system tells.
//!
//! One level deep, never recursive: a home directory has more directories than a system watches. What a network file
//! system does not tell is found by the next scan.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Included, Unbounded};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{ModifyKind, RenameMode};
use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Directories under watch.
pub struct Watch {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<notify::Event>>,
    watched: BTreeMap<PathBuf, Identity>,
    lost: BTreeSet<PathBuf>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watched", &self.watched.len()).finish_non_exhaustive()
    }
}

/// Why nothing, or not everything, is watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwatched {
    /// The system watches no more directories.
    #[error(
        "the system watches no more of them for this user; raise the limit, as with `sysctl fs.inotify.max_user_watches=1048576`"
    )]
    TooMany,
    /// The system gives no watcher.
    #[error(
        "the system gives this user no more watchers; end other programs that watch files, or raise the limit, as with `sysctl fs.inotify.max_user_instances=1024`"
    )]
    NoWatcher,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// What came of it when the directories that are watched were set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// The directories that are watched only from now on: what happened in them before was not told.
    pub fresh: BTreeSet<PathBuf>,
    /// Those of them that were watched before and are others now, or were removed or renamed meanwhile.
    pub replaced: BTreeSet<PathBuf>,
    /// How many are there and are not watched.
    pub failed: usize,
    /// Why they are not; of several reasons that they are too many, or else the first.
    pub why: Option<Unwatched>,
}

impl Renewed {
    /// Takes over what an attempt before it began to watch and is still wanted: it is no less fresh for that.
    pub fn take(&mut self, before: Self, is_wanted: impl Fn(&Path) -> bool) {
        self.fresh.extend(before.fresh.into_iter().filter(|directory| is_wanted(directory)));
        self.replaced.extend(before.replaced.into_iter().filter(|directory| is_wanted(directory)));
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

/// What tells a directory from another one of the same name. The number of one that was removed is given away again at
/// once: when it was made is compared as well, where the file system knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    made: Option<SystemTime>,
}

impl Identity {
    fn of(directory: &Path) -> Option<Self> {
        let meta = directory.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some(Self { device: meta.dev(), inode: meta.ino(), made: meta.created().ok() })
    }
}

impl Watch {
    /// A watch on nothing yet.
    ///
    /// # Errors
    /// When the system offers none.
    pub fn new() -> Result<Self, Unwatched> {
        let (sender, events) = channel();
        let watcher =
            notify::recommended_watcher(move |event| drop(sender.send(event))).map_err(|error| no_watcher(&error))?;
        Ok(Self { watcher, events, watched: BTreeMap::new(), lost: BTreeSet::new() })
    }

    /// Watches these directories and no others, also where another one has taken the place of one that was watched. What
    /// is not there is passed over.
    pub fn set(&mut self, directories: &BTreeSet<PathBuf>) -> Renewed {
        let before = self.release(directories);
        let mut renewed = Renewed::default();
        for directory in directories {
            if self.watched.contains_key(directory) {
                continue;
            }
            // Asked before: one that is replaced in between is known for another the next time.
            let Some(identity) = Identity::of(directory) else { continue };
            if renewed.why == Some(Unwatched::TooMany) {
                renewed.failed += 1;
            } else if let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                if let Some(why) = why(directory, &error) {
                    tracing::debug!(directory = %directory.display(), %why, "not watched");
                    renewed.failed += 1;
                    if renewed.why.is_none() || why == Unwatched::TooMany {
                        renewed.why = Some(why);
                    }
                }
            } else {
                self.watched.insert(directory.clone(), identity);
                renewed.fresh.insert(directory.clone());
                if before.contains(directory) {
                    renewed.replaced.insert(directory.clone());
                }
            }
        }
        renewed
    }

    /// Ends the watch on what is not wanted, or is another directory now; returns the latter. All before any new watch
    /// begins: a directory with two names is watched once, and would not be any more when one of them goes.
    fn release(&mut self, wanted: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let lost = std::mem::take(&mut self.lost);
        let mut replaced = BTreeSet::new();
        for (directory, identity) in std::mem::take(&mut self.watched) {
            let is_wanted = wanted.contains(&directory);
            let is_lost = directory.ancestors().any(|above| lost.contains(above));
            if is_wanted && !is_lost && Identity::of(&directory).as_ref() == Some(&identity) {
                self.watched.insert(directory, identity);
                continue;
            }
            // One that is gone is not watched any more anyway.
            let _ = self.watcher.unwatch(&directory);
            if is_wanted {
                replaced.insert(directory);
            }
        }
        replaced
    }

    /// How many directories are watched.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Whether nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Whether a directory that is watched was removed or renamed: it is to be set anew.
    pub fn is_stale(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Waits for a change, at most so long; then until it has been quiet for `quiet`, so that one edit is one change.
    pub fn next(&mut self, longest: Duration, quiet: Duration) -> Changed {
        let mut changed = Changed::default();
        let mut wait = longest;
        let begun = Instant::now();
        loop {
            match self.events.recv_timeout(wait) {
                Ok(event) => {
                    self.take(event, &mut changed);
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

    fn take(&mut self, event: notify::Result<notify::Event>, changed: &mut Changed) {
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
            if takes_away(event.kind) && self.is_watched_below(&path) {
                self.lost.insert(path);
            }
        }
    }

    /// Whether a path, or anything below it, is watched.
    fn is_watched_below(&self, path: &Path) -> bool {
        let from = self.watched.range::<Path, _>((Included(path), Unbounded)).next();
        from.is_some_and(|(first, _)| first.starts_with(path))
    }
}

/// Whether what lay there is gone, also when something else lies there by now.
const fn takes_away(kind: EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Any)))
}

/// A new directory stands for itself, anything else for the directory it lies in.
fn directory_of(path: &Path) -> Option<PathBuf> {
    if path.is_dir() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) }
}

/// Why a directory cannot be watched; none when it is gone, which is for whoever looks.
fn why(directory: &Path, error: &notify::Error) -> Option<Unwatched> {
    let said = match &error.kind {
        ErrorKind::PathNotFound => return None,
        ErrorKind::MaxFilesWatch => return Some(Unwatched::TooMany),
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    };
    Some(Unwatched::Other(format!("`{}`: {said}; let this user read it", directory.display())))
}

fn no_watcher(error: &notify::Error) -> Unwatched {
    match &error.kind {
        ErrorKind::Io(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            Unwatched::NoWatcher
        }
        ErrorKind::Io(error) => Unwatched::Other(error.to_string()),
        _ => Unwatched::Other(error.to_string()),
    }
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
        let renewed = watch.set(&[root.clone()].into());
        assert_eq!(renewed, Renewed { fresh: [root.clone()].into(), ..Renewed::default() });
        fs::read(root.join("flake.nix")).unwrap();
        assert!(watch.next(QUIET, QUIET).is_empty());
        // As editors write: beside, then over it.
        fs::write(root.join("flake.nix~"), "{ a = 1; }").unwrap();
        fs::rename(root.join("flake.nix~"), root.join("flake.nix")).unwrap();
        assert_eq!(watch.next(LONG, QUIET).directories, [root.clone()].into());
        fs::create_dir(root.join("new")).unwrap();
        assert!(watch.next(LONG, QUIET).directories.contains(&root.join("new")));
        assert_eq!(watch.set(&[root.join("nowhere")].into()), Renewed::default(), "what is not there is passed over");
        fs::write(root.join("flake.nix"), "").unwrap();
        assert!(watch.next(QUIET, QUIET).is_empty(), "no longer watched");
    }

    /// A directory of this name in a new folder, which is watched.
    fn watching(name: &str) -> (tempfile::TempDir, PathBuf, Watch) {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(&directory).unwrap();
        let mut watch = Watch::new().unwrap();
        watch.set(&[directory.clone()].into());
        (folder, directory, watch)
    }

    #[expect(clippy::disallowed_methods, reason = "the test is the user who edits")]
    fn hears_an_edit(watch: &mut Watch, directory: &Path) -> bool {
        while !watch.next(QUIET, QUIET).is_empty() {}
        fs::write(directory.join("flake.nix"), "{ }").unwrap();
        watch.next(LONG / 10, QUIET).directories.contains(directory)
    }

    #[test]
    fn a_directory_that_takes_the_place_of_a_watched_one_is_watched() {
        type Replace = fn(&Path);
        let replace: [(&str, Replace); 3] = [
            ("moved away", |directory| {
                fs::rename(directory, directory.with_extension("old")).unwrap();
                fs::create_dir(directory).unwrap();
            }),
            // The new one often gets the number of the old one.
            ("removed", |directory| {
                fs::remove_dir_all(directory).unwrap();
                fs::create_dir(directory).unwrap();
            }),
            ("with the one above it", |directory| {
                let above = directory.parent().unwrap();
                fs::rename(above, above.with_extension("old")).unwrap();
                fs::create_dir_all(directory).unwrap();
            }),
        ];
        for (how, replace) in replace {
            for heard in [true, false] {
                let (_folder, directory, mut watch) = watching("above/watched");
                replace(&directory);
                // As when a scan comes before what the system tells is looked at.
                if heard {
                    watch.next(QUIET, QUIET);
                }
                let renewed = watch.set(&[directory.clone()].into());
                assert_eq!(renewed.replaced, [directory.clone()].into(), "{how}, heard: {heard}");
                assert!(hears_an_edit(&mut watch, &directory), "{how}, heard: {heard}");
                if heard {
                    assert_eq!(watch.set(&[directory].into()).fresh, [].into(), "{how}: once");
                }
            }
        }
    }

    #[test]
    fn what_is_begun_in_two_attempts_is_fresh_and_replaced_as_in_one() {
        let (_folder, directory, mut watch) = watching("replaced");
        let [above, other] = ["above", "other"].map(|name| directory.with_extension(name));
        fs::rename(&directory, directory.with_extension("old")).unwrap();
        for directory in [&directory, &above, &other] {
            fs::create_dir(directory).unwrap();
        }
        let first = watch.set(&[directory.clone(), above.clone()].into());
        let mut renewed = watch.set(&[directory.clone(), other.clone()].into());
        assert_eq!(renewed.fresh, [other.clone()].into());
        renewed.take(first, |directory| *directory != above);
        let expected =
            Renewed { fresh: [directory.clone(), other].into(), replaced: [directory].into(), ..Renewed::default() };
        assert_eq!(renewed, expected);
    }

    #[test]
    fn a_directory_that_was_away_and_is_back_is_watched_again() {
        let (_folder, directory, mut watch) = watching("watched");
        let away = directory.with_extension("away");
        fs::rename(&directory, &away).unwrap();
        fs::rename(&away, &directory).unwrap();
        watch.next(LONG, QUIET);
        assert!(watch.is_stale());
        assert_eq!(watch.set(&[directory.clone()].into()).replaced, [directory.clone()].into());
        assert!(hears_an_edit(&mut watch, &directory));
        assert!(!watch.is_stale(), "an edit is no loss");
    }

    #[test]
    fn a_directory_that_is_watched_by_its_new_name_is_heard_by_that_alone() {
        let (_folder, directory, mut watch) = watching("above/watched");
        let above = directory.parent().unwrap().to_owned();
        fs::rename(&above, above.with_extension("new")).unwrap();
        let renamed = above.with_extension("new").join("watched");
        assert_eq!(watch.set(&[renamed.clone()].into()).fresh, [renamed.clone()].into());
        assert!(hears_an_edit(&mut watch, &renamed));
        assert_eq!(watch.len(), 1);
    }
}

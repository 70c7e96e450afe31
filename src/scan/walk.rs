//! The walk: every directory below the roots, in parallel, and the flakes in them.
//!
//! Opens no file; what a flake says is read elsewhere, by those who need it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;

use super::git_rules::{GitRules, Markers};
use super::rules::{Rules, Why};
use super::{Error, Options, PIN_FILES};

mod missing;
mod stamp;

mod tracked;

pub use missing::is_taken_away;
pub use stamp::FileStamp;
pub use tracked::{Answer, Ask};

/// What a walk found. Flakes and problems are in path order, so two walks of the same tree are equal.
#[derive(Debug, Default)]
pub struct Walk {
    /// Every directory with a `flake.nix` or a `flake.lock`.
    pub flakes: Vec<Found>,
    /// Those that only hold a `flake.nix` that git's rules leave out: they count where git tracks it all the same.
    pub ignored: Vec<Found>,
    /// Every Nix file beside the `flake.nix`, when they were asked for.
    pub nix: Box<[(PathBuf, FileStamp)]>,
    /// The files, and links, that pin sources without a flake, when they were asked for, in path order.
    pub pins: Box<[PathBuf]>,
    /// How many files were seen, whatever their name.
    pub files: u64,
    /// What could not be looked at, each with one sentence.
    pub problems: Vec<(PathBuf, String)>,
    listed: HashSet<PathBuf>,
    /// What git's rules leave out, where git was asked: only what it tracks of that was looked at.
    asked: HashSet<PathBuf>,
    passed: HashMap<PathBuf, Passed>,
    /// What git tracks of that, also where it cannot be looked at.
    tracked: HashSet<PathBuf>,
    /// All the roots there are.
    within: Vec<PathBuf>,
    /// Roots that a link stands for by now, with the listed directory that it leads to.
    replaced: Vec<(PathBuf, PathBuf)>,
}

/// Why a walk passed over a directory, or a file of a kind that it looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// By a rule that holds whoever walks: git's, or a built-in one.
    ByRule,
    /// By a pattern that the user gave.
    Excluded {
        /// The pattern.
        pattern: String,
    },
}

/// A directory with a flake, or with the lock of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The directory, canonical.
    pub dir: PathBuf,
    /// Its `flake.nix`; `None` is a lock without a flake.
    pub flake_nix: Option<FileStamp>,
    /// Its `flake.lock`, if any.
    pub flake_lock: Option<FileStamp>,
    /// A `flake.lock` that git's rules leave out: it counts where git tracks it all the same.
    pub ignored_lock: Option<FileStamp>,
    /// A `flake.nix` that git's rules leave out: likewise.
    pub ignored_nix: Option<FileStamp>,
    /// Whether there is a `flake.lock` that the user's patterns leave out: nobody knows what is in it.
    pub excluded_lock: bool,
    /// Which of the two are there and cannot be looked at.
    pub unseen: Unseen,
}

/// Files that are there and cannot be looked at: links to a disk that is not mounted, directories, what is kept from this
/// user. Each with one sentence, which is a problem of the walk as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unseen {
    /// `flake.nix`.
    pub flake_nix: Option<String>,
    /// `flake.lock`.
    pub flake_lock: Option<String>,
}

/// Walks the roots and everything below them that the rules let through.
///
/// A root is walked even where a rule would leave it out. A root that cannot be read is a problem, not an error.
pub fn walk(roots: &[PathBuf], options: &Options) -> Result<Walk, Error> {
    walk_until(roots, options, &AtomicBool::new(false))
}

/// The same, until `stop` is set: what is left then was not listed, and nothing is said of it.
pub fn walk_until(roots: &[PathBuf], options: &Options, stop: &AtomicBool) -> Result<Walk, Error> {
    let state = State { nix_files: options.nix_files, pins_too: options.pins, ..State::default() };
    let roots = canonical(roots, &state);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().map_err(Error::Threads)?;
    walk_roots(&roots, options, &state, &pool, stop)?;
    let mut walked = state.finish();
    walked.within.clone_from(&options.within);
    walked.replaced = options.within.iter().filter_map(|root| replaced(root, &walked)).collect();
    Ok(walked)
}

/// Where a root leads that is, or lies behind, a link by now, when that was walked: as a root it had its real path.
fn replaced(root: &Path, walked: &Walk) -> Option<(PathBuf, PathBuf)> {
    let there = root.canonicalize().ok().filter(|there| there != root && walked.was_listed(there))?;
    Some((root.to_owned(), there))
}

/// Every Nix file and every lock below the paths, in path order. A path that is a file itself is taken as it is.
///
/// The same rules as for flakes: what git ignores and what the built-in list names is left out.
pub fn walk_nix(paths: &[PathBuf], options: &Options) -> Result<NixFiles, Error> {
    let state = State { nix_files: true, locks: true, ..State::default() };
    let (files, roots): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|path| !path.is_dir());
    for file in &files {
        match file.canonicalize() {
            Ok(path) => state.see_nix(&path),
            Err(error) => state.problem(file, format!("cannot be looked at: {error}")),
        }
    }
    let roots = canonical(&roots, &state);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().map_err(Error::Threads)?;
    walk_roots(&roots, options, &state, &pool, &AtomicBool::new(false))?;
    Ok(state.finish_nix())
}

/// Nix files and locks.
#[derive(Debug, Default)]
pub struct NixFiles {
    /// The files, canonical, in path order.
    pub files: Vec<(PathBuf, FileStamp)>,
    /// What could not be looked at, each with one sentence.
    pub problems: Vec<(PathBuf, String)>,
}

fn walk_roots(
    roots: &[PathBuf],
    options: &Options,
    state: &State,
    pool: &rayon::ThreadPool,
    stop: &AtomicBool,
) -> Result<(), Error> {
    for root in roots {
        let rules = Rules::new(root, roots, options)?;
        let walker = Walker { rules, state, max_depth: options.max_depth, ask: options.tracked, stop };
        let mut problems = Vec::new();
        let git = GitRules::above(root, &mut problems);
        state.problems(problems);
        if tracked::is_left_to_git(root, options) {
            state.pass_over(root, true);
        } else {
            pool.scope(|scope| walker.visit(scope, root, &git, 0));
        }
        pool.install(|| walker.take_in_tracked(root));
    }
    Ok(())
}

/// What the threads need to walk one root.
struct Walker<'w> {
    rules: Rules,
    state: &'w State,
    max_depth: Option<usize>,
    ask: Option<Ask>,
    stop: &'w AtomicBool,
}

impl<'w> Walker<'w> {
    /// Looks at the entries of a directory, and leaves the directories among them to whichever thread is free.
    fn visit<'s>(&'s self, scope: &Scope<'s>, dir: &Path, git: &GitRules, depth: usize)
    where
        'w: 's,
    {
        if self.stop.load(Ordering::Relaxed) {
            return;
        }
        let (entries, markers) = match self.list(dir) {
            Ok(listed) => listed,
            Err(error) => return self.state.fail(dir, depth, &error),
        };
        let mut problems = Vec::new();
        let git = git.enter(dir, markers, &mut problems);
        self.state.problems(problems);
        for (entry, kind) in entries {
            let path = entry.path();
            if self.leaves_out(&path, kind) {
                continue;
            }
            let is_in_depth = !kind.is_dir() || self.max_depth.is_none_or(|max| depth < max);
            if git.why_not(&path, kind.is_dir()).is_some() {
                if is_in_depth {
                    self.state.pass_over(&path, kind.is_dir());
                }
                // Of what git is asked about, it is known when it has answered.
                if self.ask.is_none() || !self.state.asks_about(&path, kind.is_dir()) {
                    self.state.pass(&path, kind, Passed::ByRule);
                }
                continue;
            }
            if !kind.is_dir() {
                self.state.see_file(&path, &entry.file_name());
                continue;
            }
            // It is no lock, and stands where one is looked for.
            if entry.file_name() == "flake.lock" {
                self.state.sort_in(&path, &entry.file_name());
            }
            if is_in_depth {
                let git = git.clone();
                scope.spawn(move |scope| self.visit(scope, &path, &git, depth + 1));
            }
        }
    }

    /// The entries of a directory. What was listed in part counts as not listed.
    fn list(&self, dir: &Path) -> std::io::Result<(Vec<(DirEntry, FileType)>, Markers)> {
        let (mut entries, mut markers, mut whole) = (Vec::new(), Markers::default(), true);
        for entry in std::fs::read_dir(dir)? {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
                Ok((kind, entry)) => {
                    markers.note(&entry.file_name());
                    entries.push((entry, kind));
                }
                Err(error) => {
                    self.state.problem(
                        dir,
                        format!("cannot be read to its end: {error}; scan again, or leave it out with `--exclude`"),
                    );
                    whole = false;
                }
            }
        }
        if whole {
            self.state.with(|seen| seen.listed.insert(dir.to_owned()));
        }
        Ok((entries, markers))
    }

    fn leaves_out(&self, path: &Path, kind: FileType) -> bool {
        if self.rules.is_other_root(path) {
            return true;
        }
        let why_not = self.rules.why_not(path, kind.is_dir(), kind.is_symlink());
        let is_left_out = why_not.is_some();
        match why_not {
            Some(Why::Excluded { pattern }) => {
                self.state.exclude(path);
                self.state.pass(path, kind, Passed::Excluded { pattern });
            }
            Some(Why::BuiltIn(_)) => self.state.pass(path, kind, Passed::ByRule),
            // What lies below a file system that is mounted over it is out of reach.
            _ => {}
        }
        is_left_out
    }
}

/// What the threads of a walk share.
#[derive(Default)]
struct State {
    /// Whether every Nix file is wanted, or flakes alone.
    nix_files: bool,
    /// Whether files are wanted one by one: the files of flakes among the others.
    locks: bool,
    /// Whether files with pins are wanted.
    pins_too: bool,
    files: AtomicU64,
    seen: Mutex<Seen>,
}

/// The files of one flake.
#[derive(Default)]
struct Files {
    nix: Option<FileStamp>,
    lock: Option<FileStamp>,
    ignored_lock: Option<FileStamp>,
    ignored_nix: Option<FileStamp>,
    excluded_lock: bool,
    /// Whether the user's patterns leave out its `flake.nix`, and so the flake.
    excluded_nix: bool,
    unseen: Unseen,
}

impl Files {
    /// Whether the directory holds a flake, or may when git is asked, or the lock of one.
    fn is_one(&self) -> bool {
        !self.excluded_nix && self.nix.or(self.lock).or(self.ignored_nix).is_some()
    }
}

#[derive(Default)]
struct Seen {
    flakes: BTreeMap<PathBuf, Files>,
    nix: Vec<(PathBuf, FileStamp)>,
    pins: Vec<PathBuf>,
    listed: HashSet<PathBuf>,
    /// What git's rules leave out below the root that is walked, until git is asked.
    to_ask: Vec<PathBuf>,
    asked: HashSet<PathBuf>,
    passed: HashMap<PathBuf, Passed>,
    tracked: HashSet<PathBuf>,
    problems: Vec<(PathBuf, String)>,
}

impl Seen {
    fn sort(&mut self) {
        self.problems.sort();
        self.problems.dedup();
        self.nix.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.nix.dedup_by(|a, b| a.0 == b.0);
        self.pins.sort();
    }
}

impl State {
    fn with<T>(&self, use_it: impl FnOnce(&mut Seen) -> T) -> T {
        use_it(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn problem(&self, path: &Path, message: impl Into<String>) {
        self.with(|seen| seen.problems.push((path.to_owned(), message.into())));
    }

    fn problems(&self, problems: Vec<(PathBuf, String)>) {
        if !problems.is_empty() {
            self.with(|seen| seen.problems.extend(problems));
        }
    }

    fn see_file(&self, path: &Path, name: &OsStr) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.sort_in(path, name);
    }

    /// Keeps what is looked for by its name.
    fn sort_in(&self, path: &Path, name: &OsStr) {
        if self.pins_too && has_pins(path) {
            self.with(|seen| seen.pins.push(path.to_owned()));
        }
        let is_nix = name == "flake.nix";
        if self.locks && (is_nix || name == "flake.lock") {
            return self.see_nix(path);
        }
        if self.nix_files && !is_nix && is_nix_file(name) {
            return self.see_nix(path);
        }
        if is_nix || name == "flake.lock" {
            self.see_flake(path, is_nix);
        }
    }

    /// Whether a file is wanted by itself, and not as one of the two of a flake.
    fn wants(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        self.pins_too && has_pins(path)
            || self.locks && of_flake(path).is_some()
            || self.nix_files && is_nix_file(name) && name != "flake.nix"
    }

    /// Whether git is asked about something that its rules leave out.
    fn asks_about(&self, path: &Path, is_dir: bool) -> bool {
        is_dir || self.wants(path)
    }

    /// Keeps why something is left out, where that may be asked for.
    fn pass(&self, path: &Path, kind: FileType, why: Passed) {
        if kind.is_dir() || self.wants(path) || path.ends_with("flake.lock") {
            self.with(|seen| seen.passed.insert(path.to_owned(), why));
        }
    }

    /// A file or directory that git's rules leave out.
    fn pass_over(&self, path: &Path, is_dir: bool) {
        if self.asks_about(path, is_dir) {
            self.with(|seen| seen.to_ask.push(path.to_owned()));
        }
        let Some((dir, is_nix)) = of_flake(path) else { return };
        if let Some(meta) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file) {
            self.with(|seen| {
                let files = seen.flakes.entry(dir.to_owned()).or_default();
                let ignored = if is_nix { &mut files.ignored_nix } else { &mut files.ignored_lock };
                *ignored = Some(FileStamp::new(&meta));
            });
        }
    }

    /// A file or directory that the user's patterns leave out.
    fn exclude(&self, path: &Path) {
        let Some((dir, is_nix)) = of_flake(path) else { return };
        self.with(|seen| {
            let files = seen.flakes.entry(dir.to_owned()).or_default();
            *(if is_nix { &mut files.excluded_nix } else { &mut files.excluded_lock }) = true;
        });
    }

    fn see_nix(&self, path: &Path) {
        if let Some(Ok(stamp)) = self.stamp(path) {
            self.with(|seen| seen.nix.push((path.to_owned(), stamp)));
        }
    }

    fn see_flake(&self, path: &Path, is_nix: bool) {
        let Some(stamp) = self.stamp(path) else { return };
        let Some(dir) = path.parent() else { return };
        self.with(|seen| {
            let Files { nix, lock, unseen, .. } = seen.flakes.entry(dir.to_owned()).or_default();
            let (there, why_not) = if is_nix { (nix, &mut unseen.flake_nix) } else { (lock, &mut unseen.flake_lock) };
            match stamp {
                Ok(stamp) => *there = Some(stamp),
                Err(why) => *why_not = Some(why),
            }
        });
    }

    /// The stamp of a regular file; what is none is a problem. What went away since its directory was listed is neither.
    fn stamp(&self, path: &Path) -> Option<Result<FileStamp, String>> {
        let why = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() => return Some(Ok(FileStamp::new(&meta))),
            Ok(meta) if meta.is_dir() && !path.is_symlink() => "is a directory; replace it by a file".to_owned(),
            Ok(meta) if meta.is_dir() => "leads to a directory; a file is needed here".to_owned(),
            Ok(_) => "is not a regular file and was not opened; replace it by one".to_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => return None,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "is a link to something that is not there; mend the link, or remove it".to_owned()
            }
            Err(error) => format!("cannot be looked at: {error}"),
        };
        self.problem(path, why.clone());
        Some(Err(why))
    }

    /// A directory that could not be listed. One that went away since its parent was listed is no problem.
    fn fail(&self, dir: &Path, depth: usize, error: &std::io::Error) {
        if depth == 0 || error.kind() != ErrorKind::NotFound {
            self.problem(
                dir,
                format!("cannot be read: {error}; let this user read it, or leave it out with `--exclude`"),
            );
        }
    }

    fn finish_nix(self) -> NixFiles {
        let mut seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        seen.sort();
        NixFiles { files: seen.nix, problems: seen.problems }
    }

    fn finish(self) -> Walk {
        let mut seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        seen.sort();
        let found = |(dir, files): (_, Files)| {
            let Files { nix, lock, ignored_lock, ignored_nix, excluded_lock, unseen, .. } = files;
            Found { dir, flake_nix: nix, flake_lock: lock, ignored_lock, ignored_nix, excluded_lock, unseen }
        };
        let all = seen.flakes.into_iter().filter(|(_, files)| files.is_one()).map(found);
        let (flakes, ignored) = all.partition(|found| found.flake_nix.or(found.flake_lock).is_some());
        Walk {
            flakes,
            ignored,
            nix: seen.nix.into(),
            pins: seen.pins.into(),
            files: self.files.into_inner(),
            problems: seen.problems,
            listed: seen.listed,
            asked: seen.asked,
            passed: seen.passed,
            tracked: seen.tracked,
            within: Vec::new(),
            replaced: Vec::new(),
        }
    }
}

fn is_nix_file(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".nix")
}

fn has_pins(path: &Path) -> bool {
    PIN_FILES.iter().any(|name| path.ends_with(name))
}

/// The directory of one of the two files of a flake, and whether it is `flake.nix`.
fn of_flake(path: &Path) -> Option<(&Path, bool)> {
    let is_nix = path.ends_with("flake.nix");
    Some((path.parent().filter(|_| is_nix || path.ends_with("flake.lock"))?, is_nix))
}

/// The roots that can be walked, each once; the others become problems.
fn canonical(roots: &[PathBuf], state: &State) -> Vec<PathBuf> {
    let mut walkable: Vec<PathBuf> = Vec::new();
    for root in roots {
        match root.canonicalize() {
            Ok(path) if !path.is_dir() => state.problem(&path, "is not a directory; name the directory of the flake"),
            Ok(path) if walkable.contains(&path) => {}
            Ok(path) => walkable.push(path),
            Err(error) => {
                let step = "mount its disk, or `cim-nix roots forget` it";
                state.problem(root, format!("cannot be walked: {error}; {step}"));
            }
        }
    }
    walkable
}

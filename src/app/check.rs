//! Checking: every Nix file and every flake below some paths, by the rules of the lint room. Writes nothing but a cache.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use rayon::prelude::*;

use super::AppError;
use super::scan::tracked_of;
use crate::lint::{Beside, Finding, Linter, Rule, Selection};
use crate::scan::{DEFAULT_LIMIT, FileStamp, FileText, Options, ReadError, read_text, walk_nix};
use crate::syntax::links::Link;

pub mod baseline;

mod cache;

mod beside;

use beside::Files;
use cache::Cache;

/// What to check and how.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// Files, and directories with everything below them.
    pub paths: Vec<PathBuf>,
    /// Patterns of what to leave out, as in a `.gitignore`.
    pub excludes: Vec<String>,
    /// Which rules.
    pub selection: Selection,
    /// Threads to work with; 0 for one per processor.
    pub threads: usize,
    /// Now, in microseconds since 1970 UTC: what ages and days are compared with.
    pub now: i64,
    /// Where what was found is remembered, so that unchanged files are not read; none to read everything.
    pub cache: Option<PathBuf>,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// How many files were looked at.
    pub files: u64,
    /// Files with findings, in path order.
    pub found: Vec<FileFindings>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A file or directory that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// Where it is.
    pub path: PathBuf,
    /// The rule that finds it, by the name that a scan gives it as well: `unreadable`, `too-large`.
    pub rule: &'static str,
    /// One sentence.
    pub message: String,
}

/// The findings of one file, in the order of its text.
#[derive(Debug, Clone)]
pub struct FileFindings {
    /// The file, canonical.
    pub path: PathBuf,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

/// What is checked together: a Nix file, or a `flake.nix` and its lock.
#[derive(Debug, Default)]
struct Item {
    nix: Option<(PathBuf, FileStamp)>,
    lock: Option<(PathBuf, FileStamp)>,
    /// A file that was not asked for, but without which the other cannot be judged.
    beside: Option<&'static str>,
    /// Whether there is a lock that cannot be looked at: a directory, or a link that leads to no file.
    unseen_lock: bool,
}

/// Checks every file below the paths.
pub fn check(request: &CheckRequest) -> Result<CheckReport, AppError> {
    for path in &request.paths {
        std::fs::metadata(path).map_err(|source| AppError::Path { path: path.clone(), source })?;
    }
    let (excludes, threads) = (request.excludes.clone(), request.threads);
    let options = Options { excludes, threads, tracked: Some(tracked_of), ..Options::default() };
    let walked = walk_nix(&request.paths, &options)?;
    let unread = |(path, message)| Unread { path, rule: "unreadable", message };
    let mut report =
        CheckReport { unread: walked.problems.into_iter().map(unread).collect(), ..CheckReport::default() };
    report.files = u64::try_from(walked.files.len()).unwrap_or(u64::MAX);
    let items = items(walked.files);
    let today = day(request.now);
    let cache = Cache::open(request, &today);
    let linter = Linter::new(&request.selection, today);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).build().map_err(AppError::Threads)?;
    let files = Files::default();
    let looked: Vec<Looked> =
        pool.install(|| items.par_iter().map(|item| look(item, &linter, (&cache, &files), request)).collect());
    cache.keep(&items, &looked, request.now);
    for (item, looked) in items.into_iter().zip(looked) {
        report.add(item, looked);
    }
    report.found.sort_by(|a, b| a.path.cmp(&b.path));
    report.unread.sort();
    Ok(report)
}

/// A day as in `2026-11-28`.
pub fn day(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// The rules with unknown names in a selection are refused before anything is read.
pub fn known(selection: &Selection) -> Result<(), AppError> {
    let Some(name) = selection.unknown() else { return Ok(()) };
    let near = crate::lint::rules::RULES.iter().map(|rule| (strsim::jaro_winkler(rule.name, name), rule.name));
    let near = near.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name);
    Err(AppError::UnknownRule { name: name.to_owned(), near })
}

/// What a look at one item gave: the findings of the Nix file and of the lock, or why they could not be read.
#[derive(Debug, Default)]
struct Looked {
    nix: Vec<Finding>,
    lock: Vec<Finding>,
    failed: Option<Unread>,
    /// The files that were asked for beside it.
    beside: Vec<PathBuf>,
}

fn items(files: Vec<(PathBuf, FileStamp)>) -> Vec<Item> {
    let mut flakes: BTreeMap<PathBuf, Item> = BTreeMap::new();
    let mut items = Vec::with_capacity(files.len());
    for (path, stamp) in files {
        let name = path.file_name().unwrap_or_default();
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        if name == "flake.nix" {
            flakes.entry(directory).or_default().nix = Some((path, stamp));
        } else if name == "flake.lock" {
            flakes.entry(directory).or_default().lock = Some((path, stamp));
        } else {
            items.push(Item { nix: Some((path, stamp)), ..Item::default() });
        }
    }
    items.extend(flakes.into_iter().map(|(directory, item)| item.completed(&directory)));
    items
}

/// A file of a flake with its stamp, when it is there.
fn sibling(directory: &Path, name: &str) -> Option<(PathBuf, FileStamp)> {
    let path = directory.join(name);
    let meta = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
    Some((path, FileStamp::new(&meta)))
}

fn look(item: &Item, linter: &Linter, (cache, files): (&Cache, &Files), request: &CheckRequest) -> Looked {
    if let Some(known) = cache.find(item) {
        return known;
    }
    let directory = item.nix.as_ref().and_then(|(path, _)| path.parent()).unwrap_or(Path::new(""));
    let asked = RefCell::default();
    let ask = |link: &Link| files.ask(directory, link, &mut asked.borrow_mut());
    let beside = Beside::new(&ask);
    let mut looked = match read(item) {
        Ok((nix, lock)) if item.is_flake() => {
            let text = |file: &Option<FileText>| file.as_ref().map(|file| file.text.clone());
            let now = Some(seconds(request.now));
            let mut found = linter.check_flake_beside(text(&nix).as_deref(), text(&lock).as_deref(), now, beside);
            found.nix.retain(|finding| !item.unseen_lock || finding.rule.name != "no-lock");
            Looked { nix: found.nix, lock: found.lock, ..Looked::default() }
        }
        Ok((nix, _)) => {
            let findings = nix.map_or_else(Vec::new, |file| linter.check_beside(&file.text, beside));
            Looked { nix: findings, ..Looked::default() }
        }
        Err(error) => {
            let (path, rule, message) = (error.path().to_owned(), error.code(), super::chain(&error));
            Looked { failed: Some(Unread { path, rule, message }), ..Looked::default() }
        }
    };
    looked.beside = asked.into_inner();
    looked
}

/// The time as rules take it.
const fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}

impl Item {
    /// With the lock of a flake that was named alone, or the flake of a lock.
    fn completed(mut self, directory: &Path) -> Self {
        for (name, file) in [("flake.nix", &mut self.nix), ("flake.lock", &mut self.lock)] {
            if file.is_none() {
                *file = sibling(directory, name);
                self.beside = file.as_ref().map(|_| name);
            }
        }
        self.unseen_lock = self.lock.is_none() && directory.join("flake.lock").symlink_metadata().is_ok();
        self
    }

    fn is_flake(&self) -> bool {
        self.lock.is_some() || self.nix.as_ref().is_some_and(|(path, _)| path.ends_with("flake.nix"))
    }
}

fn read(item: &Item) -> Result<(Option<FileText>, Option<FileText>), ReadError> {
    let text =
        |at: &Option<(PathBuf, FileStamp)>| at.as_ref().map(|(path, _)| read_text(path, DEFAULT_LIMIT)).transpose();
    Ok((text(&item.nix)?, text(&item.lock)?))
}

impl CheckReport {
    fn add(&mut self, item: Item, looked: Looked) {
        self.unread.extend(looked.failed);
        for (at, findings) in [(item.nix, looked.nix), (item.lock, looked.lock)] {
            if let Some((path, _)) = at
                && !findings.is_empty()
                && !item.beside.is_some_and(|name| path.ends_with(name))
            {
                self.found.push(FileFindings { path, findings });
            }
        }
    }

    /// Every finding with its file, in path order.
    pub fn findings(&self) -> impl Iterator<Item = (&Path, &Finding)> {
        self.found.iter().flat_map(|file| file.findings.iter().map(|finding| (file.path.as_path(), finding)))
    }

    /// Keeps what a question says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&Path, &Finding) -> bool) {
        for file in &mut self.found {
            let FileFindings { path, findings } = file;
            findings.retain(|finding| keep(path, finding));
        }
        self.found.retain(|file| !file.findings.is_empty());
    }
}

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    Rule::named(name)
}

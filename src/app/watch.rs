//! Watching: scans what changed as soon as the system tells, and everything now and then.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::explain::{Verdict, explain};
use super::roots::{self, Inside};
use super::scan::count_in;
use super::scan::{ScanReport, ScanRequest, scan, scan_inside};
use super::{AppError, Session};
use crate::scan::{DEFAULT_LIMIT, Renewed, Unwatched, Watch, read_text, walk_until};

mod awaited;

mod places;

use places::Places;

/// How long it must have been quiet for an edit to be over.
const QUIET: Duration = Duration::from_millis(300);
/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(500);

/// What happens while it watches.
#[derive(Debug)]
pub enum Told<'a> {
    /// A scan came to its end. One that failed is tried again with the next.
    Scanned(Result<&'a ScanReport, &'a AppError>),
    /// More or less is watched than before.
    Covers(&'a Coverage),
}

/// How much is watched of what is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The directories that are watched.
    pub watched: usize,
    /// Those that are not.
    pub unwatched: usize,
    /// Why they are not.
    pub why: Option<Unwatched>,
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { watched, unwatched, why } = self;
        let Some(why) = why else { return write!(f, "{watched} directories are watched") };
        let all = watched + unwatched;
        write!(f, "{unwatched} of {all} directories are not watched, and wait for the next scan of everything: {why}")
    }
}

/// Watches the roots until it is told to stop. `tell` hears of every scan, and how much is watched when that changes.
///
/// # Errors
/// When the ledger cannot be read.
pub fn run(
    session: &Session,
    request: &ScanRequest,
    interval: Duration,
    stop: &AtomicBool,
    tell: &dyn Fn(Told<'_>),
) -> Result<(), AppError> {
    let (watch, places, missing, told) = (None, Places::default(), BTreeSet::new(), None);
    let mut watching = Watching { session, request, stop, tell, watch, places, missing, told };
    while !watching.is_over() {
        watching.look_at_all()?;
        let begun = Instant::now();
        while begun.elapsed() < interval && !watching.is_over() && watching.wait()? {}
    }
    Ok(())
}

struct Watching<'a> {
    session: &'a Session,
    request: &'a ScanRequest,
    stop: &'a AtomicBool,
    tell: &'a dyn Fn(Told<'_>),
    watch: Option<Watch>,
    places: Places,
    /// The directories of flakes that were not there when everything was looked at last, and are not there yet.
    missing: BTreeSet<PathBuf>,
    told: Option<Coverage>,
}

impl Watching<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Scans everything. What is watched is set before, so that nothing is missed meanwhile, and after, as more may be known.
    fn look_at_all(&mut self) -> Result<(), AppError> {
        self.set()?;
        self.scan_all();
        self.renew()
    }

    /// Waits for a change for a while and scans what it concerns; false when the system has lost count of the changes.
    fn wait(&mut self) -> Result<bool, AppError> {
        let Some(watch) = &mut self.watch else {
            std::thread::sleep(NAP);
            return Ok(true);
        };
        let changed = watch.next(NAP, QUIET);
        let is_stale = watch.is_stale();
        if changed.everything || changed.is_empty() {
            return Ok(!changed.everything);
        }
        let affected = self.affected(&changed.directories);
        if self.is_any_gone() {
            self.scan_all();
        } else if affected.are_awaited || is_stale || !affected.paths.is_empty() {
            self.look(&affected.paths);
        } else {
            return Ok(true);
        }
        self.renew()?;
        Ok(true)
    }

    /// Watches what is to be watched by now, and scans what is watched only since then, as nobody told what happened there.
    fn renew(&mut self) -> Result<(), AppError> {
        while !self.is_over() {
            let renewed = self.set()?;
            if self.is_any_gone() {
                self.scan_all();
            } else if renewed.fresh.is_empty() {
                break;
            } else {
                let paths = self.unseen(&renewed);
                self.look(&paths);
            }
        }
        Ok(())
    }

    /// Whether a flake is gone since the last look at everything, which alone can tell whether it was moved or removed. One
    /// that such a look leaves in place, as when a disk is not mounted, is no reason for another.
    fn is_any_gone(&self) -> bool {
        !self.places.gone().is_subset(&self.missing)
    }

    fn scan_all(&mut self) {
        self.places.look_at_all();
        self.missing = self.places.gone();
        if !self.places.roots.is_empty() {
            let request = ScanRequest { paths: Vec::new(), ..self.request.clone() };
            self.tell_of(&scan(self.session, &request, &|_| {}, self.stop));
        }
    }

    /// Watches what is to be watched by now. Where that is more than the system watches, what is only awaited gives way.
    fn set(&mut self) -> Result<Renewed, AppError> {
        self.places.renew(self.session)?;
        let mut renewed = self.watch();
        if renewed.why == Some(Unwatched::TooMany) && self.places.await_none() {
            self.places.renew(self.session)?;
            let before = std::mem::replace(&mut renewed, self.watch());
            renewed.take(before, |directory| self.places.watched.contains_key(directory));
        }
        let gone = self.places.gone();
        self.missing.retain(|directory| gone.contains(directory));
        let watched = self.watch.as_ref().map_or(0, Watch::len);
        let covers = Coverage { watched, unwatched: renewed.failed, why: renewed.why.clone() };
        if self.told.as_ref() != Some(&covers) {
            (self.tell)(Told::Covers(&covers));
            self.told = Some(covers);
        }
        Ok(renewed)
    }

    fn watch(&mut self) -> Renewed {
        let directories = self.places.watched.keys().cloned().collect();
        let watch = match self.watch.take().map_or_else(Watch::new, Ok) {
            Ok(watch) => self.watch.insert(watch),
            Err(why) => return Renewed { failed: self.places.watched.len(), why: Some(why), ..Renewed::default() },
        };
        watch.set(&directories)
    }

    /// Scans these directories, those below another of them with it. One that is gone is for a look at everything.
    fn look(&mut self, paths: &BTreeSet<PathBuf>) {
        let is_itself = |path: &PathBuf| path.canonicalize().is_ok_and(|real| real == *path);
        let paths: Vec<PathBuf> = topmost(paths).into_iter().filter(is_itself).collect();
        let inside = match self.inside(&paths) {
            Ok(inside) if inside.is_empty() => return,
            Ok(inside) => inside,
            Err(error) => return self.tell_of(&Err(error)),
        };
        self.places.look_at(&paths);
        let command = self.session.command("scan");
        self.tell_of(&scan_inside(self.session, &inside, self.request, command, self.stop));
    }

    /// What lies in no root is nobody's business here, though it appears beside a root.
    fn inside(&self, paths: &[PathBuf]) -> Result<Vec<Inside>, AppError> {
        let reader = self.session.store.reader()?;
        let inside = paths.iter().filter_map(|path| roots::inside(&reader, path).transpose());
        Ok(inside.collect::<Result<_, _>>()?)
    }

    fn tell_of(&self, report: &Result<ScanReport, AppError>) {
        (self.tell)(Told::Scanned(report.as_ref()));
    }

    /// What a change in these directories concerns.
    fn affected(&mut self, directories: &BTreeSet<PathBuf>) -> Affected {
        let (mut paths, mut appeared) = (BTreeSet::new(), BTreeSet::new());
        for directory in directories {
            match self.places.watched.get(directory) {
                Some(flakes) if !flakes.is_empty() => paths.extend(flakes.iter().cloned()),
                Some(_) if self.is_news(directory) => {
                    paths.insert(directory.clone());
                }
                None if directory.file_name() == Some(OsStr::new(".git")) => {
                    let above = directory.parent().unwrap_or(directory);
                    paths.extend(self.places.flakes_below(above).cloned());
                }
                None if directory.parent().is_some_and(|above| self.places.watched.contains_key(above)) => {
                    appeared.insert(directory.clone());
                }
                Some(_) | None => {}
            }
        }
        let explored = self.explore(&appeared);
        paths.extend(explored.paths);
        Affected { paths, ..explored }
    }

    /// What may have happened in directories before they were watched.
    fn unseen(&mut self, renewed: &Renewed) -> BTreeSet<PathBuf> {
        let (mut paths, mut appeared) = (BTreeSet::new(), BTreeSet::new());
        for directory in &renewed.fresh {
            paths.extend(self.places.watched.get(directory).into_iter().flatten().cloned());
            let is_whole = renewed.replaced.contains(directory) || self.places.roots.contains(directory);
            if is_whole && self.is_seen(directory) || self.is_news(directory) {
                paths.insert(directory.clone());
            } else if self.places.is_awaited(directory) {
                appeared.insert(directory.clone());
            }
        }
        paths.extend(self.explore(&appeared).paths);
        paths
    }

    /// Looks into directories that appeared: those that hold something to scan are scanned, and the others are awaited, the
    /// least deep ones first.
    fn explore(&mut self, appeared: &BTreeSet<PathBuf>) -> Affected {
        let mut appeared: Vec<PathBuf> = topmost(appeared).into_iter().filter(|path| self.is_seen(path)).collect();
        if appeared.is_empty() {
            return Affected::default();
        }
        let within = self.places.roots.iter().cloned().collect();
        // What cannot be walked is told by the next scan of everything.
        let Ok(mut walked) = walk_until(&appeared, &self.request.options(within), self.stop) else {
            return Affected::default();
        };
        count_in(&mut walked);
        let held = || {
            let flakes = walked.flakes.iter().map(|found| found.dir.as_path());
            flakes
                .chain(walked.nix.iter().map(|(file, _)| file.as_path()))
                .chain(walked.pins.iter().map(PathBuf::as_path))
        };
        let flakes: BTreeSet<&Path> = walked.flakes.iter().map(|found| found.dir.as_path()).collect();
        let is_in_a_flake = |path: &Path| path.ancestors().any(|above| flakes.contains(above));
        let mut empty: Vec<PathBuf> =
            walked.directories().filter(|path| !is_in_a_flake(path)).map(Path::to_owned).collect();
        empty.sort_unstable_by_key(|path| (path.components().count(), path.clone()));
        let are_awaited = self.places.new.add(empty, Instant::now());
        appeared.retain(|directory| held().any(|path| path.starts_with(directory)));
        Affected { paths: appeared.into_iter().collect(), are_awaited }
    }

    /// Whether a directory without a known flake holds one by now. A text that cannot be read is none yet: it would be news
    /// again and again.
    fn is_news(&self, directory: &Path) -> bool {
        let nix = directory.join("flake.nix");
        let is_new = || self.places.may_appear_in(directory) && read_text(&nix, DEFAULT_LIMIT).is_ok();
        let is_awaited = self.places.is_awaited(directory) && has_flake(directory) && self.is_seen(directory);
        is_awaited || is_new() && self.is_walked(&nix)
    }

    /// Whether a scan of everything would look for flakes there.
    fn is_seen(&self, directory: &Path) -> bool {
        self.is_walked(directory) && directory.is_dir()
    }

    /// Whether a scan of everything would come by.
    fn is_walked(&self, path: &Path) -> bool {
        let roots: Vec<PathBuf> = self.places.roots.iter().cloned().collect();
        self.places.is_below_a_root(path)
            && explain(path, &roots, &self.request.excludes).is_ok_and(|explained| explained.verdict == Verdict::Seen)
    }
}

/// What a change concerns.
#[derive(Debug, Default)]
struct Affected {
    /// The directories to scan.
    paths: BTreeSet<PathBuf>,
    /// Whether a flake is expected in more directories than before.
    are_awaited: bool,
}

/// Without those that lie below another of them.
fn topmost(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let is_top = |path: &&PathBuf| !path.ancestors().skip(1).any(|above| paths.contains(above));
    paths.iter().filter(is_top).cloned().collect()
}

fn has_flake(directory: &Path) -> bool {
    ["flake.nix", "flake.lock"].iter().any(|name| directory.join(name).exists())
}

//! The scan: walk the roots, look at what changed, ask the domain what happened, store it. Seeing the same twice
//! stores nothing; stopping at any moment leaves whole commands behind, and the next scan goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::domain::finding::Severity;
use crate::domain::id::FlakeId;
use crate::domain::shell;
use crate::git;
use crate::lint::{Linter, Selection};
use crate::scan::{Found, Options, Walk, walk_until};
use crate::store::{Append, Command, LocalNote};

use super::known::Known;
use super::roots::Inside;
use super::sync::consent;
use super::{AppError, Session, roots};

mod carried;

mod device;

mod facts;

mod files;

mod forgotten;

mod hosts;

mod left_out;

mod look;

mod settle;

mod gone;

mod pins;

mod renamed;

mod system;

mod tracked;

mod unseen;

#[cfg(test)]
mod tests;

use device::Devices;
use gone::Moves;
use look::{Glance, Looker};
use renamed::Walked;
use settle::Settler;

pub(super) use renamed::is_kept;
pub(super) use tracked::{count_in, counts, tracked_of};

/// How many flakes are read ahead of the one that is being stored: bounds the memory of a scan.
const READ_AHEAD: usize = 128;

/// What to scan and how.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// The directories to make roots and to scan; none for all known roots.
    pub paths: Vec<PathBuf>,
    /// Whether what was forgotten stays so, also where a path names it, and no linked work tree becomes a root: for whoever
    /// scans unasked.
    pub keep_forgotten: bool,
    /// Patterns of what to leave out, as in a `.gitignore`.
    pub excludes: Vec<String>,
    /// Whether to read the past of the locks from git.
    pub history: bool,
    /// How far back, in seconds since 1970 UTC; all of it when absent.
    pub since: Option<i64>,
    /// Threads to work with; 0 for one per processor.
    pub threads: usize,
    /// The rules whose findings are recorded; none to leave Nix files beside the flakes alone.
    pub rules: Option<Wanted>,
    /// Whether to record modules, overlays and configurations.
    pub modules: bool,
    /// Where the machine's root is whose generations are recorded; none for no machine.
    pub system: Option<PathBuf>,
}

impl ScanRequest {
    /// How the roots are walked, or what lies in them.
    pub(super) fn options(&self, within: Vec<PathBuf>) -> Options {
        Options {
            excludes: self.excludes.clone(),
            within,
            threads: self.threads,
            nix_files: self.looks_at_files(),
            pins: true,
            tracked: Some(tracked_of),
            parts_by_rules: self.paths.is_empty() || self.keep_forgotten,
            ..Options::default()
        }
    }

    /// Whether it looks at the Nix files beside the flakes.
    const fn looks_at_files(&self) -> bool {
        self.modules || self.rules.is_some()
    }
}

/// Which findings of rules a scan records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which rules.
    pub selection: Selection,
    /// How bad a finding must be at least.
    pub least: Severity,
}

/// What a scan did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Flakes that are there.
    pub seen: u64,
    /// Flakes that were not known before.
    pub new: u64,
    /// Known flakes with something to tell.
    pub changed: u64,
    /// Flakes that are gone.
    pub removed: u64,
    /// Files that the walk came by.
    pub files: u64,
    /// Events that were stored.
    pub events: u64,
    /// Findings of rules that are new.
    pub raised: u64,
    /// Findings of rules that are gone.
    pub resolved: u64,
    /// What is wrong with flakes, in path order.
    pub problems: Vec<ScanProblem>,
    /// Known flakes, locks and files beside them that were not looked at and stay as they are recorded, in path order.
    pub left_out: Vec<LeftOut>,
    /// Private roots, and forgotten ones, that went along with what was renamed around them, in path order.
    pub roots_moved: Vec<RootMoved>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// A flake, a lock or a file beside them that the scan did not look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The directory of the flake, its lock, the file, or the directory around more of them.
    pub path: PathBuf,
    /// Why: a sentence without its subject, as in `the exclude pattern …`.
    pub why: String,
}

/// A root that is not there any more, and whose new place is as private as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootMoved {
    /// Where it lies.
    pub to: PathBuf,
    /// Where it lay.
    pub from: PathBuf,
    /// Whether it was no root any more: forgotten, it stays so.
    pub is_forgotten: bool,
}

/// Something wrong that the scan saw, whether or not it saw it before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// The line to go to, counted from 1.
    pub line: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of its kind.
    pub code: String,
    /// One sentence, with the next step.
    pub message: String,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Directories are being listed.
    Walking,
    /// So many of so many flakes are done.
    Flakes {
        /// Done.
        done: usize,
        /// In all.
        total: usize,
    },
}

/// Whether there is anything to scan where no ledger is yet. What is wrong with a request is told before one is made for it.
pub fn begins_a_ledger(request: &ScanRequest) -> Result<bool, AppError> {
    let walked = roots::directories(&request.paths)?;
    crate::scan::check_excludes(&request.excludes)?;
    if request.paths.is_empty() {
        return Err(AppError::NoRoots);
    }
    Ok(!request.keep_forgotten || walked.iter().any(|path| !git::is_in_linked_work_tree(path)))
}

/// Scans as a person asks for it. `stop` may be set from elsewhere at any moment: what is begun is finished, the rest is left
/// for the next scan.
pub fn scan(
    session: &Session,
    request: &ScanRequest,
    progress: &(dyn Fn(Progress) + Sync),
    stop: &AtomicBool,
) -> Result<ScanReport, AppError> {
    let command = session.command("scan");
    // Before anything becomes a root.
    crate::scan::check_excludes(&request.excludes)?;
    let roots = roots::to_scan(session, &request.paths, request.keep_forgotten)?;
    scan_roots(session, &roots, request, command, progress, stop)
}

/// Scans in the roots, as the command of somebody: its events belong to that conversation. Nothing becomes a root, nothing
/// that was forgotten is remembered, and the paths of the request are passed over.
pub(super) fn scan_inside(
    session: &Session,
    places: &[Inside],
    request: &ScanRequest,
    command: Command,
    stop: &AtomicBool,
) -> Result<ScanReport, AppError> {
    let places: Vec<PathBuf> = places.iter().map(|place| place.path().to_owned()).collect();
    scan_roots(session, &places, request, command, &|_| {}, stop)
}

fn scan_roots(
    session: &Session,
    roots: &[PathBuf],
    request: &ScanRequest,
    command: Command,
    progress: &(dyn Fn(Progress) + Sync),
    stop: &AtomicBool,
) -> Result<ScanReport, AppError> {
    let _span = tracing::info_span!("scan", correlation_id = %command.identity.correlation_id).entered();
    if roots.is_empty() {
        return Ok(ScanReport::default());
    }
    // Another release, or a restored backup, may have left more shared than consent covers.
    consent::follow(session)?;
    progress(Progress::Walking);
    let within = roots::list(session)?.into_iter().map(|root| root.path).collect();
    let began = session.store.reader()?.head()?;
    let options = request.options(within);
    let mut walked = walk_until(roots, &options, stop)?;
    count_in(&mut walked);
    let before = Known::load(&session.store.reader()?, &session.store.origin().public_key)?;
    let devices = Devices::new(&walked, &before);
    let Moves { moved, left } = gone::moves(&session.store.reader()?, (&walked, &devices), &before)?;
    let all = if stop.load(Ordering::Relaxed) { &[] } else { roots };
    let mut roots_moved = renamed::follow(session, &walked, Walked::Roots(all, &options))?;
    roots_moved.extend(carried::follow(session, &before, &moved)?);
    roots_moved.extend(carried::follow(session, &before, &left)?);
    let forgotten = if stop.load(Ordering::Relaxed) {
        Vec::new()
    } else {
        forgotten::follow(session, (&walked, &devices, &before), &moved, (request, roots))?
    };
    let load = || Known::load(&session.store.reader()?, &session.store.origin().public_key);
    let anew = (!forgotten.is_empty()).then(load).transpose()?;
    let known = anew.as_ref().unwrap_or(&before);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).build().map_err(AppError::Threads)?;
    let linter = request.rules.as_ref().map(|rules| Linter::new(&rules.selection, session.clock.today()));
    let linter = linter.as_ref();
    let (walked, devices, moved) = (&walked, &devices, &moved);
    let run = Run { session, request, linter, walked, devices, began, known, moved, progress, stop };
    let anew = |directory: &Path| run.look_anew(directory);
    let mut settler = Settler::new(session, known, &command, moved, &anew, files::extractor(request), began)?;
    settler.report.left_out.extend(forgotten);
    settler.report.roots_moved = roots_moved;
    run.report_walk(&mut settler);
    run.report_roots(roots, &mut settler)?;
    run.look_and_settle(&pool, &mut settler)?;
    if walked.flakes.iter().any(|at| gone::is_new(at, known)) {
        // Where flakes are decides whether what they hold, and what lies in them, is shared from here on.
        consent::follow(session)?;
    }
    settler.look_again()?;
    files::settle(&run, &pool, &mut settler)?;
    if !stop.load(Ordering::Relaxed) {
        settler.as_of(began);
        gone::settle(roots, (walked, devices, &options), known, &mut settler)?;
        hosts::settle(&run, &mut settler)?;
        pins::settle(&run, &mut settler)?;
        if let Some(root) = &request.system {
            system::settle(root, known, &mut settler)?;
        }
    }
    run.finish(command, roots, settler)
}

/// Looks at one directory alone, as the command of somebody: no root is added, and nothing is looked for below it or
/// beside it.
pub(super) fn look_at(
    session: &Session,
    directory: &Path,
    request: &ScanRequest,
    command: Command,
) -> Result<ScanReport, AppError> {
    consent::follow(session)?;
    let stop = AtomicBool::new(false);
    let began = session.store.reader()?.head()?;
    let walked = walk_alone(session, directory, request, &stop)?;
    let below = Options { threads: 1, ..Options::default() };
    let roots_moved = renamed::follow(session, &walked, Walked::One(&below))?;
    let known = Known::load(&session.store.reader()?, &session.store.origin().public_key)?;
    let moved = HashMap::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(AppError::Threads)?;
    let linter = request.rules.as_ref().map(|rules| Linter::new(&rules.selection, session.clock.today()));
    let (walked, known, devices) = (&walked, &known, &Devices::new(&walked, &known));
    let (linter, moved, progress, stop) = (linter.as_ref(), &moved, &|_| {}, &stop);
    let run = Run { session, request, linter, walked, devices, began, known, moved, progress, stop };
    let anew = |directory: &Path| run.look_anew(directory);
    let mut settler = Settler::new(session, known, &command, moved, &anew, files::extractor(request), began)?;
    settler.report.roots_moved = roots_moved;
    run.report_walk(&mut settler);
    run.look_and_settle(&pool, &mut settler)?;
    settler.look_again()?;
    files::settle(&run, &pool, &mut settler)?;
    hosts::settle(&run, &mut settler)?;
    run.finish(command, &[], settler)
}

/// Walks one directory: nothing is looked for below it or beside it.
fn walk_alone(session: &Session, directory: &Path, request: &ScanRequest, stop: &AtomicBool) -> Result<Walk, AppError> {
    let within = roots::list(session)?.into_iter().map(|root| root.path).collect();
    let options = Options { max_depth: Some(0), threads: 1, pins: false, ..request.options(within) };
    let mut walked = walk_until(&[directory.to_owned()], &options, stop)?;
    count_in(&mut walked);
    Ok(walked)
}

struct Run<'a> {
    session: &'a Session,
    request: &'a ScanRequest,
    linter: Option<&'a Linter>,
    walked: &'a Walk,
    devices: &'a Devices<'a>,
    /// Where the ledger ended before the walk.
    began: i64,
    known: &'a Known,
    moved: &'a HashMap<PathBuf, FlakeId>,
    progress: &'a (dyn Fn(Progress) + Sync),
    stop: &'a AtomicBool,
}

impl Run<'_> {
    /// A root is recorded by its real path: one that has another by now is none where its flakes are.
    fn report_roots(&self, roots: &[PathBuf], settler: &mut Settler<'_>) -> Result<(), AppError> {
        let known = roots::list(self.session)?;
        for root in roots {
            let Some(real) = root.canonicalize().ok().filter(|real| real != root) else { continue };
            if !known.iter().any(|known| real.starts_with(&known.path)) {
                let (root_shown, real_shown) = (shell::path(root), shell::path(&real));
                let real = real.display();
                let message = format!(
                    "this root leads to {real} by now, whose flakes are private and not watched; run `cim-nix scan {real_shown}`, then \
                     `cim-nix roots forget {root_shown}`"
                );
                settler.problem(root, "root-is-a-link", message);
            }
        }
        Ok(())
    }

    fn report_walk(&self, settler: &mut Settler<'_>) {
        settler.report.files = self.walked.files;
        for (path, message) in &self.walked.problems {
            settler.problem(path, "unreadable", message.clone());
        }
        let locks = self.walked.flakes.iter().filter(|at| at.excluded_lock && !self.known.is_forgotten(&at.dir));
        settler.report.left_out.extend(
            locks.map(|at| LeftOut {
                path: at.dir.join("flake.lock"),
                why: "an exclude pattern leaves it out".to_owned(),
            }),
        );
    }

    fn looker<'k>(&'k self, known: &'k Known) -> Looker<'k> {
        Looker {
            known,
            history: self.request.history,
            since: self.request.since,
            rules: self.linter.zip(self.request.rules.as_ref().map(|rules| rules.least)),
            extractor: files::extractor(self.request),
            stop: self.stop,
        }
    }

    /// Looks at one directory again, from its listing on; none when there is nothing to look at.
    fn look_anew(&self, directory: &Path) -> Result<Option<Glance>, AppError> {
        let store = &self.session.store;
        let walked = walk_alone(self.session, directory, self.request, self.stop)?;
        let known = Known::load(&store.reader()?, &store.origin().public_key)?;
        let at = walked.flakes.iter().find(|at| at.dir == directory && !known.is_forgotten(directory));
        let moved = self.moved.get(directory).copied();
        Ok(at.map(|at| self.looker(&known).look(at, moved, &mut git::Near::default())))
    }

    /// Reads in parallel, a bounded number of flakes ahead, and stores in path order.
    fn look_and_settle(&self, pool: &rayon::ThreadPool, settler: &mut Settler<'_>) -> Result<(), AppError> {
        let found: Vec<&Found> = self.walked.flakes.iter().filter(|at| !self.known.is_forgotten(&at.dir)).collect();
        let looker = self.looker(self.known);
        for (chunk, done) in found.chunks(READ_AHEAD).zip((0..).step_by(READ_AHEAD)) {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            (self.progress)(Progress::Flakes { done, total: found.len() });
            let glances: Vec<(&Found, Glance)> = pool.install(|| {
                chunk
                    .par_iter()
                    .filter(|_| !self.stop.load(Ordering::Relaxed))
                    .map_init(git::Near::default, |near, at| {
                        (*at, looker.look(at, self.moved.get(&at.dir).copied(), near))
                    })
                    .collect()
            });
            for (at, glance) in glances {
                settler.settle(at, glance)?;
            }
            settler.wait()?;
        }
        Ok(())
    }

    fn finish(&self, mut command: Command, roots: &[PathBuf], settler: Settler<'_>) -> Result<ScanReport, AppError> {
        let (mut report, mut notes) = settler.finish()?;
        report.interrupted = self.stop.load(Ordering::Relaxed);
        let at = self.session.clock.now();
        if !report.interrupted {
            // One that is away, or cannot be read, was not.
            let was_scanned = |root: &&PathBuf| root.canonicalize().is_ok_and(|real| self.walked.was_listed(&real));
            let scanned = roots.iter().filter(was_scanned);
            notes.extend(scanned.map(|path| LocalNote::RootScanned { path: path.clone(), at }));
            let (ended, more) = self.ended_roots(at)?;
            report.problems.retain(|problem| !ended.contains(&problem.path));
            notes.extend(more);
        }
        // A scan that saw nothing new is kept only where it may be asked for again: they come by the hundred thousand.
        if report.events > 0 || command.result != serde_json::Value::Null {
            command.result = serde_json::json!({
                "events": report.events, "seen": report.seen, "interrupted": report.interrupted,
            });
        }
        self.session.store.append(Append { command, received_at: at, writes: Vec::new(), notes })?;
        report.problems.sort();
        report.problems.dedup();
        report.left_out.sort();
        report.left_out.dedup();
        let ScanReport { seen, new, changed, removed, events, interrupted, .. } = report;
        tracing::info!(seen, new, changed, removed, events, interrupted, "scanned");
        for RootMoved { from, to, .. } in &report.roots_moved {
            tracing::info!(from = %from.display(), to = %to.display(), "a private root moved along");
        }
        Ok(report)
    }

    /// What ends the roots that went elsewhere, as the ledger has them now.
    fn ended_roots(&self, at: i64) -> Result<(Vec<PathBuf>, Vec<LocalNote>), AppError> {
        let store = &self.session.store;
        let reader = store.reader()?;
        Ok(carried::ended(&reader, &Known::load(&reader, &store.origin().public_key)?, at)?)
    }
}

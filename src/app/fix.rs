//! Fixing: makes the fixes of rules in files, safe ones until none is left. Every file is one edit, which is noted in the
//! ledger, observed by a scan, and can be taken back. Writes only what was asked for by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use uuid::Uuid;

use super::check::{CheckRequest, day};
use super::edit::{Unrecorded, diff, is_for_good, keep, note};
use super::roots::{self, Inside};
use super::scan::{ScanRequest, scan_inside, tracked_of};
use super::{AppError, Session, chain};
use crate::domain::message::MessageIdentity;
use crate::lint::{Linter, Rule, Safety, fix};
use crate::scan::{DEFAULT_LIMIT, Options, read_text, walk_nix};
use crate::store::{EditRow, LocalNote, file};

/// What was planned for the files below some paths.
#[derive(Debug, Default)]
pub struct Plan {
    /// How many files were looked at.
    pub files: u64,
    /// Files whose text is another afterwards, in path order.
    pub changed: Vec<Mended>,
    /// What could not be read, each with one sentence.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Rules whose fixes were not made because the text could not be read afterwards: faults of the rules.
    pub refused: Vec<(PathBuf, &'static Rule)>,
}

/// One file with its new text.
#[derive(Debug)]
pub struct Mended {
    /// The file, canonical.
    pub path: PathBuf,
    /// The text that is there.
    pub old: String,
    /// The text that is to be there.
    pub new: String,
    /// How often each rule's fix was made.
    pub made: BTreeMap<&'static str, u64>,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Done {
    /// The conversation of the edits; `undo` takes one of its commands back.
    pub command: Option<Uuid>,
    /// Files that were written.
    pub written: Vec<PathBuf>,
    /// Files that were not, each with one sentence that says why.
    pub failed: Vec<(PathBuf, String)>,
    /// Why nothing was recorded of some of them.
    pub unrecorded: Option<Unrecorded>,
    /// Files whose change cannot be taken back, as what was replaced holds a secret, or what may be one, and is not kept.
    pub for_good: Vec<PathBuf>,
    /// How many events were recorded.
    pub events: u64,
}

impl Mended {
    /// The change as a diff, for people and for `patch` in a directory.
    pub fn diff(&self, directory: &Path) -> String {
        diff(&self.path, directory, &self.old, &self.new)
    }
}

/// Finds what can be mended; `least` is how safe a fix must be at least. Nothing is written.
pub fn plan(request: &CheckRequest, least: Safety) -> Result<Plan, AppError> {
    let (excludes, threads) = (request.excludes.clone(), request.threads);
    let options = Options { excludes, threads, tracked: Some(tracked_of), ..Options::default() };
    let walked = walk_nix(&request.paths, &options)?;
    let linter = Linter::new(&request.selection, day(request.now));
    let nix: Vec<&PathBuf> = walked.files.iter().map(|(path, _)| path).filter(|path| is_own(path)).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).build().map_err(AppError::Threads)?;
    let mended: Vec<_> = pool.install(|| nix.par_iter().map(|path| mend(path, &linter, least)).collect());
    let mut plan = Plan { files: nix.len() as u64, unreadable: walked.problems, ..Plan::default() };
    for (path, mended) in nix.into_iter().zip(mended) {
        match mended {
            Ok((mended, refused)) => {
                plan.changed.extend(mended);
                plan.refused.extend(refused.into_iter().map(|rule| (path.clone(), rule)));
            }
            Err(why) => plan.unreadable.push((path.clone(), why)),
        }
    }
    Ok(plan)
}

/// A Nix file and no link to one: what a link leads to may lie outside of what was named.
fn is_own(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "nix") && !path.is_symlink()
}

type Tried = (Option<Mended>, Vec<&'static Rule>);

fn mend(path: &Path, linter: &Linter, least: Safety) -> Result<Tried, String> {
    let file = read_text(path, DEFAULT_LIMIT).map_err(|error| chain(&error))?;
    if file.lossy {
        return Err("is not UTF-8, so it is not edited; save it as UTF-8 first".to_owned());
    }
    let flake = path.ends_with("flake.nix");
    let fixed = if flake { fix::fix_flake(linter, &file.text, least) } else { fix::fix(linter, &file.text, least) };
    if fixed.text == file.text {
        return Ok((None, fixed.refused));
    }
    let mut made = BTreeMap::new();
    for rule in fixed.made {
        *made.entry(rule.name).or_insert(0) += 1;
    }
    Ok((Some(Mended { path: path.to_owned(), old: file.text, new: fixed.text, made }), fixed.refused))
}

/// Writes what was planned. A file that somebody changed meanwhile is left to them, and the others are written.
pub fn write(session: Option<&Session>, plan: &Plan, scan: &ScanRequest) -> Result<Done, AppError> {
    let Some(session) = session else {
        let mut done = Done { unrecorded: Some(Unrecorded::NoLedger), ..Done::default() };
        plan.changed.iter().for_each(|mended| done.replace(mended));
        return Ok(done);
    };
    let known: Vec<PathBuf> = session.store.reader()?.roots()?.into_iter().map(|root| root.path).collect();
    let root = MessageIdentity::root(session.clock.new_id());
    let below = |path: &Path| known.iter().find(|root| path.starts_with(root));
    let mut touched: Vec<PathBuf> = Vec::new();
    let mut notes: Vec<(&Mended, EditRow)> = Vec::new();
    let mut done = Done { command: Some(root.message_id.uuid()), ..Done::default() };
    for mended in &plan.changed {
        match below(&mended.path) {
            Some(root) if touched.contains(root) => {}
            Some(root) => touched.push(root.clone()),
            None => {
                done.unrecorded = Some(Unrecorded::NotScanned);
                continue;
            }
        }
        let (edit, texts) = (root.cause(session.clock.new_id()), (mended.old.as_str(), mended.new.as_str()));
        notes.push((mended, note(session, "fix", &edit, &mended.path, texts)));
    }
    let left = notes.iter().map(|(_, note)| LocalNote::EditLeft(Box::new(note.clone()))).collect();
    keep(session, left)?;
    let mut dropped = Vec::new();
    for mended in &plan.changed {
        let before = done.failed.len();
        done.replace(mended);
        if done.failed.len() > before
            && let Some((_, note)) = notes.iter().find(|(noted, _)| noted.path == mended.path)
        {
            dropped.push(LocalNote::EditDropped { command: note.command });
        }
    }
    keep(session, dropped)?;
    let lost = notes.iter().filter(|(mended, note)| is_for_good(note) && done.written.contains(&mended.path));
    done.for_good = lost.map(|(mended, _)| mended.path.clone()).collect();
    if !touched.is_empty() {
        let reader = session.store.reader()?;
        let places = touched.iter().filter_map(|root| roots::inside(&reader, root).transpose());
        let places = places.collect::<Result<Vec<Inside>, _>>()?;
        let request = ScanRequest { history: false, ..scan.clone() };
        let stop = std::sync::atomic::AtomicBool::new(false);
        done.events = scan_inside(session, &places, &request, session.caused("scan", &root), &stop)?.events;
    }
    Ok(done)
}

impl Done {
    fn replace(&mut self, mended: &Mended) {
        let before = *blake3::hash(mended.old.as_bytes()).as_bytes();
        match file::replace(&mended.path, &before, mended.new.as_bytes()) {
            Ok(()) => self.written.push(mended.path.clone()),
            Err(error) => self.failed.push((mended.path.clone(), chain(&error))),
        }
    }
}

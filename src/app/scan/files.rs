//! The Nix files beside `flake.nix`: what the rules find in them is recorded like every other finding, and what they are by
//! their shape: modules and overlays, one stream a file each.
//!
//! A file whose stamp has not changed is not read, as long as the rules and the extractor are the same.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::domain::finding::{Finding, Seen, Severity, Suppressed};
use crate::domain::id::FlakeId;
use crate::lint::{self, Linter};
use crate::scan::{DEFAULT_LIMIT, FileStamp, ReadError, read_text};
use crate::store::{FileRow, StreamWrite};
use crate::syntax::{secret, tree};

use super::super::AppError;
use super::super::chain;
use super::super::known::{Known, KnownFlake};
use super::super::observe::EXTRACTOR;
use super::device::{Devices, device_at};
use super::facts::{self, Facts};
use super::settle::{Outcome, Settler, TRIES};
use super::unseen::Look;
use super::{Run, ScanRequest, gone as gone_flakes};

mod gone;

/// How many files are recorded as one command.
const TOGETHER: usize = 256;
/// Raised when a rule finds something else in the same text, or something else is remembered of it.
const RELEASE: u32 = 4;

/// What was found in one file.
struct Looked {
    path: PathBuf,
    stamp: Vec<u8>,
    content: [u8; 32],
    /// None when no rules were asked for.
    findings: Option<Seen>,
    /// None when modules are not recorded.
    facts: Option<Facts>,
    /// Whether it makes sense as a whole; else the facts are what could be made out.
    understood: bool,
}

/// How to look at a file.
#[derive(Clone, Copy)]
struct Looker<'a> {
    /// The rules, and how bad a finding must be.
    rules: Option<(&'a Linter, Severity)>,
    modules: bool,
    /// The number that files get which were looked at so.
    number: u32,
}

/// The number of the rules and of what is read beside them: another one has every file looked at again.
fn number(request: &ScanRequest) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&RELEASE.to_be_bytes());
    if let Some(wanted) = &request.rules {
        hasher.update(&[wanted.least as u8]);
        hasher.update(format!("{:?}", wanted.selection.nix).as_bytes());
        for rule in lint::rules::RULES.iter().filter(|rule| wanted.selection.wants(rule)) {
            hasher.update(rule.name.as_bytes());
            hasher.update(&[0, rule.severity as u8]);
        }
    }
    if request.modules {
        hasher.update(b"modules");
        hasher.update(&facts::RELEASE.to_be_bytes());
    }
    let bytes = hasher.finalize();
    FileRow::CHECKED | u32::from_be_bytes(bytes.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// What reads flakes and by which rules, as it stands in [`FileRow::extractor`] of their directories.
pub(super) fn extractor(request: &ScanRequest) -> u32 {
    if request.looks_at_files() { (number(request) ^ EXTRACTOR) & !FileRow::CHECKED } else { EXTRACTOR }
}

/// Looks at every Nix file that changed, and records what is found and what is gone.
pub(super) fn settle(run: &Run<'_>, pool: &rayon::ThreadPool, settler: &mut Settler<'_>) -> Result<(), AppError> {
    if !run.request.looks_at_files() {
        return Ok(());
    }
    let known = settler.known_now()?;
    settle_known(run, &known, pool, settler)
}

/// The same, with what was known before.
pub(super) fn settle_known(
    run: &Run<'_>,
    known: &Known,
    pool: &rayon::ThreadPool,
    settler: &mut Settler<'_>,
) -> Result<(), AppError> {
    let looker = Looker {
        rules: run.linter.zip(run.request.rules.as_ref().map(|rules| rules.least)),
        modules: run.request.modules,
        number: number(run.request),
    };
    let mut leaving = gone_flakes::leaving(run.devices, run.known);
    leaving.retain(|flake| !settler.has_moved(*flake));
    let moved = run.known.flakes().filter(|flake| settler.has_moved(flake.id));
    let moved = moved.map(|flake| (flake.id, flake.directory.clone())).collect();
    let files = Files { known, devices: run.devices, leaving: &leaving, moved: &moved, looker };
    let mut unread = HashSet::new();
    let changed: Vec<&(PathBuf, FileStamp)> =
        run.walked.nix.iter().filter(|(path, stamp)| files.is_new(path, *stamp)).collect();
    for group in changed.chunks(TOGETHER) {
        if run.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let seen: Vec<_> = pool.install(|| group.par_iter().map(|(path, stamp)| look(path, *stamp, looker)).collect());
        let mut read = Vec::with_capacity(seen.len());
        for one in seen {
            match one {
                Ok(file) => read.push(file),
                Err(error) => {
                    settler.problem(error.path(), error.code(), chain(&error));
                    unread.insert(error.path().to_owned());
                }
            }
        }
        let began = settler.began();
        files.record(&read, TRIES, settler)?;
        // What is known is as old as before, whatever was looked at again since.
        settler.as_of(began);
    }
    settler.as_of(run.began);
    files.gone(run, &unread, settler)
}

fn look(path: &Path, stamp: FileStamp, looker: Looker<'_>) -> Result<Looked, ReadError> {
    let file = read_text(path, DEFAULT_LIMIT)?;
    let tree = tree::parse(&file.text);
    let findings = looker.rules.map(|(linter, least)| {
        let mut seen = Seen::default();
        add(&mut seen, &linter.check_tree(&tree, &file.text), least);
        seen
    });
    let facts = looker.modules.then(|| facts::read(&tree));
    let mut stamp = stamp.to_bytes().to_vec();
    if path.is_symlink() {
        // What it leads to may be on another device than the link, which is what is gone when it is.
        stamp.extend(path.parent().and_then(device_at).unwrap_or_default().to_be_bytes());
    }
    let (content, understood) = (*file.hash().as_bytes(), tree.problems.is_empty());
    Ok(Looked { path: path.to_owned(), stamp, content, findings, facts, understood })
}

/// What rules find beside what is seen already: the same finding has the same fingerprint in both.
pub(super) fn add(seen: &mut Seen, found: &[lint::Finding], least: Severity) {
    let known: HashSet<String> = seen.findings.iter().map(|finding| finding.fingerprint.clone()).collect();
    for finding in found.iter().filter(|finding| !known.contains(&finding.fingerprint)) {
        match &finding.meant {
            Some(meant) => seen.suppressed.push(Suppressed {
                fingerprint: finding.fingerprint.clone(),
                why: secret::redact(&meant.why).text,
                until: meant.until.clone(),
            }),
            None if finding.severity >= least => seen.findings.push(recorded(finding)),
            None => {}
        }
    }
}

/// A finding as the ledger keeps it: without the text of the file.
pub(in crate::app) fn recorded(finding: &lint::Finding) -> Finding {
    Finding {
        fingerprint: finding.fingerprint.clone(),
        code: finding.rule.name.to_owned(),
        severity: finding.severity,
        line: Some(finding.place.line).filter(|line| *line > 0),
        message: finding.message.clone(),
    }
}

/// What is known of the files, and how they are looked at.
struct Files<'a> {
    known: &'a Known,
    devices: &'a Devices<'a>,
    /// Flakes that were there and are not any more: their files belong to them no longer.
    leaving: &'a HashSet<FlakeId>,
    /// Flakes that were found at a new place, with where they were.
    moved: &'a HashMap<FlakeId, PathBuf>,
    looker: Looker<'a>,
}

impl Files<'_> {
    fn flake_around(&self, file: &Path) -> Option<&KnownFlake> {
        self.known.flakes_around(file).find(|flake| !self.leaving.contains(&flake.id))
    }

    fn is_new(&self, path: &Path, stamp: FileStamp) -> bool {
        let same = |row: &FileRow| {
            row.extractor == self.looker.number
                && row.stamp.starts_with(&stamp.to_bytes())
                && (!self.looker.modules || row.flake == self.flake_around(path).map(|flake| flake.id))
        };
        !self.known.is_of_forgotten(path) && !self.known.file(path).is_some_and(same)
    }

    fn record(&self, looked: &[Looked], tries: u32, settler: &mut Settler<'_>) -> Result<(), AppError> {
        let mut writes: Vec<StreamWrite> = Vec::new();
        let mut notes = Vec::with_capacity(looked.len());
        for file in looked {
            let row = FileRow {
                path: file.path.clone(),
                stamp: file.stamp.clone(),
                content: file.content,
                extractor: self.looker.number,
                flake: self.flake_around(&file.path).map(|flake| flake.id),
            };
            let mut happened = self.happened(file, settler)?;
            let seen = self.known.seen(row, !happened.is_empty());
            if let Some(edit) = settler.reader().pending_edit(&file.path, &file.content)? {
                // Who changed the file is who resolved what was found in it.
                settler.guard(&mut happened, self.flake_around(&file.path).map(|flake| flake.id))?;
                settler.store_edit(&edit, happened, seen)?;
                continue;
            }
            writes.extend(happened);
            notes.push(seen);
        }
        let flakes = looked.iter().filter_map(|file| self.flake_around(&file.path));
        settler.guard(&mut writes, flakes.map(|flake| flake.id).collect::<BTreeSet<_>>())?;
        match settler.store(writes, notes)? {
            Outcome::Conflict if tries > 0 => self.record_anew(looked, tries - 1, settler),
            // One file must not stand in the way of those beside it.
            Outcome::TooLarge(_) if looked.len() > 1 => {
                let (some, others) = looked.split_at(looked.len() / 2);
                let began = settler.began();
                self.record(some, tries, settler)?;
                // These were looked at before, whatever was looked at again since.
                settler.as_of(began);
                self.record(others, tries, settler)
            }
            outcome => {
                let place = looked.first().map_or(Path::new(""), |file| &file.path);
                settler.tell(place, outcome);
                Ok(())
            }
        }
    }

    /// Another process wrote first: what it saw may be newer, so the files are read again but those that it wants to hear no
    /// more of. One that cannot be read by now is left to the next scan.
    fn record_anew(&self, looked: &[Looked], tries: u32, settler: &mut Settler<'_>) -> Result<(), AppError> {
        settler.look_again()?;
        let known = settler.known_now()?;
        let files = Files { known: &known, ..*self };
        let read = |file: &Looked| {
            let stamp = FileStamp::new(&fs::metadata(&file.path).ok()?);
            look(&file.path, stamp, self.looker).ok()
        };
        let wanted = looked.iter().filter(|file| !known.is_of_forgotten(&file.path));
        files.record(&wanted.filter_map(read).collect::<Vec<_>>(), tries, settler)
    }

    /// What happened to one file since it was known.
    fn happened(&self, file: &Looked, settler: &mut Settler<'_>) -> Result<Vec<StreamWrite>, AppError> {
        let flake = self.flake_around(&file.path);
        let row = self.known.file(&file.path);
        let same_file = row.is_some_and(|row| row.content == file.content);
        let mut writes = Vec::new();
        if let Some(findings) = &file.findings {
            let look = Look::at_nix(file.understood);
            writes.extend(settler.findings_inside(flake, &file.path, findings, &look)?);
        }
        let Some(facts) = &file.facts else { return Ok(writes) };
        let before = row.filter(|row| row.flake != flake.map(|flake| flake.id));
        // A slip makes nothing of what is known to be none, either.
        if row.is_some() && before.is_none() && !file.understood {
            return Ok(writes);
        }
        writes.extend(before.map(|row| self.left(&file.path, row, settler)).transpose()?.into_iter().flatten());
        writes.extend(settler.facts_inside(flake, &file.path, facts, (same_file, file.understood))?);
        self.touch_around(&file.path, !same_file, settler);
        Ok(writes)
    }

    /// A flake inside another one is part of both, as far as imports are followed.
    fn touch_around(&self, path: &Path, changed: bool, settler: &mut Settler<'_>) {
        for flake in self.known.flakes_around(path) {
            settler.touch(flake.id, changed);
        }
    }

    /// Resolves and deletes what a file was in the flake that it belonged to before, or in none.
    fn left(&self, path: &Path, row: &FileRow, settler: &mut Settler<'_>) -> Result<Vec<StreamWrite>, AppError> {
        let flake = self.known.flakes().find(|flake| Some(flake.id) == row.flake);
        // Of a flake that was moved, the file at its new place has said so already.
        if flake.is_some_and(|flake| !path.starts_with(&flake.directory)) {
            return Ok(Vec::new());
        }
        self.over(path, flake, settler)
    }

    /// Resolves and deletes what a file was in a flake, or in none.
    fn over(
        &self,
        path: &Path,
        flake: Option<&KnownFlake>,
        settler: &mut Settler<'_>,
    ) -> Result<Vec<StreamWrite>, AppError> {
        let mut writes: Vec<StreamWrite> =
            settler.findings_inside(flake, path, &Seen::default(), &Look::WHOLE)?.into_iter().collect();
        writes.extend(settler.facts_inside(flake, path, &Facts::default(), (false, true))?);
        self.touch_around(path, true, settler);
        Ok(writes)
    }
}

//! The Nix files beside `flake.nix`: what the rules find in them is recorded like every other finding, one stream a file.
//!
//! A file whose stamp has not changed is not read, as long as the rules are the same.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::domain::finding::Finding;
use crate::domain::finding::Severity;
use crate::lint::{self, Linter};
use crate::scan::{DEFAULT_LIMIT, FileStamp, ReadError, Walk, read_text};
use crate::store::{FileRow, LocalNote, StoreError, StreamWrite};
use crate::syntax::secret;

use super::super::AppError;
use super::super::known::{CHECKED, Known};
use super::super::observe::EXTRACTOR;
use super::settle::Settler;
use super::{Run, Wanted, chain};

/// How many files are recorded as one command.
const TOGETHER: usize = 256;
/// How often a group is looked at again when another process wrote to its streams meanwhile.
const TRIES: u32 = 3;
/// Raised when a rule finds something else in the same text.
const RELEASE: u32 = 1;

/// What was found in one file.
struct Looked {
    path: PathBuf,
    stamp: Vec<u8>,
    content: [u8; 32],
    findings: Vec<Finding>,
}

/// The number of the rules: another one has every file looked at again.
fn rules(wanted: &Wanted) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&RELEASE.to_be_bytes());
    hasher.update(&[wanted.least as u8]);
    hasher.update(format!("{:?}", wanted.selection.nix).as_bytes());
    for rule in lint::rules::RULES.iter().filter(|rule| wanted.selection.wants(rule)) {
        hasher.update(rule.name.as_bytes());
        hasher.update(&[0, rule.severity as u8]);
    }
    let bytes = hasher.finalize();
    CHECKED | u32::from_be_bytes(bytes.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// What reads flakes and by which rules, as it stands in [`FileRow::extractor`] of their directories.
pub(super) fn extractor(wanted: Option<&Wanted>) -> u32 {
    wanted.map_or(EXTRACTOR, |wanted| (rules(wanted) ^ EXTRACTOR) & !CHECKED)
}

/// Looks at every Nix file that changed, and records what is found and what is gone.
pub(super) fn settle(run: &Run<'_>, pool: &rayon::ThreadPool, settler: &mut Settler<'_>) -> Result<(), AppError> {
    let (Some(wanted), Some(linter)) = (&run.request.rules, run.linter) else { return Ok(()) };
    let (rules, least) = (rules(wanted), wanted.least);
    let known = Known::load(&run.session.store.reader()?, &run.session.store.origin().public_key)?;
    let changed: Vec<&(PathBuf, FileStamp)> =
        run.walked.nix.iter().filter(|(path, stamp)| is_new(&known, path, *stamp, rules)).collect();
    for group in changed.chunks(TOGETHER) {
        if run.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let looked: Vec<_> =
            pool.install(|| group.par_iter().map(|(path, stamp)| look(path, *stamp, linter, least)).collect());
        let mut read = Vec::with_capacity(looked.len());
        for looked in looked {
            match looked {
                Ok(looked) => read.push(looked),
                Err(error) => settler.problem(error.path(), "unreadable", chain(&error)),
            }
        }
        record(&known, &read, rules, settler)?;
    }
    gone(&known, run.walked, settler)
}

fn is_new(known: &Known, path: &Path, stamp: FileStamp, rules: u32) -> bool {
    let forgotten = path.ancestors().skip(1).any(|directory| known.is_forgotten(directory));
    let same = |row: &FileRow| row.extractor == rules && row.stamp == stamp.to_bytes();
    !forgotten && !known.file(path).is_some_and(same)
}

fn look(path: &Path, stamp: FileStamp, linter: &Linter, least: Severity) -> Result<Looked, ReadError> {
    let file = read_text(path, DEFAULT_LIMIT)?;
    let found = linter.check(&file.text);
    let findings = found.iter().filter(|finding| finding.severity >= least).map(recorded).collect();
    Ok(Looked { path: path.to_owned(), stamp: stamp.to_bytes().to_vec(), content: *file.hash.as_bytes(), findings })
}

/// A finding as the ledger keeps it: without the text of the file, and without secrets that a message may repeat.
pub(in crate::app) fn recorded(finding: &lint::Finding) -> Finding {
    Finding {
        fingerprint: finding.fingerprint.clone(),
        code: finding.rule.name.to_owned(),
        severity: finding.severity,
        line: Some(finding.place.line),
        message: secret::redact(&finding.message).text,
    }
}

fn record(known: &Known, looked: &[Looked], rules: u32, settler: &mut Settler<'_>) -> Result<(), AppError> {
    for tries_left in (0..TRIES).rev() {
        let mut writes: Vec<StreamWrite> = Vec::new();
        let mut notes = Vec::with_capacity(looked.len());
        for file in looked {
            let flake = known.flake_around(&file.path);
            let seen = LocalNote::FileSeen(FileRow {
                path: file.path.clone(),
                stamp: file.stamp.clone(),
                content: file.content,
                extractor: rules,
                flake: flake.map(|flake| flake.id),
            });
            let write = settler.findings_inside(flake, &file.path, &file.findings)?;
            if let Some(edit) = settler.reader().pending_edit(&file.path, &file.content)? {
                // Who changed the file is who resolved what was found in it.
                settler.store_edit(&edit, write, seen)?;
                continue;
            }
            writes.extend(write);
            notes.push(seen);
        }
        match settler.store_checked(writes, notes) {
            Err(AppError::Store(StoreError::Conflict { .. })) if tries_left > 0 => settler.look_again()?,
            done => return done,
        }
    }
    Ok(())
}

/// An empty directory may be one whose disk is not mounted; then it is on another device than the file was.
fn is_gone(walked: &Walk, path: &Path, row: &FileRow) -> bool {
    let nearest = path.ancestors().skip(1).find_map(|directory| std::fs::metadata(directory).ok());
    let same_device =
        nearest.is_some_and(|meta| row.stamp.ends_with(&std::os::unix::fs::MetadataExt::dev(&meta).to_be_bytes()));
    walked.is_file_gone(path) || same_device && walked.is_missing(path)
}

/// Resolves what was found in files that are gone.
fn gone(known: &Known, walked: &Walk, settler: &mut Settler<'_>) -> Result<(), AppError> {
    for (path, row) in known.files().filter(|(path, row)| row.is_checked() && is_gone(walked, path, row)) {
        let flake = known.flakes().find(|flake| Some(flake.id) == row.flake);
        // Of a flake that was moved, the file at its new place has said so already.
        let moved = flake.is_some_and(|flake| !path.starts_with(&flake.directory));
        let write = if moved { None } else { settler.findings_inside(flake, path, &[])? };
        settler.store_checked(write.into_iter().collect(), vec![LocalNote::FileGone { path: path.clone() }])?;
    }
    Ok(())
}

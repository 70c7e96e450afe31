//! What is not there any more: removed when that was verified, moved when exactly one new place fits, otherwise out
//! of reach, which is said and changes nothing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::domain::catalogue::Event;
use crate::domain::finding::Seen;
use crate::domain::flake::decide::NotUnderstood;
use crate::domain::flake::state::Flake;
use crate::domain::flake::{Facts, decide, moved::moved_from};
use crate::domain::id::FlakeId;
use crate::domain::lineage::LineageSeen;
use crate::domain::stream::StreamId;
use crate::git::Repository;
use crate::scan::{DEFAULT_LIMIT, Found, Options, Passed, Verdict, Walk, Why, explain, read_text};
use crate::store::{FileRow, LocalNote, Reader, StoreError, view};

use super::super::known::{self, Known, KnownFlake};
use super::super::observe;
use super::super::{AppError, lineage};
use super::device::Devices;
use super::settle::Settler;
use super::{LeftOut, look};

/// The known flakes whose directory holds none any more.
fn flakes<'k>(devices: &Devices<'_>, known: &'k Known) -> Vec<&'k KnownFlake> {
    known.flakes().filter(|flake| !flake.removed && devices.is_flake_gone(&flake.directory)).collect()
}

/// The same by their ids.
pub(super) fn leaving(devices: &Devices<'_>, known: &Known) -> HashSet<FlakeId> {
    flakes(devices, known).into_iter().map(|flake| flake.id).collect()
}

/// Flakes that are gone, by their new places.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Those that are known again.
    pub(super) moved: HashMap<PathBuf, FlakeId>,
    /// Those that were in forgotten roots, and are new flakes there: the past of what the user watches no longer is not carried into
    /// another root, which may be shared.
    pub(super) left: HashMap<PathBuf, FlakeId>,
}

/// Which new directories are the new places of flakes that are gone: same lineage, same content, and nothing else fits. Where they
/// were, the walk need not have come by: who names the new place, as a hook does, does not name the old one.
pub(super) fn moves(
    reader: &Reader,
    (walked, devices): (&Walk, &Devices<'_>),
    known: &Known,
) -> Result<Moves, StoreError> {
    if !walked.flakes.iter().any(|at| is_new(at, known)) {
        return Ok(Moves::default());
    }
    let mut gone = flakes(devices, known);
    gone.extend(known.flakes().filter(|flake| !flake.removed && devices.is_flake_taken_away(&flake.directory)));
    let (left, gone): (Vec<_>, Vec<_>) =
        gone.into_iter().partition(|flake| known.is_in_forgotten_root(&flake.directory));
    Ok(Moves { moved: moves_of(&gone, reader, walked, known)?, left: moves_of(&left, reader, walked, known)? })
}

fn moves_of(
    gone: &[&KnownFlake],
    reader: &Reader,
    walked: &Walk,
    known: &Known,
) -> Result<HashMap<PathBuf, FlakeId>, StoreError> {
    if gone.is_empty() {
        return Ok(HashMap::new());
    }
    let states = gone.iter().map(|flake| Ok((*flake, known::flake(reader, flake.id)?.0)));
    let states: Vec<(&KnownFlake, Option<Flake>)> = states.collect::<Result<_, StoreError>>()?;
    let content = |flake: &&KnownFlake| Some((flake.id, known.file(&flake.directory)?.content));
    let contents: HashMap<FlakeId, [u8; 32]> = gone.iter().filter_map(content).collect();
    let mut places: HashMap<FlakeId, Vec<PathBuf>> = HashMap::new();
    for at in walked.flakes.iter().filter(|at| is_new(at, known)) {
        let Some((content, lineage)) = glimpse(at) else { continue };
        let is_same = |id: FlakeId, flake: &Flake| content.is_of(flake, contents.get(&id));
        let may_be = |from: &dyn Fn(&KnownFlake) -> bool| {
            let candidates = states.iter().filter(|(flake, _)| from(flake));
            let candidates = candidates.filter_map(|(flake, state)| Some((flake.id, state.as_ref()?)));
            moved_from(candidates, &lineage, is_same)
        };
        // What a link leads to is what lay where the link is now, also where others are like it.
        let is_led_here = |flake: &KnownFlake| walked.led_to(&flake.directory).is_some_and(|there| there == at.dir);
        if let Some(id) = may_be(&is_led_here).or_else(|| may_be(&|_| true)) {
            places.entry(id).or_default().push(at.dir.clone());
        }
    }
    let only = |(id, mut places): (FlakeId, Vec<PathBuf>)| (places.len() == 1).then(|| (places.remove(0), id));
    Ok(places.into_iter().filter_map(only).collect())
}

/// Whether a directory holds a flake that is not known there, and that the user has not forgotten.
pub(super) fn is_new(at: &Found, known: &Known) -> bool {
    let is_unknown = known.flake(&at.dir).is_none_or(|flake| flake.removed);
    at.flake_nix.is_some() && is_unknown && !known.is_forgotten(&at.dir)
}

/// Stores what is gone and says what was left out, or is out of reach.
pub(super) fn settle(
    roots: &[PathBuf],
    (walked, devices, options): (&Walk, &Devices<'_>, &Options),
    known: &Known,
    settler: &mut Settler<'_>,
) -> Result<(), AppError> {
    for flake in flakes(devices, known) {
        if !settler.has_moved(flake.id) {
            remove(flake, settler)?;
        }
    }
    for lock in locks_alone(settler.reader(), known)? {
        settle_lock(&lock, roots, walked, known, settler)?;
    }
    // A root that is a link is walked where it leads.
    let real: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let is_below = |path: &Path| below(roots, path) || below(&real, path);
    let unseen = known.flakes().filter(|flake| !flake.removed && is_below(&flake.directory));
    for flake in unseen {
        let nix = flake.directory.join("flake.nix");
        let found = walked.has_flake(&flake.directory);
        // What the walk could not look at it has said.
        let is_told = walked.problems.iter().any(|(path, _)| *path == nix);
        if found || is_told || devices.is_flake_gone(&flake.directory) || known.is_forgotten(&flake.directory) {
            continue;
        }
        match why_not(&nix, roots, options) {
            Some(why @ Why::Excluded { .. }) => {
                let (path, why) = (flake.directory.clone(), why.to_string());
                settler.report.left_out.push(LeftOut { path, why });
            }
            why => settler.problem(&flake.directory, "not-reachable", unreachable(why.as_ref())),
        }
    }
    Ok(())
}

/// Where a lock stood without a flake, as what was seen and what is recorded tell.
fn locks_alone(reader: &Reader, known: &Known) -> Result<BTreeSet<PathBuf>, StoreError> {
    let recorded = view::found_without_a_flake(reader)?.into_iter().filter_map(|file| {
        let path = file.path.to_path();
        let is_own = path.ends_with("flake.lock") && known.finding_stream(None, &path) == file.stream;
        is_own.then_some(path)
    });
    let seen =
        known.files().filter(|(_, row)| is_of_lock_alone(row)).map(|(directory, _)| directory.join("flake.lock"));
    Ok(recorded.chain(seen).collect())
}

const fn is_of_lock_alone(row: &FileRow) -> bool {
    row.flake.is_none() && !row.is_checked()
}

/// Resolves what there was to say of a lock alone that is gone, or that nobody who walks comes by.
fn settle_lock(
    lock: &Path,
    roots: &[PathBuf],
    walked: &Walk,
    known: &Known,
    settler: &mut Settler<'_>,
) -> Result<(), AppError> {
    let Some(directory) = lock.parent().filter(|directory| below(roots, directory)) else { return Ok(()) };
    if known.is_forgotten(directory) {
        return Ok(());
    }
    let row = known.file(directory).filter(|row| is_of_lock_alone(row));
    let is_missing = if row.is_some() { walked.is_missing(lock) } else { walked.is_file_gone(lock) };
    // One that git tracks all the same is part of the flake beside it.
    let is_found = walked.has_flake(directory);
    match walked.passed_over(lock).filter(|_| !is_found) {
        Some((at, Passed::Excluded { pattern })) if !is_missing => {
            let why = Why::Excluded { pattern: pattern.clone() }.to_string();
            settler.report.left_out.push(LeftOut { path: at.to_owned(), why });
            return Ok(());
        }
        Some((_, Passed::ByRule)) if !is_missing && !walked.is_ruled_out(lock, row.and_then(FileRow::device)) => {
            return Ok(());
        }
        None if !is_missing => return Ok(()),
        _ => {}
    }
    let write = settler.findings(None, lock, &Seen::default())?;
    // What a flake is known again by is kept.
    let is_flake = known.flake(directory).is_some_and(|flake| !flake.removed);
    let note = row.filter(|_| !is_flake).map(|row| LocalNote::FileGone { path: row.path.clone() });
    settler.store_or_tell(lock, write.into_iter().collect(), note.into_iter().collect()).map(drop)
}

fn remove(flake: &KnownFlake, settler: &mut Settler<'_>) -> Result<(), AppError> {
    let (state, version) = known::flake(settler.reader(), flake.id)?;
    let Some(state) = state else { return Ok(()) };
    let events: Vec<_> = decide::remove(&state).into_iter().map(Event::Flake).collect();
    if events.is_empty() {
        return Ok(());
    }
    let mut writes: Vec<_> = settler.write(StreamId::flake(flake.id), version, events).into_iter().collect();
    for name in ["flake.nix", "flake.lock"] {
        writes.extend(settler.findings(Some(flake.id), &flake.directory.join(name), &Seen::default())?);
    }
    let note = LocalNote::FileGone { path: flake.directory.clone() };
    settler.touch(flake.id, true);
    if settler.store_or_tell(&flake.directory, writes, vec![note])? {
        settler.report.removed += 1;
    }
    Ok(())
}

fn below(roots: &[PathBuf], path: &Path) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

/// By which rule the walk did not come by a file; none when it should have.
fn why_not(file: &Path, roots: &[PathBuf], options: &Options) -> Option<Why> {
    match explain(file, roots, options).ok()?.verdict {
        Verdict::Skipped { why, .. } => Some(why),
        Verdict::Seen => None,
    }
}

fn unreachable(why: Option<&Why>) -> String {
    match why {
        None | Some(Why::NotBelowARoot | Why::Missing | Why::NotReadable(_)) => {
            "the flake is out of reach: its directory could not be listed, or its disk is not mounted".to_owned()
        }
        Some(why) => format!("the flake is there, but scans leave it out: {why}"),
    }
}

/// What a flake is known again by at a new place.
pub(super) struct Content {
    /// What it says; none when its files do not say all.
    facts: Option<Box<Facts>>,
    /// Its files byte by byte, which another extractor may have read otherwise.
    bytes: [u8; 32],
}

impl Content {
    /// Whether a flake said the same when it was read last, or its files, where they are remembered, were the same.
    pub(super) fn is_of(&self, flake: &Flake, bytes: Option<&[u8; 32]>) -> bool {
        self.facts.as_ref().is_some_and(|facts| flake.facts == **facts) || bytes == Some(&self.bytes)
    }
}

/// A look at a place that may be the new home of a flake; none when it cannot be read.
pub(super) fn glimpse(at: &Found) -> Option<(Content, LineageSeen)> {
    let nix = read_text(&at.dir.join("flake.nix"), DEFAULT_LIMIT).ok()?;
    let repository = Repository::discover(&at.dir);
    let has_lock = look::has_lock(at, repository.as_ref().ok().and_then(Option::as_ref));
    let lock = has_lock.then(|| read_text(&at.dir.join("flake.lock"), DEFAULT_LIMIT)).transpose().ok()?;
    let seen = observe::read(&nix.text, lock.as_ref().map(|lock| lock.text.as_str()));
    let says_all =
        seen.not_understood == NotUnderstood::default() && at.unseen.flake_lock.is_none() && !at.excluded_lock;
    let facts = says_all.then(|| Box::new(seen.facts));
    let content = Content { facts, bytes: look::content(&nix, lock.as_ref()) };
    let lineage = match repository {
        Ok(Some(repository)) => lineage::of(&repository, &at.dir),
        Ok(None) => LineageSeen::Known(None),
        Err(_) => LineageSeen::Unknown,
    };
    Some((content, lineage))
}

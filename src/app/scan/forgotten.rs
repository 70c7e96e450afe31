//! What was forgotten stays so where it goes: a flake that was renamed or moved is the one that the user wants to hear no
//! more of, until its new place is scanned by name.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::flake::moved::moved_from;
use crate::domain::flake::state::Flake;
use crate::domain::id::FlakeId;
use crate::scan::Walk;
use crate::store::{LocalNote, StoreError};

use super::super::known::{self, Known, KnownFlake};
use super::super::sync::consent;
use super::super::{AppError, Session};
use super::device::Devices;
use super::{LeftOut, ScanRequest, carried, gone};

/// Forgets the directories that forgotten flakes went to; returns them. Whoever names one wants it back.
pub(super) fn follow(
    session: &Session,
    (walked, devices, known): (&Walk, &Devices<'_>, &Known),
    moved: &HashMap<PathBuf, FlakeId>,
    (request, roots): (&ScanRequest, &[PathBuf]),
) -> Result<Vec<LeftOut>, AppError> {
    let is_named = |directory: &Path| {
        !request.paths.is_empty() && !request.keep_forgotten && roots.iter().any(|root| root == directory)
    };
    let gone: Vec<&KnownFlake> = known
        .flakes()
        .filter(|flake| flake.removed && known.is_forgotten(&flake.directory))
        .filter(|flake| devices.is_flake_gone(&flake.directory) || is_away(&flake.directory))
        .collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let reader = session.store.reader()?;
    let as_it_was = |flake: &&KnownFlake| {
        let state = known::flake(&reader, flake.id)?.0;
        Ok(state.map(|state| (flake.id, Flake { removed: false, ..state })))
    };
    let since: HashMap<PathBuf, i64> = reader.forgotten()?.into_iter().collect();
    let states: Vec<(FlakeId, Flake)> =
        gone.iter().filter_map(|flake| as_it_was(flake).transpose()).collect::<Result<_, StoreError>>()?;
    let mut places: HashMap<FlakeId, Vec<PathBuf>> = HashMap::new();
    let new = walked.flakes.iter().filter(|at| gone::is_new(at, known));
    for at in new.filter(|at| !moved.contains_key(&at.dir) && !is_named(&at.dir)) {
        let Some((content, lineage)) = gone::glimpse(at) else { continue };
        let is_same = |_, flake: &Flake| content.is_of(flake, None);
        let was_there = |id: &FlakeId| {
            let flake = gone.iter().find(|flake| flake.id == *id);
            let since = flake.and_then(|flake| since.get(&flake.directory));
            since.is_some_and(|since| is_older(&at.dir, *since))
        };
        let older = states.iter().filter(|(id, _)| was_there(id)).map(|(id, flake)| (*id, flake));
        if let Some(id) = moved_from(older, &lineage, is_same) {
            places.entry(id).or_default().push(at.dir.clone());
        }
    }
    let only = |(id, mut places): (FlakeId, Vec<PathBuf>)| {
        let to = places.pop().filter(|_| places.is_empty())?;
        Some((&gone.iter().find(|flake| flake.id == id)?.directory, to))
    };
    let followed: Vec<(&PathBuf, PathBuf)> = places.into_iter().filter_map(only).collect();
    if followed.is_empty() {
        return Ok(Vec::new());
    }
    let at = session.clock.now();
    let mut notes: Vec<_> = followed.iter().map(|(_, to)| LocalNote::Forget { path: to.clone(), at }).collect();
    for (from, to) in &followed {
        notes.extend(carried::notes(&reader, from, to, at)?);
    }
    consent::settle(session, notes)?;
    let told = |(from, path): (&PathBuf, PathBuf)| LeftOut {
        path,
        why: format!("it was forgotten at {}; name it to have it back", from.display()),
    };
    Ok(followed.into_iter().map(told).collect())
}

/// Whether a directory, or the flake in it, was there at a moment: what was made since, a clone or a new work tree, is no flake
/// that was moved.
fn is_older(directory: &Path, micros: i64) -> bool {
    let is_before = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        i64::try_from(since).is_ok_and(|time| time <= micros)
    };
    let made = directory.metadata().and_then(|found| found.created());
    let written = directory.join("flake.nix").metadata().and_then(|found| found.modified());
    made.is_ok_and(is_before) || written.is_ok_and(is_before)
}

/// Whether a directory is not there any more, though what held it is: who scans one place alone does not come by another.
fn is_away(directory: &Path) -> bool {
    let is_absent = directory.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    is_absent && directory.parent().is_some_and(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test makes what a user would")]
    fn what_was_made_or_written_before_was_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("flake.nix"), "{ }").unwrap();
        let now = folder.path().metadata().unwrap().modified().unwrap();
        let written = |at| File::open(folder.path().join("flake.nix")).unwrap().set_modified(at).unwrap();
        let was_there = |moment: SystemTime| {
            let micros = moment.duration_since(UNIX_EPOCH).unwrap().as_micros();
            is_older(folder.path(), i64::try_from(micros).unwrap())
        };
        assert!(!was_there(now - HOUR), "a clone");
        written(now - 2 * HOUR);
        assert!(was_there(now - HOUR), "copied to another disk with its times");
        written(now + 2 * HOUR);
        assert!(was_there(now + HOUR), "edited since, and renamed");
        assert!(!was_there(now - HOUR));
    }
}

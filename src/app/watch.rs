//! Watching: scans what changed as soon as the system tells, and everything now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::roots::Inside;
use super::scan::{ScanReport, ScanRequest, scan, scan_inside};
use super::{AppError, Session, roots};
use crate::git::Repository;
use crate::scan::{Changed, Watch};
use crate::store::view::{self, At, Whose};

/// How long it must have been quiet for an edit to be over.
const QUIET: Duration = Duration::from_millis(300);
/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(500);

/// Watches the roots until it is told to stop. `tell` hears of every scan; a scan that fails is told, and the next one
/// tries again.
///
/// # Errors
/// When the ledger cannot be read.
pub fn run(
    session: &Session,
    request: &ScanRequest,
    interval: Duration,
    stop: &AtomicBool,
    tell: &dyn Fn(Result<&ScanReport, &AppError>),
) -> Result<(), AppError> {
    let mut watch = match Watch::new() {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "directories cannot be watched: scans come at intervals only");
            None
        }
    };
    let told = |report: Result<ScanReport, AppError>| match report {
        Ok(report) => tell(Ok(&report)),
        Err(error) => tell(Err(&error)),
    };
    let look = |places: &[Inside]| told(scan_inside(session, places, request, session.command("scan"), stop));
    let look_at_all = || {
        if !roots::list(session)?.is_empty() {
            told(scan(session, &ScanRequest { paths: Vec::new(), ..request.clone() }, &|_| {}, stop));
        }
        Ok::<_, AppError>(())
    };
    while !stop.load(Ordering::Relaxed) {
        look_at_all()?;
        let begun = Instant::now();
        let mut places = watched(session)?;
        let mut missing = gone(&places);
        set(watch.as_mut(), &places);
        while begun.elapsed() < interval && !stop.load(Ordering::Relaxed) {
            let Some(watching) = &watch else {
                std::thread::sleep(NAP);
                continue;
            };
            let changed = watching.next(NAP, QUIET);
            if changed.everything {
                break;
            }
            if changed.is_empty() {
                continue;
            }
            let affected = affected(session, &changed, &places)?;
            if !gone(&places).is_subset(&missing) {
                // Whether one was moved or removed only a look at everything can tell.
                look_at_all()?;
            } else if !affected.is_empty() {
                look(&affected);
            } else {
                continue;
            }
            places = watched(session)?;
            missing = gone(&places);
            set(watch.as_mut(), &places);
        }
    }
    Ok(())
}

/// What is watched, with the directories to scan when something changes there.
type Places = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// The directory of every flake, that of its repository's HEAD and index, the one above it where siblings appear, and the
/// roots.
fn watched(session: &Session) -> Result<Places, AppError> {
    let mut places = Places::new();
    let reader = session.store.reader()?;
    for flake in view::flakes(&reader, Whose::Own, At::Now)? {
        let directory = flake.path.to_path();
        if let Ok(Some(repository)) = Repository::discover(&directory) {
            places.entry(repository.git_directory().to_owned()).or_default().insert(directory.clone());
        }
        if let Some(above) = directory.parent() {
            places.entry(above.to_owned()).or_default();
        }
        places.entry(directory.clone()).or_default().insert(directory);
    }
    for root in reader.roots()? {
        places.entry(root.path).or_default();
    }
    Ok(places)
}

fn set(watch: Option<&mut Watch>, places: &Places) {
    let Some(watch) = watch else { return };
    for (directory, why) in watch.set(places.keys().cloned().collect()) {
        tracing::debug!(directory = %directory.display(), why, "not watched");
    }
}

/// The directories to scan: the flakes that a change concerns, and directories that are new where flakes are looked for. What
/// lies in no root is nobody's business here, though it appears beside a root; nor is what a link leads to.
fn affected(session: &Session, changed: &Changed, places: &Places) -> Result<Vec<Inside>, AppError> {
    let mut paths = BTreeSet::new();
    for directory in &changed.directories {
        match places.get(directory) {
            Some(flakes) if !flakes.is_empty() => paths.extend(flakes.iter().cloned()),
            None if is_new_beside_flakes(directory, places) => drop(paths.insert(directory.clone())),
            Some(_) | None => {}
        }
    }
    // One below another is scanned with it; one that is gone is for a look at everything.
    let is_first = |path: &&PathBuf| !path.ancestors().skip(1).any(|above| paths.contains(above));
    let kept = paths.iter().filter(is_first).filter(|path| !path.is_symlink() && path.is_dir());
    let reader = session.store.reader()?;
    Ok(kept.filter_map(|path| roots::inside(&reader, path).transpose()).collect::<Result<_, _>>()?)
}

/// The directories of flakes that are not there. One that a look at everything leaves in place, as when a disk is not
/// mounted, is no reason for another.
fn gone(places: &Places) -> BTreeSet<PathBuf> {
    places.values().flatten().filter(|directory| !directory.is_dir()).cloned().collect()
}

fn is_new_beside_flakes(directory: &Path, places: &Places) -> bool {
    directory.parent().is_some_and(|above| places.contains_key(above)) && !is_git(directory)
}

/// What git does inside its own directory is told by the files that are watched there.
fn is_git(directory: &Path) -> bool {
    directory.components().any(|part| part.as_os_str() == ".git")
}

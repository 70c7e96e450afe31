//! Starts the interface on a session: its ledger, its clock, its scan.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::reader::sentence;
use super::text::count;
use super::{At, Options, ReadOnly, ScanWith, TuiError};
use crate::app::scan::{Progress, ScanReport, ScanRequest, scan};
use crate::app::{Session, place, roots};
use crate::store::view;

/// The name that the interface's place is remembered under.
const PLACE: &str = "tui";

/// Runs the interface on a ledger until it is left. `request` says how to scan; its paths are put in when a scan starts.
/// `colors` says whether to colour: what was asked for stands above `NO_COLOR`, which it has heard. `named` is the database as
/// the command line named it, if it did.
pub fn start(
    session: Session,
    request: ScanRequest,
    at: At,
    colors: bool,
    named: Option<PathBuf>,
) -> Result<(), TuiError> {
    let variable = |name: &str| std::env::var(name).ok();
    let look = super::look(variable);
    let session = Arc::new(session);
    let [clock, saver, opener, looker] = [(); 4].map(|()| Arc::clone(&session));
    super::run(Options {
        db: session.store.path().to_owned(),
        named,
        at,
        look: super::Look { colors, ..look },
        home: std::env::var_os("HOME").map(PathBuf::from),
        directory: std::env::current_dir().unwrap_or_default(),
        has_roots: roots::list(&session).is_ok_and(|roots| !roots.is_empty()),
        editor: super::editor(variable),
        clock: Box::new(move || clock.clock.now()),
        // A place that cannot be read or kept is no reason to stay closed, or to fail when all is done.
        saved: place::recall(&session, PLACE).ok().flatten().unwrap_or(Value::Null),
        save: Box::new(move |place| {
            let _ = place::remember(&saver, PLACE, place);
        }),
        open: Box::new(move || match opener.store.reader() {
            Ok(reader) => Ok(Box::new(reader) as ReadOnly),
            Err(error) => Err(sentence(&error)),
        }),
        look_there: Box::new(move |connection| looker.store.still_ours(connection)),
        scan: Some(scan_with(session, request)),
    })
}

impl From<view::At> for At {
    fn from(at: view::At) -> Self {
        match at {
            view::At::Now => Self::Now,
            view::At::Occurred(time) => Self::Occurred(time),
            view::At::Position(position) => Self::Position(position),
        }
    }
}

fn scan_with(session: Arc<Session>, request: ScanRequest) -> ScanWith {
    Arc::new(move |paths, tell, stop| {
        let request = ScanRequest { paths: paths.to_vec(), ..request.clone() };
        let progress = |progress| tell(doing(progress));
        scan(&session, &request, &progress, stop).map(|report| done(&report)).map_err(|error| sentence(&error))
    })
}

fn doing(progress: Progress) -> String {
    match progress {
        Progress::Walking => "looking for flakes".to_owned(),
        Progress::Flakes { done, total } => format!("{done} of {}", count(total, "flake")),
    }
}

fn done(report: &ScanReport) -> String {
    let stopped = if report.interrupted { "stopped early; " } else { "" };
    format!(
        "{stopped}{} seen, {} new, {} changed, {} removed; {}, {}, {} raised, {} resolved",
        count(report.seen, "flake"),
        report.new,
        report.changed,
        report.removed,
        count(report.events, "event"),
        count(report.problems.len(), "problem"),
        count(report.raised, "finding"),
        report.resolved
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_not_many() {
        let report = ScanReport { seen: 1, new: 1, events: 1, raised: 7, ..ScanReport::default() };
        assert_eq!(
            done(&report),
            "1 flake seen, 1 new, 0 changed, 0 removed; 1 event, 0 problems, 7 findings raised, 0 resolved"
        );
        assert_eq!(doing(Progress::Flakes { done: 1, total: 1 }), "1 of 1 flake");
    }
}

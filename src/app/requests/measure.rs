//! Everything that is counted, once: `/metrics` and `metrics.nix` show this table.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::AppError;
use super::super::programs;
use super::super::scan::ScanReport;
use super::super::sync::{SyncError, status};
use super::{Desk, Hearing};
use crate::domain::circuit;
use crate::domain::delivery::{Reason, State};
use crate::store::Reader;
use crate::store::remote::Status;

/// The word for an error that is tried again, where others name what blocks delivery.
const FAILED: &str = "failed";

/// Something that is counted or measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name, without a prefix.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Whether it only ever grows while the process lives.
    pub grows: bool,
    /// Its values, each with its labels.
    pub values: Vec<(Vec<(&'static str, String)>, u64)>,
}

/// What this process has scanned.
#[derive(Debug, Default)]
pub(super) struct Scans {
    done: AtomicU64,
    failed: AtomicU64,
    recorded: AtomicU64,
}

impl Scans {
    /// Counts a scan.
    pub(super) fn count(&self, report: Result<&ScanReport, &AppError>) {
        self.done.fetch_add(1, Ordering::Relaxed);
        match report {
            Ok(report) => self.recorded.fetch_add(report.events, Ordering::Relaxed),
            Err(_) => self.failed.fetch_add(1, Ordering::Relaxed),
        };
    }
}

/// All of it, as it is now.
pub(super) fn measure(desk: &Desk) -> Result<Vec<Measure>, SyncError> {
    let report = desk.glance(|reader| status::report(reader, desk.now()))?;
    let events = desk.glance(Reader::head)?;
    let covers = desk.coverage();
    let (answered, refused) = desk.counts();
    let status = &report.remote.status;
    let (scans, whole) = (&desk.scans, |count: i64| u64::try_from(count).unwrap_or_default());
    let since = whole(status.connected_since.unwrap_or_default() / 1_000_000);
    let watched = covers.as_ref().map_or(0, |covers| covers.watched as u64);
    let unwatched = covers.map_or(0, |covers| covers.unwatched as u64);
    let names = State::ALL.map(State::name);
    Ok(vec![
        gauge("events", "Events in the log", whole(events)),
        gauge("sync_shared_events", "Events that this ledger has shared", whole(report.shared)),
        gauge("sync_backlog_events", "Shared events that the server lacks", whole(report.backlog)),
        gauge("sync_waiting_messages", "Messages that wait for those before them", report.waiting),
        gauge("sync_parked_messages", "Messages that could not be taken in", report.parked),
        gauge("sync_origins", "Other ledgers whose events are here", report.origins as u64),
        gauge(
            "sync_connected_since_seconds",
            "Since when it is connected, in seconds since 1970; 0 when it is not",
            since,
        ),
        gauge("resident_memory_bytes", "Memory that is resident", desk.memory_mb().unwrap_or_default() << 20),
        gauge("requests_answered", "Requests that were answered since the start", answered),
        gauge("requests_refused", "Requests that were refused since the start", refused),
        gauge(
            "unheard_subjects",
            "Subjects whose requests do not arrive, as the server lets nobody listen",
            unheard(desk),
        ),
        gauge("watched_directories", "Directories that are watched", watched),
        gauge("unwatched_directories", "Directories that are to be watched and are not", unwatched),
        one_of("sync_state", "Where delivery stands: 1 for the state it is in", "state", &names, &status.state),
        one_of(
            "sync_breaker",
            "How the breaker stands: 1 for the state it is in",
            "state",
            &circuit::State::NAMES,
            report.breaker,
        ),
        last_error(status),
        of_programs(),
        counter("scans", "Scans since the start", &scans.done),
        counter("scan_failures", "Scans that failed since the start", &scans.failed),
        counter("recorded_events", "Events that scans recorded since the start", &scans.recorded),
    ])
}

/// All of them, when none is.
fn unheard(desk: &Desk) -> u64 {
    match desk.hearing() {
        None | Some(Hearing::All) => 0,
        Some(Hearing::Not(subjects)) => subjects.len() as u64,
        Some(Hearing::Nothing(_)) => desk.endpoints().len() as u64,
    }
}

/// What stands in the way is a word of a table: what the server said may hold anything.
fn last_error(status: &Status) -> Measure {
    let words: Vec<&'static str> = Reason::ALL.into_iter().map(Reason::name).chain([FAILED]).collect();
    let word = match (&status.reason, &status.last_error) {
        (Some(reason), _) => reason,
        (None, Some(_)) => FAILED,
        (None, None) => "",
    };
    let help = "What went wrong last in synchronisation: 1 for what blocks it, `failed` for what is tried again";
    one_of("sync_last_error", help, "reason", &words, word)
}

fn of_programs() -> Measure {
    let states = programs::states();
    let value = |program: &String, name: &'static str, is: &'static str| {
        (vec![("program", program.clone()), ("state", name.to_owned())], u64::from(name == is))
    };
    let values = states
        .iter()
        .flat_map(|(program, state)| circuit::State::NAMES.map(|name| value(program, name, state.name())))
        .collect();
    let help = "How the breaker of a program that was run stands: 1 for the state it is in";
    Measure { name: "program_breaker", help, grows: false, values }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Measure {
    Measure { name, help, grows: false, values: vec![(Vec::new(), value)] }
}

fn counter(name: &'static str, help: &'static str, value: &AtomicU64) -> Measure {
    Measure { name, help, grows: true, values: vec![(Vec::new(), value.load(Ordering::Relaxed))] }
}

fn one_of(name: &'static str, help: &'static str, label: &'static str, words: &[&'static str], word: &str) -> Measure {
    let value = |known: &&'static str| (vec![(label, (*known).to_owned())], u64::from(*known == word));
    Measure { name, help, grows: false, values: words.iter().map(value).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_a_word_of_a_table() {
        let of = |reason: Option<&str>, error: Option<&str>| {
            let (reason, last_error) = (reason.map(str::to_owned), error.map(str::to_owned));
            let measure = super::last_error(&Status { reason, last_error, ..Status::default() });
            let on: Vec<String> =
                measure.values.into_iter().filter(|(_, on)| *on == 1).map(|(labels, _)| labels[0].1.clone()).collect();
            on.join(",")
        };
        assert_eq!(of(None, None), "");
        assert_eq!(of(None, Some("nats://ada:secret@here says no")), "failed");
        assert_eq!(of(Some("clock"), Some("x")), "clock");
    }
}

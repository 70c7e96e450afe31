//! The long-running process: watches, records, exchanges events, answers requests and tells how it is.
//!
//! A face like the others: it starts use cases and shows what they say. Stops within five seconds, losing nothing.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::app::requests::Desk;
use crate::app::requests::listener::NotLoopback;
use crate::app::scan::{ScanReport, ScanRequest};
use crate::app::sync::engine::{self, Link, Until};
use crate::app::sync::{Place, SyncError};
use crate::app::watch::{self, Told};
use crate::app::{AppError, Session};
use crate::store::StoreError;

mod http;

mod metrics;

mod system;

/// How long a part that failed rests before it begins anew.
const PAUSE: Duration = Duration::from_secs(5);
/// How long another process that holds the ledger is waited for once it is to stop.
const LOCKED: Duration = Duration::from_secs(2);
/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// What the process is started with.
pub struct Serve {
    /// The ledger, open for reading and writing.
    pub session: Session,
    /// Where the bus is, asked anew before each connection.
    pub place: Box<dyn Fn() -> Place + Send + Sync>,
    /// How to scan; the paths are left out.
    pub request: ScanRequest,
    /// The commands that others may give.
    pub commands: Vec<String>,
    /// Where to answer over HTTP; none for nowhere.
    pub listen: Option<String>,
    /// How long between two scans of everything.
    pub interval: Duration,
    /// Set when it is to stop.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Serve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serve").field("session", &self.session).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Why the process did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not one of this machine alone.
    #[error(transparent)]
    NotLoopback(#[from] NotLoopback),
    /// Nobody can listen there.
    #[error("cannot listen at {address}: {why}; name another address with `--listen`, or `--listen off`")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        why: String,
    },
    /// The ledger.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Runs until `stop` is set. `say` hears what happens; what fails on the way is told and tried again.
///
/// # Errors
/// What could not be started.
pub fn run(serve: Serve, say: &(dyn Fn(String) + Sync)) -> Result<(), ServeError> {
    let Serve { session, place, request, commands, listen, interval, stop } = serve;
    let session = Arc::new(session);
    let http = listen.map(|address| http::Server::bind(&address)).transpose()?;
    if let Some(http) = &http {
        say(format!("/metrics and /healthz at http://{}", http.address()));
    }
    let desk = Arc::new(Desk::open(session.clone(), request.clone(), commands)?);
    let link = Link::default();
    let halted = OnceLock::new();
    // Whoever started this process may start it anew.
    let halt = |error: &StoreError| {
        if takes_no_more(error) {
            halted.get_or_init(|| error.clone());
            stop.store(true, Ordering::Relaxed);
        }
    };
    let exchange = || engine::run_with(&session, &*place, &link, Until::Stopped, &stop, Some(desk.clone())).map(drop);
    let sync = || {
        exchange().inspect_err(|error| {
            if let SyncError::Store(error) = error {
                halt(error);
            }
        })
    };
    let scanned = |report: Result<&ScanReport, &AppError>| {
        desk.scanned(report);
        match report {
            Ok(report) if report.events == 1 => say("1 event recorded".to_owned()),
            Ok(report) if report.events > 0 => say(format!("{} events recorded", report.events)),
            Ok(_) => {}
            Err(error) => {
                say(format!("a scan failed: {error}"));
                if let AppError::Store(error) = error {
                    halt(error);
                }
            }
        }
        link.nudge();
    };
    let told = AtomicBool::new(false);
    let tell = |what: Told<'_>| match what {
        Told::Scanned(report) => scanned(report),
        Told::Covers(coverage) => {
            desk.covers(coverage.clone());
            // Told once, however the numbers change then; health and metrics have those of now.
            if !told.swap(coverage.unwatched > 0, Ordering::Relaxed) && coverage.unwatched > 0 {
                say(coverage.to_string());
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| persist(&stop, say, sync));
        scope.spawn(|| persist(&stop, say, || watch::run(&session, &request, interval, &stop, &tell)));
        if let Some(http) = &http {
            scope.spawn(|| http.answer(&desk, &stop));
        }
        system::ready(say);
        let hearing = RefCell::new(None);
        system::guard(&stop, &|| {
            let now = desk.hearing();
            let before = hearing.replace(now.clone());
            if let Some(news) = now.and_then(|now| now.news(before.as_ref())) {
                say(news);
            }
            // Nothing need be written for it to be noticed.
            if let Err(error) = session.store.still_there() {
                halt(&error);
            }
        });
        system::stopping();
        session.store.wait_no_longer_than(Instant::now() + LOCKED);
        link.stop();
    });
    let Some(error) = halted.into_inner() else { return Ok(()) };
    session.store.still_there()?;
    Err(error.into())
}

/// Whether a ledger takes nothing any more from whoever has it open: its writer or file is gone, or it became another origin's.
const fn takes_no_more(error: &StoreError) -> bool {
    matches!(error, StoreError::WriterStopped { .. } | StoreError::Replaced { .. } | StoreError::OriginChanged { .. })
}

/// Does a part of the work again and again: a full disk or a locked ledger passes, and the rest goes on meanwhile. So it
/// does when a worker panicked over a file, which comes back here, told already.
fn persist<E: std::fmt::Display>(stop: &AtomicBool, say: &dyn Fn(String), work: impl Fn() -> Result<(), E>) {
    while !stop.load(Ordering::Relaxed) {
        let error = match catch_unwind(AssertUnwindSafe(&work)) {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a part of the work broke down".to_owned(),
        };
        say(format!("{error}; trying again in {} s", PAUSE.as_secs()));
        let begun = Instant::now();
        while begun.elapsed() < PAUSE && !stop.load(Ordering::Relaxed) {
            thread::sleep(NAP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_in_which_a_worker_panics_is_told_and_goes_on() {
        let (stop, said) = (AtomicBool::new(false), std::sync::Mutex::new(Vec::new()));
        let say = |words: String| {
            said.lock().unwrap().push(words);
            stop.store(true, Ordering::Relaxed);
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        persist(&stop, &say, || pool.install(|| -> Result<(), String> { panic!("on purpose") }));
        assert_eq!(said.into_inner().unwrap(), ["a part of the work broke down; trying again in 5 s"]);
    }
}

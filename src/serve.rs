//! The long-running process: watches, records, exchanges events, answers requests and tells how it is.
//!
//! A face like the others: it starts use cases and shows what they say. Stops within five seconds, losing nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::app::requests::Desk;
use crate::app::scan::ScanRequest;
use crate::app::sync::engine::{self, Link, Until};
use crate::app::sync::{Place, SyncError};
use crate::app::{AppError, Session, watch};

mod http;

mod metrics;

mod system;

use metrics::Metrics;

/// What the process is started with.
#[derive(Debug)]
pub struct Serve {
    /// The ledger, open for reading and writing.
    pub session: Session,
    /// Where the bus is.
    pub place: Place,
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

/// Why the process did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not one of this machine alone.
    #[error("`{0}` is no address of this machine alone; name one like 127.0.0.1:9617, or `off`")]
    NotLoopback(String),
    /// Nobody can listen there.
    #[error("cannot listen at {address}: {why}; name another address with `--listen`, or `--listen off`")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        why: String,
    },
    /// Synchronising.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Recording.
    #[error(transparent)]
    App(#[from] AppError),
    /// The ledger.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Runs until `stop` is set, or until something fails that no part of it can go on without. `say` hears what happens.
///
/// # Errors
/// What could not be started, or what failed.
pub fn run(serve: Serve, say: &(dyn Fn(String) + Sync)) -> Result<(), ServeError> {
    let Serve { session, place, request, commands, listen, interval, stop } = serve;
    let session = Arc::new(session);
    let metrics = Metrics::new(session.store.reader()?);
    let http = listen.map(|address| http::Server::bind(&address)).transpose()?;
    if let Some(http) = &http {
        say(format!("/metrics and /healthz at http://{}", http.address()));
    }
    let desk = Arc::new(Desk::open(session.clone(), commands)?);
    let link = Link::default();
    let failure = thread::scope(|scope| {
        let synced = scope.spawn(|| {
            let done = engine::run_with(&session, &place, &link, Until::Stopped, &stop, Some(desk.clone()));
            stop.store(true, Ordering::Relaxed);
            done
        });
        let watched = scope.spawn(|| {
            let done = watch::run(&session, &request, interval, &stop, &|report| {
                metrics.scanned(&report);
                match report {
                    Ok(report) if report.events == 1 => say("1 event recorded".to_owned()),
                    Ok(report) if report.events > 0 => say(format!("{} events recorded", report.events)),
                    Ok(_) => {}
                    Err(error) => say(format!("a scan failed: {error}")),
                }
                link.nudge();
            });
            stop.store(true, Ordering::Relaxed);
            done
        });
        if let Some(http) = &http {
            scope.spawn(|| http.answer(&desk, &metrics, &stop));
        }
        system::ready(say);
        system::guard(&stop);
        link.nudge();
        let synced = synced.join().map(|done| done.map(drop).map_err(ServeError::from));
        let watched = watched.join().map(|done| done.map_err(ServeError::from));
        [synced.ok(), watched.ok()].into_iter().flatten().find_map(Result::err)
    });
    system::stopping();
    failure.map_or(Ok(()), Err)
}

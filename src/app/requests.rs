//! Requests from the bus: commands, queries, health and discovery. Every one is answered, whatever it asks.
//!
//! What a machine does for others is on a list that is empty by default; what activates, builds or starts a program is done for
//! nobody.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::clock::Clock;
use super::scan::{ScanReport, ScanRequest};
use super::sync::SyncError;
use super::watch::Coverage;
use super::{AppError, Session};
use crate::bus::{Answered, Endpoint, Miss, Request, Who};
use crate::store::{Reader, StoreError};

pub mod allowed;

mod asked;

pub mod command;

mod health;

mod hearing;

pub mod listener;

pub mod measure;

pub mod query;

mod reply;

pub mod schema;

use asked::Asked;
pub use hearing::Hearing;
use measure::{Measure, Scans};
use reply::Refusal;

/// The name of the service, as other CIM services know it.
pub const SERVICE: &str = "cim-domain-nix";
/// What it is, for whoever looks around.
pub const DESCRIPTION: &str = "The ledger of a Nix estate: flakes, their inputs and their history";

/// Where requests are answered, one at a time or several.
#[derive(Debug)]
pub struct Desk {
    /// The ledger, for commands.
    pub(super) session: Arc<Session>,
    /// How it scans, as whoever watches beside it does; the paths are left out.
    pub(super) scan: ScanRequest,
    /// The commands that others may give: `flake.scan`; empty for none.
    pub(super) allowed: Vec<String>,
    /// When it was opened, in microseconds since 1970 UTC.
    pub(super) since: i64,
    /// What others are answered from: it sees of the read model only what is shared.
    reader: Mutex<Reader>,
    /// For health and metrics, which wait for no query.
    glancer: Mutex<Reader>,
    coverage: Mutex<Option<Coverage>>,
    /// None before requests were offered an answer.
    hearing: Mutex<Option<Hearing>>,
    /// Whether it is known now: the connection on which they come stands, or is lost for long.
    connected: AtomicBool,
    /// Set when what takes long is to be left where it is.
    halted: AtomicBool,
    /// Held by whoever writes a file for others.
    writing: Mutex<()>,
    answered: AtomicU64,
    refused: AtomicU64,
    scans: Scans,
}

impl Desk {
    /// Opens a desk. Who scans beside it, and for the same ledger, says `scan` alike: one would take back what the other records.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open(session: Arc<Session>, scan: ScanRequest, allowed: Vec<String>) -> Result<Self, StoreError> {
        let (reader, glancer) = (session.store.reader_of_shared()?, session.store.reader()?);
        let (reader, glancer, since) = (Mutex::new(reader), Mutex::new(glancer), session.clock.now());
        let (coverage, hearing, writing, scans) = <(Mutex<_>, Mutex<_>, Mutex<_>, Scans)>::default();
        let (answered, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let (connected, halted) = <(AtomicBool, AtomicBool)>::default();
        Ok(Self {
            session,
            scan,
            allowed,
            since,
            reader,
            glancer,
            coverage,
            hearing,
            connected,
            halted,
            writing,
            answered,
            refused,
            scans,
        })
    }

    /// Where requests come in. A command to any machine goes to those that accept it, and only where there are none to another.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let origin = &self.session.store.origin().public_key;
        let endpoint =
            |name: &str, subject: &str, who| Endpoint { name: name.to_owned(), subject: subject.to_owned(), who };
        let here = |name, kind: &str| endpoint(name, &format!("nix.{kind}.*.*.{origin}"), Who::Each);
        let accepted = command::COMMANDS.iter().filter(|command| command.is_done() && self.allows(command.name));
        let accepted = accepted.map(|command| {
            let name = format!("command-{}", command.name.replace(['.', '_'], "-"));
            endpoint(&name, &format!("nix.cmd.{}", command.name), Who::Doer)
        });
        let mut endpoints = vec![
            endpoint("commands", "nix.cmd.*.*", Who::Otherwise),
            here("commands-here", "cmd"),
            endpoint("queries", "nix.query.*.*", Who::One),
            here("queries-here", "query"),
            endpoint("health", "health.cim-domain-nix", Who::One),
            endpoint("health-nix", "health.nix", Who::One),
            endpoint("discovery", "discovery.cim-domain-nix", Who::One),
            endpoint("metrics", "metrics.nix", Who::One),
        ];
        endpoints.extend(accepted);
        endpoints
    }

    /// Whether others may give a command.
    fn allows(&self, command: &str) -> bool {
        self.allowed.iter().any(|name| name == command)
    }

    /// Answers a request: always, with JSON.
    pub fn answer(&self, request: &Request) -> Answered {
        let answer = self.reply(request);
        let miss = (answer["ok"] == json!(false)).then(|| Miss {
            rejected: answer["status"] == json!("rejected"),
            code: answer["code"].as_str().unwrap_or_default().to_owned(),
        });
        let counter = if miss.is_some() { &self.refused } else { &self.answered };
        counter.fetch_add(1, Ordering::Relaxed);
        Answered { body: answer.to_string().into_bytes(), miss }
    }

    /// Which machine answers.
    pub fn origin(&self) -> &str {
        &self.session.store.origin().public_key
    }

    /// What is announced when it opens.
    pub fn announcement(&self) -> Vec<u8> {
        health::discovery(self).to_string().into_bytes()
    }

    /// How it is, with every check that led to it, for whoever asks on this machine.
    pub fn health(&self) -> Value {
        health::health(self, true)
    }

    /// What takes long is left where it is, and answered: the process is to end.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Takes in how much of the roots is watched.
    pub fn covers(&self, coverage: Coverage) {
        *self.coverage.lock().unwrap_or_else(PoisonError::into_inner) = Some(coverage);
    }

    /// How much of the roots is watched; none before that is known.
    pub fn coverage(&self) -> Option<Coverage> {
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in whether requests reach it; what that was before, as it was found last.
    pub fn hears(&self, now: Hearing) -> Option<Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner).replace(now)
    }

    /// Takes in whether it is known now if requests reach it: as a rule, that there is a connection.
    pub fn connects(&self, now: bool) {
        self.connected.store(now, Ordering::Relaxed);
    }

    /// Whether requests reach it; none before that is known, and while there is no connection.
    pub fn hearing(&self) -> Option<Hearing> {
        if !self.connected.load(Ordering::Relaxed) {
            return None;
        }
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a scan.
    pub fn scanned(&self, report: Result<&ScanReport, &AppError>) {
        self.scans.count(report);
    }

    /// Everything that is counted.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn measure(&self) -> Result<Vec<Measure>, SyncError> {
        measure::measure(self)
    }

    /// What its clock says, in microseconds since 1970 UTC.
    pub fn now(&self) -> i64 {
        self.clock().now()
    }

    /// The memory that is resident, in MiB; none where the system does not tell.
    pub fn memory_mb(&self) -> Option<u64> {
        health::used_mb()
    }

    /// How many requests were answered, and how many refused.
    pub fn counts(&self) -> (u64, u64) {
        (self.answered.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    fn reply(&self, request: &Request) -> Value {
        match request.subject.as_str() {
            "health.cim-domain-nix" | "health.nix" => health::health(self, false),
            "discovery.cim-domain-nix" => health::discovery(self),
            "metrics.nix" => health::metrics(self),
            subject => {
                let mut answer = self.reply_to(subject, request);
                answer["answered_by"] = json!(self.origin());
                answer
            }
        }
    }

    /// The reply to a command or a query.
    fn reply_to(&self, subject: &str, request: &Request) -> Value {
        let Some(asked) = Asked::read(subject, request, &self.session.clock) else {
            return Refusal::error("unknown_subject", format!("nothing is known of {subject}")).plain();
        };
        let correlation_id = asked.identity.correlation_id;
        let _span = tracing::info_span!("request", subject, %correlation_id).entered();
        let done = if asked.is_command() { command::run(self, &asked) } else { query::run(self, &asked) };
        let answer = done.unwrap_or_else(|refusal| refusal.reply(&asked));
        tracing::info!(status = answer["status"].as_str(), code = answer["code"].as_str(), "answered");
        answer
    }

    /// Reads with the desk's own connection, which sees of the read model only what is shared.
    fn read<T>(&self, read: impl FnOnce(&Reader) -> T) -> T {
        read(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what takes no time.
    fn glance<T>(&self, read: impl FnOnce(&Reader) -> T) -> T {
        read(&self.glancer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody else writes a file for others.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> &Clock {
        &self.session.clock
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::super::ledger::{self, Who};
    use super::*;

    #[test]
    fn how_it_is_is_told_while_a_query_reads() {
        let folder = tempfile::tempdir().unwrap();
        let who = Who { host: "here".to_owned(), user: "ada".to_owned() };
        let session = ledger::open(&folder.path().join("ledger.db"), who, Clock::system()).unwrap();
        let desk = Desk::open(Arc::new(session), ScanRequest::default(), Vec::new()).unwrap();
        let (told, hears) = mpsc::channel();
        std::thread::scope(|scope| {
            desk.read(|_| {
                scope.spawn(|| told.send((desk.health(), health::metrics(&desk))));
                let (health, metrics) = hears.recv_timeout(Duration::from_secs(20)).unwrap();
                assert_eq!((&health["service"], &metrics["service"]), (&json!(SERVICE), &json!(SERVICE)));
                assert_eq!(health["checks"]["programs"]["status"], "ok", "{health}");
            });
        });
    }

    #[test]
    fn everything_that_is_counted_is_told_on_the_bus() {
        let folder = tempfile::tempdir().unwrap();
        let who = Who { host: "here".to_owned(), user: "ada".to_owned() };
        let session = ledger::open(&folder.path().join("ledger.db"), who, Clock::system()).unwrap();
        let desk = Desk::open(Arc::new(session), ScanRequest::default(), Vec::new()).unwrap();
        desk.scanned(Ok(&ScanReport { events: 7, ..ScanReport::default() }));
        let told = health::metrics(&desk)["metrics"].clone();
        for measure in desk.measure().unwrap() {
            assert!(told.get(measure.name).is_some(), "{}: {told}", measure.name);
        }
        assert_eq!(
            (&told["scans"], &told["scan_failures"], &told["recorded_events"]),
            (&json!(1), &json!(0), &json!(7))
        );
        assert_eq!((&told["sync_breaker"]["closed"], &told["sync_state"]["disabled"]), (&json!(1), &json!(1)));
        assert_eq!(told["sync_last_error"]["failed"], 0);
    }
}

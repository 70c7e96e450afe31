//! Metrics as Prometheus reads them; the same numbers as on the bus.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::AppError;
use crate::app::ledger::Reader;
use crate::app::requests::Desk;
use crate::app::scan::ScanReport;
use crate::app::sync::status;
use crate::domain::delivery::State;

/// Everything that is counted.
pub(super) struct Metrics {
    reader: Mutex<Reader>,
    registry: Registry,
    events: Gauge,
    shared: Gauge,
    backlog: Gauge,
    waiting: Gauge,
    parked: Gauge,
    origins: Gauge,
    connected_since: Gauge,
    memory: Gauge,
    answered: Gauge,
    refused: Gauge,
    watched: Gauge,
    unwatched: Gauge,
    state: Family<Vec<(String, String)>, Gauge>,
    breaker: Family<Vec<(String, String)>, Gauge>,
    scans: Counter,
    scan_failures: Counter,
    recorded: Counter,
}

impl Metrics {
    pub(super) fn new(reader: Reader) -> Self {
        let mut metrics = Self {
            reader: Mutex::new(reader),
            registry: Registry::with_prefix("cim_nix"),
            events: Gauge::default(),
            shared: Gauge::default(),
            backlog: Gauge::default(),
            waiting: Gauge::default(),
            parked: Gauge::default(),
            origins: Gauge::default(),
            connected_since: Gauge::default(),
            memory: Gauge::default(),
            answered: Gauge::default(),
            refused: Gauge::default(),
            watched: Gauge::default(),
            unwatched: Gauge::default(),
            state: Family::default(),
            breaker: Family::default(),
            scans: Counter::default(),
            scan_failures: Counter::default(),
            recorded: Counter::default(),
        };
        metrics.register();
        metrics
    }

    /// Counts a scan.
    pub(super) fn scanned(&self, report: &Result<&ScanReport, &AppError>) {
        self.scans.inc();
        match report {
            Ok(report) => drop(self.recorded.inc_by(report.events)),
            Err(_) => drop(self.scan_failures.inc()),
        }
    }

    /// Everything in the text format.
    pub(super) fn text(&self, desk: &Desk) -> Result<String, String> {
        self.read(desk).map_err(|error| error.to_string())?;
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn read(&self, desk: &Desk) -> Result<(), crate::app::sync::SyncError> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let report = status::report(&reader, desk.now())?;
        self.events.set(reader.head()?);
        drop(reader);
        self.shared.set(report.shared);
        self.backlog.set(report.backlog);
        self.waiting.set(number(report.waiting));
        self.parked.set(number(report.parked));
        self.origins.set(number(report.origins as u64));
        self.connected_since.set(report.remote.status.connected_since.unwrap_or_default() / 1_000_000);
        self.memory.set(number(desk.memory_mb().unwrap_or_default() << 20));
        let (answered, refused) = desk.counts();
        self.answered.set(number(answered));
        self.refused.set(number(refused));
        let covers = desk.coverage();
        self.watched.set(number(covers.as_ref().map_or(0, |covers| covers.watched as u64)));
        self.unwatched.set(number(covers.map_or(0, |covers| covers.unwatched as u64)));
        for state in State::ALL {
            let label = vec![("state".to_owned(), state.name().to_owned())];
            let on = report.remote.status.state == state.name();
            self.state.get_or_create(&label).set(i64::from(on));
        }
        for state in ["closed", "half_open", "open"] {
            let label = vec![("state".to_owned(), state.to_owned())];
            self.breaker.get_or_create(&label).set(i64::from(report.breaker == state));
        }
        Ok(())
    }

    fn register(&mut self) {
        let gauges = [
            ("events", "Events in the log", &self.events),
            ("sync_shared_events", "Events that this ledger has shared", &self.shared),
            ("sync_backlog_events", "Shared events that the server lacks", &self.backlog),
            ("sync_waiting_messages", "Messages that wait for those before them", &self.waiting),
            ("sync_parked_messages", "Messages that could not be taken in", &self.parked),
            ("sync_origins", "Other ledgers whose events are here", &self.origins),
            (
                "sync_connected_since_seconds",
                "Since when it is connected, in seconds since 1970; 0 when it is not",
                &self.connected_since,
            ),
            ("resident_memory_bytes", "Memory that is resident", &self.memory),
            ("requests_answered", "Requests that were answered since the start", &self.answered),
            ("requests_refused", "Requests that were refused since the start", &self.refused),
            ("watched_directories", "Directories that are watched", &self.watched),
            ("unwatched_directories", "Directories that are to be watched and are not", &self.unwatched),
        ];
        for (name, help, gauge) in gauges {
            self.registry.register(name, help, gauge.clone());
        }
        self.registry.register("sync_state", "Where delivery stands: 1 for the state it is in", self.state.clone());
        self.registry.register(
            "sync_breaker",
            "How the breaker stands: 1 for the state it is in",
            self.breaker.clone(),
        );
        self.registry.register("scans", "Scans since the start", self.scans.clone());
        self.registry.register("scan_failures", "Scans that failed since the start", self.scan_failures.clone());
        self.registry.register("recorded_events", "Events that scans recorded since the start", self.recorded.clone());
    }
}

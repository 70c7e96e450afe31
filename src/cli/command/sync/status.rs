//! `sync status`: where synchronisation stands, from the ledger alone.

use std::process::ExitCode;

use serde::Serialize;

use crate::app::moment::ago;
use crate::app::sync::engine;
use crate::app::sync::status::Gap;
use crate::app::sync::{Place, status};
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::text::plural;
use crate::store::view::rfc3339;

pub(super) fn run(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let servers = Place::of(&context.settings.sync).target.shown();
    let now = context.clock.now();
    let report = status::report(&context.read()?.ledger.reader, now)?;
    let remote = report.remote.status;
    let status = Status {
        enabled: report.enabled,
        state: remote.state,
        reason: remote.reason,
        servers,
        server: remote.server,
        connected_since: remote.connected_since.map(rfc3339),
        last_error: remote.last_error,
        attempts: remote.attempts,
        breaker: report.breaker,
        next_attempt_at: remote.next_attempt_at.map(rfc3339),
        synced_at: report.remote.synced_at.map(rfc3339),
        delivered_by: report.holder,
        shared: report.shared,
        backlog: report.backlog,
        waiting: report.waiting,
        gaps: report.gaps.iter().map(Incomplete::of).collect(),
        parked: report.parked,
        roots_shared: report.roots.0,
        roots: report.roots.1,
        findings_shared: report.findings,
        system_shared: report.system,
        origins: report.origins,
        connected: remote.connected_since,
        synced: report.remote.synced_at,
    };
    context.printer.answer(&status)?;
    Ok(ExitCode::SUCCESS)
}

/// `cim-nix/sync-status/1`.
#[derive(Debug, Serialize)]
struct Status {
    enabled: bool,
    state: String,
    reason: Option<String>,
    servers: Vec<String>,
    server: Option<String>,
    connected_since: Option<String>,
    last_error: Option<String>,
    attempts: u32,
    breaker: &'static str,
    next_attempt_at: Option<String>,
    synced_at: Option<String>,
    delivered_by: Option<String>,
    /// How many events this ledger has shared.
    shared: i64,
    /// How many of them the server lacks.
    backlog: i64,
    /// How many messages of others wait for those before them.
    waiting: u64,
    /// Whose messages wait for one that the server does not have.
    gaps: Vec<Incomplete>,
    /// How many could not be taken in.
    parked: u64,
    roots_shared: usize,
    roots: usize,
    /// Whether the problems that were found below them are shared as well.
    findings_shared: bool,
    system_shared: bool,
    /// How many other ledgers have events here.
    origins: usize,
    #[serde(skip)]
    connected: Option<i64>,
    #[serde(skip)]
    synced: Option<i64>,
}

/// An origin whose events wait.
#[derive(Debug, Serialize)]
pub(super) struct Incomplete {
    origin: String,
    /// Its machine; empty when nothing of it is here.
    machine: String,
    /// How many of its events wait here; more may wait on the server.
    waiting: u64,
    /// The number of the event that is missing.
    event: i64,
    #[serde(skip)]
    pub(super) sentence: String,
}

impl Incomplete {
    pub(super) fn of(gap: &Gap) -> Self {
        let (origin, machine) = (gap.origin.clone(), gap.host.clone());
        Self { origin, machine, waiting: gap.waiting, event: gap.event, sentence: status::waits(gap) }
    }
}

impl Single for Status {
    const NAME: &'static str = "sync-status";

    fn cells(&self) -> Vec<String> {
        [
            self.state.clone(),
            self.backlog.to_string(),
            self.connected_since.clone().unwrap_or_default(),
            self.last_error.clone().unwrap_or_default(),
        ]
        .into()
    }

    fn page(&self, page: &mut Page) {
        let state = match (&self.reason, self.enabled) {
            (_, false) => "off; `cim-nix sync enable` turns it on".to_owned(),
            (Some(reason), _) => format!("{} ({reason})", self.state),
            (None, _) => self.state.clone(),
        };
        page.field("state", state);
        let servers = self.servers.join(", ");
        page.field("servers", if servers.is_empty() { "none; set `sync.servers`, or `NATS_URL`" } else { &servers });
        if let Some(server) = &self.server {
            page.field("server", server);
        }
        if let Some(since) = self.connected {
            page.field("connected", format!("for {}", ago(since, page.now())));
        }
        let problems = if self.findings_shared { ", with the problems found there" } else { "" };
        let below = format!("below {} of {} roots", self.roots_shared, self.roots);
        let system = if self.system_shared { ", with the generations of this machine" } else { "" };
        page.field("shared", format!("{} events, {below}{problems}{system}", self.shared));
        page.field("backlog", self.backlog.to_string());
        page.field("others", others(self));
        for gap in &self.gaps {
            page.field("incomplete", &gap.sentence);
        }
        let synced = self.synced.map_or_else(|| "never".to_owned(), |at| format!("{} ago", ago(at, page.now())));
        page.field("in step", synced);
        page.field("delivered by", self.delivered_by.as_deref().unwrap_or("nobody now"));
        if let Some(error) = &self.last_error {
            page.field("last error", error);
        }
        if let Some(hint) = self.reason.as_deref().and_then(engine::hint) {
            page.field("next step", hint);
        }
    }
}

fn others(status: &Status) -> String {
    let ledgers = plural(u64::try_from(status.origins).unwrap_or(u64::MAX), "ledger");
    format!("{ledgers}, {} waiting, {} parked", plural(status.waiting, "message"), status.parked)
}

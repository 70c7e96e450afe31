//! A machine: one ledger, its settings, and its engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cim_domain_nix::app::Session;
use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::sync::engine::{self, Outcome, Until};
use cim_domain_nix::app::sync::{Place, consent, status};
use cim_domain_nix::bus::{Layout, Link, Target};
use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::flake::Facts;
use cim_domain_nix::domain::flake::event::{Discovered, FlakeEvent};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::lineage::Lineage;
use cim_domain_nix::domain::lock::PathChange;
use cim_domain_nix::domain::lock_history::{self, Commit, LockHistoryEvent};
use cim_domain_nix::domain::naming::Namespace;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::check::CheckState;
use cim_domain_nix::store::rebuild::{Replayed, Selection};
use cim_domain_nix::store::{Append, Expected, LocalNote, NewEvent, StreamWrite};

use crate::nats::Server;

/// A ledger with a shared root, and how it reaches the bus.
pub(super) struct Machine {
    pub(super) session: Arc<Session>,
    pub(super) place: Place,
    folder: tempfile::TempDir,
    name: String,
}

/// An engine that runs beside the test.
pub(super) struct Running {
    stop: Arc<AtomicBool>,
    link: Link,
    thread: Option<JoinHandle<Outcome>>,
}

impl Machine {
    /// A machine that has agreed to synchronise and shares its one root.
    pub(super) fn new(name: &str, server: &Server) -> Self {
        let machine = Self::private(name, server);
        consent::enable(&machine.session, &consent::Which::All).unwrap();
        machine
    }

    /// The same, with a clock of its own.
    pub(super) fn with_clock(name: &str, server: &Server, clock: Clock) -> Self {
        let place = Place { target: target(&server.url()), layout: Layout::default() };
        let machine = Self::private_with(name, &place, clock);
        consent::enable(&machine.session, &consent::Which::All).unwrap();
        machine
    }

    /// The same, at a place that another machine knows already.
    pub(super) fn at(name: &str, place: &Place) -> Self {
        let machine = Self::private_at(name, place);
        consent::enable(&machine.session, &consent::Which::All).unwrap();
        machine
    }

    /// A machine whose root is private.
    pub(super) fn private(name: &str, server: &Server) -> Self {
        Self::private_at(name, &Place { target: target(&server.url()), layout: Layout::default() })
    }

    fn private_at(name: &str, place: &Place) -> Self {
        Self::private_with(name, place, Clock::system())
    }

    fn private_with(name: &str, place: &Place, clock: Clock) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let session = Arc::new(open(folder.path(), name, clock));
        let machine = Self { session, place: place.clone(), folder, name: name.to_owned() };
        let root = LocalNote::RootAdded { path: machine.root(), at: machine.session.clock.now() };
        machine.append(Vec::new(), vec![root]);
        machine
    }

    /// The one root.
    pub(super) fn root(&self) -> PathBuf {
        PathBuf::from(format!("/home/{}", self.name))
    }

    /// The flake of a number below the root.
    pub(super) fn flake(&self, number: u128) -> FlakeId {
        self.named().flake(&self.directory(number), |_| false)
    }

    /// What the names of its streams are derived from.
    pub(super) fn named(&self) -> Namespace {
        Namespace::of(&self.session.store.origin().public_key)
    }

    fn directory(&self, number: u128) -> PathBuf {
        self.root().join(format!("flake-{number}"))
    }

    /// Records that a flake was found.
    pub(super) fn discover(&self, number: u128) {
        let directory = RecordedPath::new(&self.directory(number));
        let facts = Facts { description: Some(format!("flake {number}")), ..Facts::default() };
        let found = Discovered { directory, lineage: None, extractor: 1, facts };
        record(&self.session, self.flake(number), vec![FlakeEvent::Discovered(Box::new(found))]);
    }

    /// Records so many changes of a flake's description, in one command.
    pub(super) fn change(&self, number: u128, count: usize) {
        record_change(&self.session, self.flake(number), count);
    }

    /// Records so many descriptions of so many bytes.
    pub(super) fn fill(&self, number: u128, count: usize, bytes: usize) {
        for index in 0..count {
            let to = Some(format!("{index} {}", "x".repeat(bytes)));
            record(&self.session, self.flake(number), vec![FlakeEvent::DescriptionChanged { from: None, to }]);
        }
    }

    /// Records that a commit changed the lock of a flake at a time.
    pub(super) fn commit(&self, number: u128, id: &str, at: i64) {
        let attrs = |rev: &str| serde_json::json!({ "rev": rev }).as_object().cloned();
        let (input, node) = ("nixpkgs".to_owned(), "nixpkgs".to_owned());
        let change = PathChange { input, node, from: None, to: attrs(id) };
        let (author, summary) = (self.name.clone(), "update".to_owned());
        let commit = Commit { id: id.to_owned(), parent: None, author, authored_at: at, committed_at: at, summary };
        self.history(number, at, lock_history::record(self.flake(number), &commit, vec![change]));
    }

    /// Records whose clone a flake is.
    pub(super) fn belongs(&self, number: u128, lineage: &str) {
        let to = Some(Lineage::recorded(lineage.to_owned()));
        record(&self.session, self.flake(number), vec![FlakeEvent::LineageChanged { from: None, to }]);
    }

    /// The branch has that commit no more.
    pub(super) fn lose(&self, number: u128, id: &str, at: i64) {
        let lost = LockHistoryEvent::Unreachable { flake: self.flake(number), commits: vec![id.to_owned()] };
        self.history(number, at, vec![lost]);
    }

    fn history(&self, number: u128, at: i64, events: Vec<LockHistoryEvent>) {
        let event = |event| NewEvent {
            id: EventId::new(self.session.clock.new_id()),
            occurred_at: at,
            event: Event::LockHistory(event),
            undoes: None,
        };
        let (stream, events) = (StreamId::lock_history(self.flake(number)), events.into_iter().map(event).collect());
        self.append(vec![StreamWrite { stream, expected: Expected::Any, events }], Vec::new());
    }

    fn append(&self, writes: Vec<StreamWrite>, notes: Vec<LocalNote>) {
        append(&self.session, writes, notes);
    }

    /// Synchronises once.
    pub(super) fn sync(&self) -> Outcome {
        engine::run(&self.session, &self.place, &Link::default(), Until::Synced, &AtomicBool::new(false)).unwrap()
    }

    /// Synchronises once, and fails the test when that does not come to its end.
    pub(super) fn synced(&self) -> Outcome {
        let outcome = self.sync();
        assert!(outcome.synced, "{outcome:?}");
        outcome
    }

    /// Starts the engine.
    pub(super) fn start(&self) -> Running {
        let (stop, link) = (Arc::new(AtomicBool::new(false)), Link::default());
        let (session, place) = (self.session.clone(), self.place.clone());
        let (stopping, linked) = (stop.clone(), link.clone());
        let run = move || engine::run(&session, &place, &linked, Until::Stopped, &stopping).unwrap();
        Running { stop, link, thread: Some(std::thread::spawn(run)) }
    }

    /// Where synchronisation stands.
    pub(super) fn status(&self) -> status::Report {
        status::report(&self.session.store.reader().unwrap(), self.session.clock.now()).unwrap()
    }

    /// Waits until something holds.
    pub(super) fn until(&self, what: &str, holds: impl Fn(&status::Report) -> bool) -> status::Report {
        let begun = Instant::now();
        loop {
            let report = self.status();
            if holds(&report) {
                return report;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}: no {what}: {report:#?}", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything shared that is here, of every origin: event ids by origin and number.
    pub(super) fn shared(&self) -> Vec<(String, i64, String)> {
        let reader = self.session.store.reader().unwrap();
        let mut statement = reader
            .prepare(
                "SELECT o.public_key, b.seq, lower(hex(e.event_id)) FROM outbox b JOIN origins o ON o.id = b.origin \
                 JOIN events e ON e.position = b.position ORDER BY 1, 2",
            )
            .unwrap();
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// What everything shared gives, with its hash.
    pub(super) fn replayed(&self) -> Replayed {
        self.session.store.replay(&Selection { shared: true, ..Selection::default() }).unwrap()
    }

    /// The hash of everything shared that is here.
    pub(super) fn state_hash(&self) -> String {
        cim_domain_nix::app::sync::verify::state_hash(&self.session).unwrap()
    }

    /// The ledger is what was written.
    pub(super) fn assert_sound(&self) {
        let checks = cim_domain_nix::store::verify::verify(self.session.store.path());
        let bad: Vec<_> = checks.iter().filter(|check| check.state != CheckState::Ok).collect();
        assert!(bad.is_empty(), "{}: {bad:#?}", self.name);
    }

    /// One number of SQL.
    pub(super) fn count(&self, sql: &str) -> i64 {
        self.session.store.reader().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Where it keeps its files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ledger as another process has it.
    pub(super) fn beside(&self) -> Session {
        open(self.folder.path(), &self.name, Clock::system())
    }

    /// Hands the ledger over to something that uses it up, and opens it again.
    pub(super) fn transform(&mut self, change: impl FnOnce(Session)) {
        let elsewhere = tempfile::tempdir_in(self.folder.path()).unwrap();
        let session = std::mem::replace(&mut self.session, Arc::new(open(elsewhere.path(), "nobody", Clock::system())));
        change(Arc::into_inner(session).expect("nobody else uses the ledger"));
        self.session = Arc::new(open(self.folder.path(), &self.name, Clock::system()));
    }

    /// The machine gets another name.
    pub(super) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.transform(drop);
    }

    /// Closes the ledger, lets something happen to its file, and opens it again.
    pub(super) fn replace(&mut self, change: impl FnOnce(&Path)) {
        let path = self.session.store.path().to_owned();
        let elsewhere = tempfile::tempdir_in(self.folder.path()).unwrap();
        self.session = Arc::new(open(elsewhere.path(), "nobody", Clock::system()));
        change(&path);
        self.session = Arc::new(open(self.folder.path(), &self.name, Clock::system()));
    }
}

impl Running {
    /// How many connections it made.
    pub(super) fn connections(&self) -> u64 {
        self.link.standing().connections
    }

    /// Stops the engine.
    pub(super) fn stop(mut self) -> Outcome {
        self.halt().expect("the engine was running")
    }

    fn halt(&mut self) -> Option<Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        self.link.nudge();
        self.thread.take().map(|thread| thread.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.halt();
        }
    }
}

/// Where a server is.
pub(super) fn target(servers: &str) -> Target {
    Target { servers: Target::servers_of(servers), ..Target::default() }
}

/// Records so many changes of a flake's description, in one command.
pub(super) fn record_change(session: &Session, flake: FlakeId, count: usize) {
    let change = |n: usize| FlakeEvent::DescriptionChanged { from: None, to: Some(format!("change {n}")) };
    record(session, flake, (0..count).map(change).collect());
}

fn record(session: &Session, flake: FlakeId, events: Vec<FlakeEvent>) {
    let event = |event| NewEvent {
        id: EventId::new(session.clock.new_id()),
        occurred_at: session.clock.now(),
        event: Event::Flake(event),
        undoes: None,
    };
    let events = events.into_iter().map(event).collect();
    append(session, vec![StreamWrite { stream: StreamId::flake(flake), expected: Expected::Any, events }], Vec::new());
}

fn append(session: &Session, writes: Vec<StreamWrite>, notes: Vec<LocalNote>) {
    let command = session.command("test");
    session.store.append(Append { command, received_at: session.clock.now(), writes, notes }).unwrap();
}

fn open(folder: &Path, name: &str, clock: Clock) -> Session {
    let who = Who { host: name.to_owned(), user: "ada".to_owned() };
    ledger::open(&folder.join("ledger.db"), who, clock).unwrap()
}

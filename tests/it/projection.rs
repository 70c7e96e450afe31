//! The read model through the store's public door: what the log says is what the views show, at every moment.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its world fails")]

use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::finding::event::FindingEvent;
use cim_domain_nix::domain::finding::{Finding, Severity, Subject};
use cim_domain_nix::domain::flake::decide::{self, NotUnderstood, Observation};
use cim_domain_nix::domain::flake::event::FlakeEvent;
use cim_domain_nix::domain::flake::state::Flake;
use cim_domain_nix::domain::flake::{Facts, Input};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::lineage::LineageSeen;
use cim_domain_nix::domain::lock::{Edge, Lock, LockNode};
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::{Access, Append, Command, Expected, NewEvent, Store, StreamWrite, Who};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

mod building;
mod erased;
mod findings;
mod fold;
mod history;
mod reading;
mod reference;

/// When the first thing happens, in microseconds; each command comes a second later.
const BEGIN: i64 = 1_764_000_000_000_000;
const SECOND: i64 = 1_000_000;

/// A ledger in a folder of its own, and a clock.
struct Ledger {
    store: Store,
    folder: TempDir,
    ticks: i64,
    ids: u128,
}

impl Ledger {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { store: open(&folder), folder, ticks: 0, ids: 0 }
    }

    fn now(&self) -> i64 {
        BEGIN + self.ticks * SECOND
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// One command a second later: the events of one stream.
    fn append(&mut self, stream: StreamId, events: impl IntoIterator<Item = Event>) {
        self.ticks += 1;
        self.append_at(self.now(), stream, events);
    }

    /// The same about a time: what happened then is recorded now.
    fn append_at(&mut self, at: i64, stream: StreamId, events: impl IntoIterator<Item = Event>) {
        let events: Vec<NewEvent> = events
            .into_iter()
            .map(|event| NewEvent { id: EventId::new(self.id()), occurred_at: at, event, undoes: None })
            .collect();
        let id = self.id();
        let command = Command {
            id,
            name: "test",
            identity: MessageIdentity::root(id),
            actor: "me@here".into(),
            result: Value::Null,
        };
        let writes = vec![StreamWrite { stream, expected: Expected::Any, events }];
        self.store.append(Append { command, received_at: self.now(), writes, notes: Vec::new() }).unwrap();
    }

    fn flake(&mut self, id: FlakeId, events: impl IntoIterator<Item = FlakeEvent>) {
        self.append(StreamId::flake(id), events.into_iter().map(Event::Flake));
    }

    /// A scan sees these facts.
    fn see(&mut self, id: FlakeId, known: &mut Option<Flake>, observation: &Observation) {
        let events = decide::observe(known.as_ref(), observation);
        *known = events.iter().fold(known.take(), Flake::apply);
        self.flake(id, events);
    }

    fn reopen(self) -> Self {
        let Self { store, folder, ticks, ids } = self;
        drop(store);
        Self { store: open(&folder), folder, ticks, ids }
    }
}

fn open(folder: &TempDir) -> Store {
    let who = Who { host: "here".into(), user: "me".into() };
    Store::open(&folder.path().join("ledger.db"), Access::ReadWrite, &who, BEGIN).unwrap()
}

fn flake_id(number: u128) -> FlakeId {
    FlakeId::new(Uuid::from_u128(0xf1a_0000_0000_0000_0000 + number))
}

fn seen(directory: &str, facts: Facts) -> Observation {
    Observation {
        directory: RecordedPath::new(directory.as_ref()),
        lineage: LineageSeen::Known(None),
        extractor: 1,
        same_files: false,
        facts,
        not_understood: NotUnderstood::default(),
        lock_changes: Vec::new(),
    }
}

fn input(name: &str) -> Input {
    Input {
        name: name.into(),
        url: Some(format!("github:me/{name}")),
        attrs: None,
        follows: None,
        flake: true,
        overrides: [].into(),
        declared: true,
    }
}

fn node(owner: &str, repo: &str, rev: &str, inputs: &[(&str, &str)]) -> LockNode {
    let locked = json!({ "type": "github", "owner": owner, "repo": repo, "rev": rev, "lastModified": 1_700_000_000 });
    let original = json!({ "type": "github", "owner": owner, "repo": repo });
    LockNode {
        inputs: inputs.iter().map(|(name, key)| ((*name).to_owned(), Edge::Node((*key).to_owned()))).collect(),
        locked: locked.as_object().cloned(),
        original: original.as_object().cloned(),
        flake: true,
        parent: None,
    }
}

/// A lock whose root has these inputs.
fn lock(root: &[(&str, &str)], nodes: &[(&str, LockNode)]) -> Lock {
    let inputs = root.iter().map(|(name, key)| ((*name).to_owned(), Edge::Node((*key).to_owned()))).collect();
    let root = ("root".to_owned(), LockNode { inputs, flake: true, ..LockNode::default() });
    let nodes = nodes.iter().map(|(key, node)| ((*key).to_owned(), node.clone()));
    Lock { version: Some(7), root: "root".into(), nodes: nodes.chain([root]).collect() }
}

fn finding(fingerprint: &str) -> Finding {
    Finding {
        fingerprint: fingerprint.into(),
        code: "dirty-lock".into(),
        severity: Severity::Warning,
        line: Some(3),
        message: "commit it".into(),
    }
}

fn raised(flake: Option<FlakeId>, file: &str, fingerprints: &[&str]) -> FindingEvent {
    let subject = Subject { flake, file: RecordedPath::new(file.as_ref()) };
    FindingEvent::Raised { subject, findings: fingerprints.iter().map(|name| finding(name)).collect() }
}

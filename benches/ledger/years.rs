//! A ledger as a workstation has one after years, for the benches that need many events.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::finding::event::FindingEvent;
use cim_domain_nix::domain::finding::{Finding, Severity, Subject};
use cim_domain_nix::domain::flake::decide::{self, Observation};
use cim_domain_nix::domain::flake::state::Flake;
use cim_domain_nix::domain::flake::{Facts, Input};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::lineage::LineageSeen;
use cim_domain_nix::domain::lock::{Edge, Lock, LockNode, PathChange};
use cim_domain_nix::domain::lock_history::{self, Commit};
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::{Append, Command, Expected, NewEvent, Store, StreamWrite};
use serde_json::{Value, json};
use uuid::Uuid;

const FLAKES: u64 = 400;
const NODES: u64 = 12;
/// When it all begins, in microseconds since 1970.
pub(crate) const BEGIN: i64 = 1_700_000_000_000_000;

/// Appends a workstation's years: findings come and go, commits are read, locks are updated, now and then something else.
/// At least so many events, about `batch` of them in a transaction, as fast as they come. How long the store took for them:
/// what it costs to make them up is the bench's own.
pub(crate) fn fill(store: &Store, wanted: u64, batch: usize) -> Result<Duration, Box<dyn Error>> {
    let mut years = Years {
        known: BTreeMap::new(),
        open: BTreeMap::new(),
        pending: Vec::new(),
        ids: 0,
        turn: 0,
        took: Duration::ZERO,
    };
    let mut written = 0;
    while written < wanted {
        years.turn += 1;
        let number = years.turn.wrapping_mul(7919) % FLAKES;
        match years.turn % 20 {
            0..=8 => years.finding(number),
            9..=13 => years.commit(number),
            _ => years.look(number),
        }
        if years.pending.iter().map(|write| write.events.len()).sum::<usize>() >= batch {
            written += years.append(store)?;
        }
    }
    years.append(store)?;
    Ok(years.took)
}

struct Years {
    known: BTreeMap<u64, Option<Flake>>,
    open: BTreeMap<u64, bool>,
    pending: Vec<StreamWrite>,
    ids: u128,
    turn: u64,
    took: Duration,
}

impl Years {
    fn write(&mut self, stream: StreamId, events: Vec<Event>) {
        let occurred_at = BEGIN + i64::try_from(self.turn).unwrap_or(i64::MAX) * 1_000_000;
        let events = events
            .into_iter()
            .map(|event| {
                self.ids += 1;
                NewEvent { id: EventId::new(Uuid::from_u128(self.ids << 64 | 7)), occurred_at, event, undoes: None }
            })
            .collect();
        self.pending.push(StreamWrite { stream, expected: Expected::Any, events });
    }

    fn append(&mut self, store: &Store) -> Result<u64, Box<dyn Error>> {
        self.ids += 1;
        let id = Uuid::from_u128(self.ids << 64);
        let identity = MessageIdentity::root(id);
        let command = Command { id, name: "bench", identity, actor: "bench@bench".into(), result: Value::Null };
        let writes = std::mem::take(&mut self.pending);
        let events: usize = writes.iter().map(|write| write.events.len()).sum();
        let begun = Instant::now();
        store.append(Append { command, received_at: BEGIN, writes, notes: Vec::new() })?;
        self.took += begun.elapsed();
        Ok(events as u64)
    }

    /// Two problems of one file are raised, or resolved.
    fn finding(&mut self, number: u64) {
        let file = number * 3 + self.turn % 3;
        let subject = Subject {
            flake: Some(flake_id(number)),
            file: RecordedPath::new(format!("/home/me/flake-{number}/flake-{file}.nix").as_ref()),
        };
        let fingerprints = ["dirty-lock:flake.lock:0".to_owned(), "stale-input:inputs.nixpkgs:0".to_owned()];
        let open = self.open.entry(file).or_default();
        *open = !*open;
        let event = if *open {
            FindingEvent::Raised { subject, findings: fingerprints.into_iter().map(problem).collect() }
        } else {
            FindingEvent::Resolved { subject, fingerprints: fingerprints.into() }
        };
        self.write(StreamId::finding(Uuid::from_u128(1 << 80 | u128::from(file))), vec![Event::Finding(event)]);
    }

    /// One commit that changed two inputs.
    fn commit(&mut self, number: u64) {
        let commit = Commit {
            id: format!("{:040x}", self.turn),
            parent: Some(format!("{:040x}", self.turn - 1)),
            author: "Ada Lovelace".into(),
            authored_at: BEGIN - i64::try_from(self.turn).unwrap_or(i64::MAX) * 1_000_000,
            committed_at: BEGIN - i64::try_from(self.turn).unwrap_or(i64::MAX) * 1_000_000,
            summary: "flake.lock: Update".into(),
        };
        let changes = vec![self.change(1), self.change(2)];
        let events = lock_history::record(flake_id(number), &commit, changes);
        let events = events.into_iter().map(Event::LockHistory).collect();
        self.write(StreamId::lock_history(flake_id(number)), events);
    }

    /// A scan that sees two nodes updated, every sixth time another input as well.
    fn look(&mut self, number: u64) {
        let known = self.known.entry(number).or_default();
        let mut facts = known.as_ref().map_or_else(first_facts, |flake| flake.facts.clone());
        let turn = self.turn;
        if let Some(lock) = facts.lock.as_mut() {
            for key in ["n1", "n2"] {
                lock.nodes.insert(key.into(), node(key, turn));
            }
        }
        if turn.is_multiple_of(6)
            && let Some(input) = facts.inputs.get_mut("n3")
        {
            input.url = Some(format!("github:owner/n3/v{turn}"));
        }
        let observation = Observation {
            directory: RecordedPath::new(format!("/home/me/flake-{number}").as_ref()),
            lineage: LineageSeen::Known(None),
            extractor: 1,
            same_files: false,
            facts,
            not_understood: decide::NotUnderstood::default(),
            lock_changes: vec![change(turn, 1), change(turn, 2)],
        };
        let events = decide::observe(known.as_ref(), &observation);
        *known = events.iter().fold(known.take(), Flake::apply);
        self.write(StreamId::flake(flake_id(number)), events.into_iter().map(Event::Flake).collect());
    }

    fn change(&self, input: u64) -> PathChange {
        change(self.turn, input)
    }
}

fn change(turn: u64, input: u64) -> PathChange {
    let name = format!("n{input}");
    PathChange { from: node(&name, turn - 1).locked, to: node(&name, turn).locked, input: name.clone(), node: name }
}

fn problem(fingerprint: String) -> Finding {
    Finding {
        fingerprint,
        code: "dirty-lock".into(),
        severity: Severity::Warning,
        line: Some(12),
        message: "the lock differs from what is committed; commit flake.lock, or take the change back".into(),
    }
}

/// The flake of a number below 400.
pub(crate) fn flake_id(number: u64) -> FlakeId {
    FlakeId::new(Uuid::from_u128(1 << 100 | u128::from(number)))
}

fn first_facts() -> Facts {
    let input = |name: String| Input {
        url: Some(format!("github:owner/{name}")),
        name,
        attrs: None,
        follows: None,
        flake: true,
        overrides: BTreeMap::new(),
        declared: true,
    };
    let names = || (1..=NODES).map(|n| format!("n{n}"));
    let root = LockNode {
        inputs: names().map(|name| (name.clone(), Edge::Node(name))).collect(),
        flake: true,
        ..LockNode::default()
    };
    let nodes = names().map(|name| (name.clone(), node(&name, 0))).chain([("root".to_owned(), root)]).collect();
    Facts {
        description: Some("A flake of the bench".into()),
        inputs: names().map(|name| (name.clone(), input(name))).collect(),
        lock: Some(Lock { version: Some(7), root: "root".into(), nodes }),
        ..Facts::default()
    }
}

fn node(name: &str, turn: u64) -> LockNode {
    let locked = json!({
        "lastModified": 1_700_000_000 + turn, "narHash": format!("sha256-{turn:043}="), "owner": "owner",
        "repo": name, "rev": format!("{turn:040x}"), "type": "github",
    });
    let original = json!({ "owner": "owner", "repo": name, "type": "github" });
    LockNode {
        inputs: BTreeMap::new(),
        locked: locked.as_object().cloned(),
        original: original.as_object().cloned(),
        flake: true,
        parent: None,
    }
}

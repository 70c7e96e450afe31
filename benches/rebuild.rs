//! How fast the read model is built from the log, projection by projection, how long a writer waits meanwhile, and how
//! long the queries behind the faces take on the result.
//!
//! `cargo bench --bench rebuild` writes a ledger of a million events first; `REBUILD_EVENTS` says another number.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::finding::event::FindingEvent;
use cim_domain_nix::domain::finding::{Finding, Severity, Subject};
use cim_domain_nix::domain::flake::decide::{self, Observation};
use cim_domain_nix::domain::flake::state::Flake;
use cim_domain_nix::domain::flake::{Facts, Input};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::lock::{Edge, Lock, LockNode, PathChange};
use cim_domain_nix::domain::lock_history::{self, Commit};
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::projection::PROJECTIONS;
use cim_domain_nix::store::view::{self, At, EventFilter, HistoryFilter, Page};
use cim_domain_nix::store::{Access, Append, Command, Expected, NewEvent, Store, StreamWrite, Who};
use serde_json::{Value, json};
use uuid::Uuid;

const FLAKES: u64 = 400;
const NODES: u64 = 12;
const BATCH: usize = 2_000;
const BEGIN: i64 = 1_700_000_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: u64 = std::env::var("REBUILD_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in("target")?;
    let path = folder.path().join("ledger.db");
    let who = Who { host: "bench".into(), user: "bench".into() };
    let store = Store::open(&path, Access::ReadWrite, &who, BEGIN)?;
    let mut out = std::io::stdout().lock();

    let begun = Instant::now();
    fill(&store, wanted)?;
    let filled = begun.elapsed();
    let events = view::head(&*store.reader()?)?;
    writeln!(out, "{events} events appended with projections: {}", rate(events, filled))?;
    for projection in PROJECTIONS {
        let begun = Instant::now();
        for built in store.rebuild(Some(projection.name()), &AtomicBool::new(false), &mut |_| {})? {
            let (chunks, longest) = (built.chunks, built.longest.as_millis());
            writeln!(
                out,
                "rebuild {:14} {}, {chunks} chunks, longest {longest} ms",
                built.name,
                rate(events, begun.elapsed())
            )?;
        }
    }
    read(&store, &mut out)
}

fn rate(events: i64, took: Duration) -> String {
    let millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX).max(1);
    format!("{} ms, {} events/s", millis, events * 1000 / millis)
}

/// The queries behind the faces, each once.
fn read(store: &Store, out: &mut impl std::io::Write) -> Result<(), Box<dyn Error>> {
    let reader = store.reader()?;
    let mut clock = Instant::now();
    let mut lap = |what: &str, rows: usize, out: &mut dyn std::io::Write| {
        let took = clock.elapsed().as_micros();
        let written = writeln!(out, "read    {what:22} {took} µs, {rows} rows");
        clock = Instant::now();
        written
    };
    let flake = flake_id(7);
    lap("flakes", view::flakes(&reader, view::Whose::Own, At::Now)?.len(), out)?;
    lap(
        "flakes at half-way",
        view::flakes(&reader, view::Whose::Own, At::Position(view::head(&reader)? / 2))?.len(),
        out,
    )?;
    lap("inputs", view::inputs(&reader, flake, At::Now)?.len(), out)?;
    lap("lock_nodes", view::lock_nodes(&reader, flake, At::Now)?.len(), out)?;
    lap("history", view::history(&reader, Some(flake), &HistoryFilter::default(), At::Now)?.len(), out)?;
    lap("duplicates", view::duplicates(&reader, None, At::Now)?.len(), out)?;
    lap("problems", view::problems(&reader, None, At::Now)?.len(), out)?;
    let all = EventFilter::default();
    lap("events, newest page", view::events(&reader, &all, Page::Newest, 200, At::Now)?.len(), out)?;
    let updated = EventFilter { kind: Some("flake.updated".into()), ..all };
    lap("events of a type", view::events(&reader, &updated, Page::Newest, 200, At::Now)?.len(), out)?;
    let counts = view::counts(&reader, At::Now)?;
    lap("counts", usize::try_from(counts.flakes)?, out)?;
    lap(
        "diff of two moments",
        view::diff(&reader, At::Position(counts.events.cast_signed() - 500), At::Now, None)?.len(),
        out,
    )?;
    Ok(())
}

/// A workstation's years: findings come and go, commits are read, locks are updated, now and then something else.
fn fill(store: &Store, wanted: u64) -> Result<(), Box<dyn Error>> {
    let mut years = Years { known: BTreeMap::new(), open: BTreeMap::new(), pending: Vec::new(), ids: 0, turn: 0 };
    let mut written = 0;
    while written < wanted {
        years.turn += 1;
        let number = years.turn.wrapping_mul(7919) % FLAKES;
        match years.turn % 20 {
            0..=8 => years.finding(number),
            9..=13 => years.commit(number),
            _ => years.look(number),
        }
        if years.pending.iter().map(|write| write.events.len()).sum::<usize>() >= BATCH {
            written += years.append(store)?;
        }
    }
    years.append(store)?;
    Ok(())
}

struct Years {
    known: BTreeMap<u64, Option<Flake>>,
    open: BTreeMap<u64, bool>,
    pending: Vec<StreamWrite>,
    ids: u128,
    turn: u64,
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
        store.append(Append { command, received_at: BEGIN, writes, notes: Vec::new() })?;
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
            lineage: None,
            extractor: 1,
            same_files: false,
            facts,
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

fn flake_id(number: u64) -> FlakeId {
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

//! Commands of one event each: an input of a flake gets another URL, as when a person has edited `flake.nix`.

use std::collections::BTreeMap;

use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::flake::decide::{self, Observation};
use cim_domain_nix::domain::flake::state::Flake;
use cim_domain_nix::domain::flake::{Facts, Input};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::lineage::LineageSeen;
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::{Append, Command, Expected, NewEvent, StreamWrite};
use serde_json::Value;
use uuid::Uuid;

const FLAKES: u64 = 20;
const BEGIN: i64 = 1_800_000_000_000_000;

/// One caller with flakes of its own; a flake's first command has more than one event.
#[derive(Debug)]
pub(crate) struct Edits {
    caller: u64,
    turn: u64,
    known: BTreeMap<u64, Option<Flake>>,
}

impl Edits {
    /// A caller; two of one number must not write to one database.
    pub(crate) fn of(caller: u64) -> Self {
        Self { caller, turn: 0, known: BTreeMap::new() }
    }

    /// Whether every flake is known, so that each command from now on has one event.
    pub(crate) fn settled(&self) -> bool {
        self.turn >= FLAKES
    }

    /// The next command.
    pub(crate) fn next(&mut self) -> Append {
        let number = self.turn % FLAKES;
        let turn = self.turn;
        let known = self.known.entry(number).or_default();
        let flake = FlakeId::new(Uuid::from_u128(3 << 100 | u128::from(self.caller) << 32 | u128::from(number)));
        let observation = Observation {
            directory: RecordedPath::new(format!("/home/me/edited-{}-{number}", self.caller).as_ref()),
            lineage: LineageSeen::Known(None),
            extractor: 1,
            same_files: false,
            facts: facts(turn),
            not_understood: decide::NotUnderstood::default(),
            lock_changes: Vec::new(),
        };
        let events = decide::observe(known.as_ref(), &observation);
        *known = events.iter().fold(known.take(), Flake::apply);
        let events = events.into_iter().enumerate().map(|(at, event)| NewEvent {
            id: EventId::new(self.id(1 + at as u128)),
            occurred_at: BEGIN + i64::try_from(turn).unwrap_or(i64::MAX) * 1000,
            event: Event::Flake(event),
            undoes: None,
        });
        let write = StreamWrite { stream: StreamId::flake(flake), expected: Expected::Any, events: events.collect() };
        let id = self.id(0);
        let identity = MessageIdentity::root(id);
        let command = Command { id, name: "bench", identity, actor: "bench@bench".into(), result: Value::Null };
        self.turn += 1;
        Append { command, received_at: BEGIN, writes: vec![write], notes: Vec::new() }
    }

    /// As time-ordered as real ids are.
    fn id(&self, part: u128) -> Uuid {
        Uuid::from_u128(3 << 120 | u128::from(self.turn) << 64 | u128::from(self.caller) << 8 | part)
    }
}

fn facts(turn: u64) -> Facts {
    let input = Input {
        name: "nixpkgs".to_owned(),
        url: Some(format!("github:NixOS/nixpkgs/nixos-{turn}")),
        attrs: None,
        follows: None,
        flake: true,
        overrides: BTreeMap::new(),
        declared: true,
    };
    Facts { inputs: BTreeMap::from([("nixpkgs".to_owned(), input)]), ..Facts::default() }
}

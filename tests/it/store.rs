//! The store through its public door: opening, appending, reading, refusing.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test makes its own world, and fails when it cannot"
)]

use std::path::Path;

use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::flake::Facts;
use cim_domain_nix::domain::flake::event::{Discovered, FlakeEvent};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::check::{Check, CheckState};
use cim_domain_nix::store::outbox::Settled;
use cim_domain_nix::store::verify::verify;
use cim_domain_nix::store::{
    Access, Append, Command, Expected, NewEvent, Receipt, Store, StoreError, StreamWrite, Who,
};
use serde_json::{Value, json};
use uuid::Uuid;

mod open;

mod append;

mod erase;

mod model;

mod proof;

mod copies;

mod another;

mod agreed;

mod migrated;

pub(crate) mod restore;

pub(crate) const NOW: i64 = 1_764_000_000_000_000;

pub(crate) fn who() -> Who {
    Who { host: "host".to_owned(), user: "user".to_owned() }
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open(path, Access::ReadWrite, &who(), NOW).unwrap()
}

pub(crate) fn flake(number: u128) -> StreamId {
    StreamId::flake(FlakeId::new(Uuid::from_u128(number)))
}

/// Shares these streams, and no others.
pub(crate) fn share(store: &Store, streams: &[StreamId]) -> Settled {
    let covered = streams.iter().cloned().collect();
    store.settle_consent(Vec::new(), move |_| Ok(covered)).unwrap()
}

pub(crate) fn event(id: u128, text: &str) -> NewEvent {
    NewEvent {
        id: EventId::new(Uuid::from_u128(id)),
        occurred_at: NOW,
        event: Event::Flake(FlakeEvent::DescriptionChanged { from: None, to: Some(text.to_owned()) }),
        undoes: None,
    }
}

pub(crate) fn command(id: u128, writes: Vec<StreamWrite>) -> Append {
    let id = Uuid::from_u128(id);
    let identity = MessageIdentity::root(id);
    let command = Command { id, name: "test", identity, actor: who().actor(), result: Value::Null };
    Append { command, received_at: NOW + 1, writes, notes: Vec::new() }
}

pub(crate) fn write(stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> StreamWrite {
    StreamWrite { stream, expected, events }
}

/// One command that discovers a flake with a description.
pub(crate) fn discovery(number: u128, stream: u128, text: &str) -> Append {
    let facts = Facts { description: Some(text.to_owned()), ..Facts::default() };
    let directory = RecordedPath::new(Path::new(&format!("/flakes/{stream}")));
    let found = FlakeEvent::Discovered(Box::new(Discovered { directory, lineage: None, extractor: 1, facts }));
    let mut new = event(1_000_000 + number, "");
    new.event = Event::Flake(found);
    command(number, vec![write(flake(stream), Expected::Any, vec![new])])
}

/// One command with one event: the ids are the number's.
pub(crate) fn single(number: u128, stream: u128) -> Append {
    command(
        number,
        vec![write(flake(stream), Expected::Any, vec![event(1_000_000 + number, &format!("text {number}"))])],
    )
}

/// Contiguous positions, contiguous versions, and as many of them as the streams table says.
pub(crate) fn assert_contiguous(store: &Store) {
    let reader = store.reader().unwrap();
    let count: i64 = reader.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(reader.head().unwrap(), count);
    let wrong: i64 = reader
        .query_row(
            "SELECT count(*) FROM streams s WHERE s.version IS NOT (SELECT max(version) FROM events e WHERE e.stream = s.stream) \
             OR s.version IS NOT (SELECT count(*) FROM events e WHERE e.stream = s.stream)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(wrong, 0);
}

/// Every check of `store verify` says ok.
pub(crate) fn assert_sound(path: &Path) {
    let wrong: Vec<Check> = verify(path).into_iter().filter(|check| check.state != CheckState::Ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A plain connection, as any other program has.
pub(crate) fn raw(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

//! However little a build takes on at once, it comes to what the appends came to.

use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::super::{compare, start};
use super::*;
use crate::domain::catalogue::Event;
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Severity, Subject};
use crate::domain::id::{EventId, FlakeId};
use crate::domain::message::MessageIdentity;
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::store::log::{Append, Command, Expected, NewEvent, StreamWrite};
use crate::store::open::{Access, Store, Who};
use crate::store::projection::PROJECTIONS;
use crate::store::{connect, shape};

/// The event, in one of three streams of its kind; none for what the ledger says of itself.
fn write(number: u128, event: Event, stream: u128, occurred_at: i64) -> Option<StreamWrite> {
    let id = Uuid::from_u128(stream);
    let stream = match &event {
        Event::Flake(_) => StreamId::flake(FlakeId::new(id)),
        Event::Finding(_) => StreamId::finding(id),
        Event::LockHistory(_) => StreamId::lock_history(FlakeId::new(id)),
        Event::Config(_) => StreamId::config(id),
        Event::Pins(_) => StreamId::pins(id),
        Event::Module(_) => StreamId::module(id),
        Event::Overlay(_) => StreamId::overlay(id),
        Event::Ledger(_) => return None,
    };
    let event = NewEvent { id: EventId::new(Uuid::from_u128(number << 64)), occurred_at, event, undoes: None };
    Some(StreamWrite { stream, expected: Expected::Any, events: vec![event] })
}

fn append(number: u128, write: StreamWrite) -> Append {
    let id = Uuid::from_u128(number << 64 | 1);
    let identity = MessageIdentity::root(id);
    let command = Command { id, name: "test", identity, actor: "me@here".to_owned(), result: Value::Null };
    Append { command, received_at: 0, writes: vec![write], notes: Vec::new() }
}

/// Two problems of a file that come and go.
fn finding() -> impl Strategy<Value = Event> {
    (any::<bool>(), 0..2_u8).prop_map(|(raised, which)| {
        let subject = Subject { flake: None, file: RecordedPath::new("/x/flake.nix".as_ref()) };
        let fingerprint = format!("dirty-lock:{which}");
        Event::Finding(if raised {
            let (code, message) = ("dirty-lock".to_owned(), "commit it".to_owned());
            let finding = Finding { fingerprint, code, severity: Severity::Warning, line: None, message };
            FindingEvent::Raised { subject, findings: vec![finding] }
        } else {
            FindingEvent::Resolved { subject, fingerprints: vec![fingerprint] }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_build_that_keeps_nothing_in_memory_comes_to_the_same(
        events in prop::collection::vec(
            (prop_oneof![1 => shape::tests::any::event(), 4 => finding()], 1..3_u128, -6..7_i64), 1..60),
        (read, gathered, keys) in (1..9_i64, 0..9_usize, 0..6_usize),
        two_threads in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let who = Who { host: "here".to_owned(), user: "me".to_owned() };
        let store = Store::open(&path, Access::ReadWrite, &who, 0).unwrap();
        for (number, (event, stream, jump)) in (1_i64..).zip(events) {
            // Clocks go backwards as well.
            let at = number * 10 + jump * 15;
            let number = u128::from(number.unsigned_abs());
            if let Some(write) = write(number, event, stream, at) {
                store.append(append(number, write)).unwrap();
            }
        }
        drop(store);
        let connection = connect::to_write(&path).unwrap();
        prop_assert_eq!(compare(&connection, None).unwrap(), []);
        for &projection in PROJECTIONS {
            let mut build = start(&connection, projection).unwrap();
            build.limits = Limits { read, gathered, keys };
            if two_threads {
                build.gather(&path);
                prop_assert!(build.gatherer.is_some());
            }
            while let (Step::More { .. }, _) = build.step(2).unwrap() {}
        }
        prop_assert_eq!(compare(&connection, None).unwrap(), []);
    }
}

/// A ledger whose problems come and go, and a build of them that reads beside.
fn beside(path: &Path, damaged: Option<i64>) -> Connection {
    let who = Who { host: "here".to_owned(), user: "me".to_owned() };
    let store = Store::open(path, Access::ReadWrite, &who, 0).unwrap();
    for number in 0..120_u128 {
        let subject = Subject { flake: None, file: RecordedPath::new("/x/flake.nix".as_ref()) };
        let fingerprint = format!("dirty-lock:{}", number / 2);
        let event = Event::Finding(if number % 2 == 0 {
            let (code, message) = ("dirty-lock".to_owned(), "commit it".to_owned());
            let finding = Finding { fingerprint, code, severity: Severity::Warning, line: None, message };
            FindingEvent::Raised { subject, findings: vec![finding] }
        } else {
            FindingEvent::Resolved { subject, fingerprints: vec![fingerprint] }
        });
        store.append(append(number, write(number, event, 1, 0).unwrap())).unwrap();
    }
    drop(store);
    let connection = connect::to_write(path).unwrap();
    if let Some(position) = damaged {
        connection.execute_batch("DROP TRIGGER events_no_update").unwrap();
        connection.execute("UPDATE events SET payload = '{}' WHERE position = ?1", [position]).unwrap();
    }
    connection
}

#[test]
fn what_the_thread_cannot_take_in_fails_the_build_and_leaves_what_readers_see() {
    let folder = tempfile::tempdir().unwrap();
    let connection = beside(&folder.path().join("ledger.db"), Some(40));
    let projection = projection::named("problems").unwrap();
    let before = readable(&connection, projection).unwrap().unwrap().generation;
    let mut build = start(&connection, projection).unwrap();
    build.limits = Limits { read: 7, gathered: 1, keys: 100 };
    build.gather(&folder.path().join("ledger.db"));
    let failed = loop {
        match build.step(2).unwrap().0 {
            Step::More { .. } => {}
            Step::Failed { position, reason } => break (position, reason),
            Step::Done { .. } => panic!("it is damaged"),
        }
    };
    assert_eq!(failed.0, 40);
    assert!(failed.1.contains("finding.resolved"), "{}", failed.1);
    assert_eq!(readable(&connection, projection).unwrap().unwrap().generation, before);
}

#[test]
fn a_build_that_fails_goes_on_from_where_another_process_has_brought_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let connection = beside(&folder.path().join("ledger.db"), Some(40));
    let projection = projection::named("problems").unwrap();
    let begun = start(&connection, projection).unwrap();
    connection.execute("DELETE FROM projections WHERE name = 'problems' AND state = 'live'", []).unwrap();
    let found = begun.entry().unwrap().unwrap();
    let go_on = || Build::go_on(&connection, projection, found);
    let (mut one, mut other) = (go_on(), go_on());
    assert!(matches!(one.step(10).unwrap().0, Step::More { position: 10, .. }));
    assert!(matches!(other.step(60).unwrap().0, Step::More { position: 10, .. }));
    assert!(matches!(other.step(60).unwrap().0, Step::Failed { position: 40, .. }));
    assert!(matches!(one.step(10).unwrap().0, Step::Done { .. }));
    let sql = format!("SELECT count(*) FROM p_problems_past_{}", found.generation);
    assert_eq!(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 19);
    assert_eq!(readable(&connection, projection).unwrap().unwrap().position, 39);
}

#[test]
fn a_build_that_is_given_up_ends_its_thread() {
    let folder = tempfile::tempdir().unwrap();
    let connection = beside(&folder.path().join("ledger.db"), None);
    let projection = projection::named("problems").unwrap();
    let mut build = start(&connection, projection).unwrap();
    build.limits = Limits { read: 1, gathered: 0, keys: 100 };
    build.gather(&folder.path().join("ledger.db"));
    assert!(matches!(build.step(2).unwrap().0, Step::More { .. }));
    // Would wait for ever for a thread that waits to be heard.
    build.give_up().unwrap();
    let sql = "SELECT count(*) FROM projections WHERE state = 'building'";
    assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_table_that_was_found_to_be_left_is_spared_when_a_build_took_its_name_since() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let who = Who { host: "here".to_owned(), user: "me".to_owned() };
    let _store = Store::open(&path, Access::ReadWrite, &who, 0).unwrap();
    let connection = connect::to_write(&path).unwrap();
    let count = |table: &str| {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
        connection.query_row(sql, [table], |row| row.get::<_, u32>(0)).unwrap()
    };
    for &projection in PROJECTIONS {
        let build = start(&connection, projection).unwrap();
        for table in projection.tables().iter().flat_map(|table| table.stored(build.generation)) {
            assert!(drain_some(&connection, &table).unwrap());
            assert_eq!(count(&table), 1, "{table}");
        }
        let left: Vec<_> = projection.tables().iter().flat_map(|table| table.stored(build.generation)).collect();
        build.give_up().unwrap();
        for table in left {
            while !drain_some(&connection, &table).unwrap() {}
            assert_eq!(count(&table), 0, "{table}");
        }
    }
}

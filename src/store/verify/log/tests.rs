//! A log that is walked in parts: damage is found in whichever it lies, and told as by one walk.

use serde_json::Value;
use uuid::Uuid;

use super::super::verify_log;
use super::*;
use crate::domain::catalogue::Event;
use crate::domain::finding::Subject;
use crate::domain::finding::event::FindingEvent;
use crate::domain::id::EventId;
use crate::domain::message::MessageIdentity;
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::store::check::CheckState;
use crate::store::log::{Append, Command, Expected, NewEvent, StreamWrite};
use crate::store::open::{Access, Store, Who};

const EVENTS: u128 = 40;

fn ledger(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("ledger.db");
    let who = Who { host: "here".to_owned(), user: "me".to_owned() };
    let store = Store::open(&path, Access::ReadWrite, &who, 0).unwrap();
    let id = Uuid::from_u128(1);
    let event = |number: u128| {
        let subject = Subject { flake: None, file: RecordedPath::new("/x/flake.nix".as_ref()) };
        let event = Event::Finding(FindingEvent::Resolved { subject, fingerprints: vec![number.to_string()] });
        NewEvent { id: EventId::new(Uuid::from_u128(number << 64)), occurred_at: 0, event, undoes: None }
    };
    let events = (1..=EVENTS).map(event).collect();
    let write = StreamWrite { stream: StreamId::finding(id), expected: Expected::Any, events };
    let identity = MessageIdentity::root(id);
    let command = Command { id, name: "test", identity, actor: "me@here".to_owned(), result: Value::Null };
    store.append(Append { command, received_at: 0, writes: vec![write], notes: Vec::new() }).unwrap();
    path
}

/// What the chain says, and what the payloads say, after somebody has changed an event.
fn after(change: &str) -> [(CheckState, String); 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = ledger(folder.path());
    let connection = connect::to_write(&path).unwrap();
    connection.execute_batch("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete").unwrap();
    connection.execute_batch(change).unwrap();
    drop(connection);
    verify_log(&path).unwrap().map(|check| (check.state, check.detail))
}

#[test]
fn a_log_as_it_was_written_is_right_in_every_part() {
    let [chain, payloads] = after("");
    assert_eq!(chain, (CheckState::Ok, format!("{EVENTS} events")));
    assert_eq!(payloads, (CheckState::Ok, format!("{EVENTS} as recorded, 0 erased")));
}

#[test]
fn damage_is_found_in_whichever_part_it_lies() {
    for position in [1, 2 * PART, 2 * PART + 1, 4 * PART] {
        let [chain, payloads] = after(&format!("UPDATE events SET payload = '{{}}' WHERE position = {position}"));
        assert_eq!(chain.0, CheckState::Ok, "{position}");
        assert_eq!(payloads.0, CheckState::Failed, "{position}");
        assert!(payloads.1.contains(&format!("event {position} has another payload")), "{payloads:?}");
        let [chain, _] = after(&format!("UPDATE events SET actor = 'you' WHERE position = {position}"));
        assert_eq!(chain.0, CheckState::Failed, "{position}");
        assert!(chain.1.contains(&format!("event {position} is not what its link")), "{chain:?}");
    }
}

#[test]
fn an_event_that_is_missing_is_named() {
    let [chain, _] = after(&format!("DELETE FROM events WHERE position = {}", 3 * PART));
    assert_eq!(chain.0, CheckState::Failed);
    assert!(chain.1.contains(&format!("event {} is missing", 3 * PART)), "{chain:?}");
}

//! Appending: one transaction, versions, the same command twice, groups, limits, sharing.

use super::*;
use cim_domain_nix::store::Ticket;
use cim_domain_nix::store::local::{FileRow, HistoryCursor, LocalNote};
use cim_domain_nix::store::shape::NAME_LIMIT;
use std::path::PathBuf;

#[test]
fn what_was_appended_is_read_back_by_stream_position_and_id() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let events = vec![event(1, "a"), event(2, "b")];
    let receipt = store.append(command(9, vec![write(flake(1), Expected::Version(0), events.clone())])).unwrap();
    assert_eq!(receipt, Receipt::Stored { first: Some(1), last: Some(2), events: 2 });

    let reader = store.reader().unwrap();
    let stream = reader.stream(&flake(1)).unwrap();
    assert_eq!(stream.iter().map(|e| (e.position, e.version)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
    for (stored, new) in stream.iter().zip(&events) {
        assert_eq!(stored.event(), Ok(&new.event));
        assert_eq!((stored.event_id, stored.occurred_at, stored.recorded_at), (new.id, NOW, NOW + 1));
        assert_eq!(stored.causation_id.uuid(), Uuid::from_u128(9));
        assert_eq!(stored.correlation_id.uuid(), Uuid::from_u128(9));
        assert_eq!((stored.kind.as_str(), stored.actor.as_str()), ("flake.description_changed", "user@host"));
    }
    assert_eq!(reader.head().unwrap(), 2);
    assert_eq!(reader.version(&flake(1)).unwrap(), 2);
    assert_eq!(reader.version(&flake(2)).unwrap(), 0);
    assert_eq!(reader.event(events[1].id).unwrap().unwrap().position, 2);
    assert_eq!(reader.recorded(1, 10).unwrap().len(), 1);
    assert!(reader.stream(&flake(2)).unwrap().is_empty());
}

#[test]
fn the_same_command_twice_has_one_effect_and_the_first_answer() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let mut append = single(1, 1);
    append.command.result = json!({"flakes": 3});
    store.append(append.clone()).unwrap();
    let again = store.append(append).unwrap();
    assert_eq!(again, Receipt::Repeated { first: Some(1), last: Some(1), result: json!({"flakes": 3}) });
    assert_eq!(store.reader().unwrap().head().unwrap(), 1);
}

#[test]
fn an_actor_whom_no_other_ledger_takes_in_is_not_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let append = |number: u128, bytes| {
        let mut append = single(number, number);
        append.command.actor = "x".repeat(bytes);
        store.append(append)
    };
    append(1, NAME_LIMIT).unwrap();
    let error = append(2, NAME_LIMIT + 1).unwrap_err();
    assert!(matches!(error, StoreError::LongName { bytes: 1_025, limit: 1_024, .. }), "{error}");
    assert_eq!(store.reader().unwrap().head().unwrap(), 1);
}

#[test]
fn a_stream_that_moved_on_is_a_conflict_and_nothing_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    store.append(single(1, 1)).unwrap();
    let stale = command(
        2,
        vec![
            write(flake(2), Expected::Version(0), vec![event(5, "kept back")]),
            write(flake(1), Expected::Version(0), vec![event(6, "stale")]),
        ],
    );
    let error = store.append(stale).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 0, actual: 1, .. }), "{error}");
    let reader = store.reader().unwrap();
    assert_eq!((reader.head().unwrap(), reader.version(&flake(2)).unwrap()), (1, 0));
}

#[test]
fn a_conflict_in_a_group_leaves_the_others_and_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let tickets: Vec<_> = (1..=300)
        .map(|number| {
            let mut append = single(number, number % 7);
            if number % 10 == 0 {
                append.writes[0].expected = Expected::Version(u64::MAX >> 1);
            }
            store.submit(append).unwrap()
        })
        .collect();
    let answers: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 30);
    assert!(answers.iter().flatten().all(|receipt| matches!(receipt, Receipt::Stored { events: 1, .. })));
    assert_eq!(store.reader().unwrap().head().unwrap(), 270);
    assert_contiguous(&store);
}

#[test]
fn an_event_id_that_is_taken_and_a_payload_that_is_too_large_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    store.append(single(1, 1)).unwrap();
    let mut again = single(1, 2);
    again.command = single(2, 2).command;
    let error = store.append(again).unwrap_err();
    assert!(matches!(error, StoreError::DuplicateEvent { event } if event == Uuid::from_u128(1_000_001)), "{error}");

    let large = command(3, vec![write(flake(1), Expected::Any, vec![event(9, &"x".repeat(300_000))])]);
    let error = store.append(large).unwrap_err().to_string();
    assert!(error.contains(&flake(1).to_string()) && error.contains("flake.description_changed"), "{error}");
    assert_eq!(store.reader().unwrap().head().unwrap(), 1);
}

#[test]
fn stored_events_cannot_be_changed_deleted_or_replaced_by_any_connection() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(single(1, 1)).unwrap();
    let other = raw(&path);
    for sql in [
        "DELETE FROM events",
        "UPDATE events SET payload = '{}'",
        "UPDATE events SET payload = 'null', actor = 'x'",
        "INSERT OR REPLACE INTO events SELECT * FROM events",
        "INSERT OR REPLACE INTO events SELECT 7, event_id, origin, stream, version, type, schema_version, payload, content_id, \
         occurred_at, recorded_at, correlation_id, causation_id, actor, undoes, chain FROM events",
    ] {
        let error = other.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("events are never"), "{sql}: {error}");
    }
}

#[test]
fn notes_are_stored_with_their_command_and_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let flake_id = FlakeId::new(Uuid::from_u128(3));
    let file = FileRow {
        path: PathBuf::from("/r/flake.nix"),
        stamp: vec![1, 2],
        content: [3; 32],
        extractor: 1,
        flake: Some(flake_id),
    };
    let cursor = HistoryCursor { flake: flake_id, head: "abc".to_owned(), since: Some(5), complete: true };
    let mut append = command(1, Vec::new());
    append.notes = vec![
        LocalNote::FileSeen(file.clone()),
        LocalNote::FileSeen(FileRow { path: PathBuf::from("/r/gone"), ..file.clone() }),
        LocalNote::FileGone { path: PathBuf::from("/r/gone") },
        LocalNote::RootAdded { path: PathBuf::from("/r"), at: 1 },
        LocalNote::RootAdded { path: PathBuf::from("/s"), at: 1 },
        LocalNote::RootAdded { path: PathBuf::from("/r"), at: 2 },
        LocalNote::RootRemoved { path: PathBuf::from("/s") },
        LocalNote::RootScanned { path: PathBuf::from("/r"), at: 7 },
        LocalNote::HistoryCursor(cursor.clone()),
        LocalNote::Forget { path: PathBuf::from("/r/x"), at: 4 },
        LocalNote::Forget { path: PathBuf::from("/r/y"), at: 4 },
        LocalNote::Unforget { path: PathBuf::from("/r/y") },
        LocalNote::UiState { key: "pane".to_owned(), value: json!(2) },
    ];
    let receipt = store.append(append).unwrap();
    assert_eq!(receipt, Receipt::Stored { first: None, last: None, events: 0 });
    let reader = store.reader().unwrap();
    assert_eq!(reader.all_files().unwrap(), std::slice::from_ref(&file));
    assert_eq!(reader.file(&file.path).unwrap(), Some(file));
    let roots = reader.roots().unwrap();
    assert_eq!(roots.len(), 1);
    assert_eq!((roots[0].added_at, roots[0].scanned_at, roots[0].shared), (1, Some(7), false));
    assert_eq!(reader.history_cursor(flake_id).unwrap(), Some(cursor));
    assert_eq!(reader.forgotten().unwrap(), [(PathBuf::from("/r/x"), 4)]);
    assert_eq!(reader.ui_state("pane").unwrap(), Some(json!(2)));
}

#[test]
fn released_streams_enter_the_outbox_in_order_and_go_on_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    for number in 1..=6 {
        store.append(single(number, number % 3)).unwrap();
    }
    let released = share(&store, &[flake(1), flake(2), flake(99)]).released;
    assert_eq!((released.streams, released.events), (2, 4));
    let again = share(&store, &[flake(1)]);
    assert_eq!((again.released.streams, again.released.events, again.withdrawn), (0, 0, 1));
    store.append(single(7, 1)).unwrap();
    store.append(single(8, 0)).unwrap();
    let reader = store.reader().unwrap();
    let mut statement = reader.prepare("SELECT seq, position FROM outbox ORDER BY seq").unwrap();
    let rows: Vec<(i64, i64)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [(1, 1), (2, 2), (3, 4), (4, 5), (5, 7)]);
}

#[test]
fn what_a_command_records_in_a_stream_that_it_withdraws_stays_here() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    for number in 1..=2 {
        store.append(single(number, number)).unwrap();
    }
    share(&store, &[flake(1), flake(2)]);
    let notes = vec![LocalNote::Withdrawn { stream: flake(1) }];
    store.append(Append { notes, ..single(3, 1) }).unwrap();
    store.append(single(4, 1)).unwrap();
    store.append(single(5, 2)).unwrap();
    let positions = store.reader().unwrap().shared(0, 10).unwrap().into_iter().map(|shared| shared.event.position);
    assert_eq!(positions.collect::<Vec<_>>(), [1, 2, 5]);
}

#[test]
fn a_look_that_told_nothing_does_not_stand_over_what_somebody_else_has_seen_since() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let row = |stamp: u8| FileRow {
        path: PathBuf::from("/r/flake.nix"),
        stamp: vec![stamp],
        content: [stamp; 32],
        extractor: 1,
        flake: None,
    };
    let same = |stamp, before: Option<u8>| LocalNote::FileSame { row: row(stamp), before: before.map(|it| vec![it]) };
    let steps = [
        (same(1, Some(9)), None, "it was read before, and is known no more"),
        (same(2, None), Some(2), "for the first time"),
        (same(3, None), Some(2), "somebody else was the first"),
        (same(4, Some(2)), Some(4), "nobody else has read it"),
        (LocalNote::FileSeen(row(5)), Some(5), "what was recorded stands"),
        (same(6, Some(4)), Some(5), "somebody else has read it since"),
    ];
    for (number, (note, kept, why)) in (1_u128..).zip(steps) {
        let mut append = command(number, Vec::new());
        append.notes = vec![note];
        store.append(append).unwrap();
        let found = store.reader().unwrap().file(&row(0).path).unwrap();
        assert_eq!(found.map(|found| found.stamp), kept.map(|stamp| vec![stamp]), "{why}");
    }
}

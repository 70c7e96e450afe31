//! Building the read model: beside writers, after failures, stopped half-way.

use std::sync::atomic::{AtomicBool, Ordering};

use cim_domain_nix::store::view::{self, At};
use cim_domain_nix::store::{StoreError, rebuild::Progress};
use rusqlite::Connection;

use super::*;

/// A connection from outside that can damage what it likes.
#[expect(clippy::disallowed_methods, reason = "this is the vandal that the store has to survive")]
fn vandal(ledger: &Ledger) -> Connection {
    Connection::open(ledger.folder.path().join("ledger.db")).unwrap()
}

fn problems(ledger: &Ledger) -> usize {
    view::problems(&ledger.store.reader().unwrap(), view::Whose::Own, At::Now).unwrap().len()
}

fn raise(ledger: &mut Ledger, number: u128) {
    let stream = StreamId::finding(Uuid::from_u128(number));
    let event = raised(None, &format!("/x/{number}"), &["a", "b"]);
    ledger.append(stream, [Event::Finding(event)]);
}

fn state_of(ledger: &Ledger, name: &str) -> (String, Option<String>) {
    let rows = view::projections(&ledger.store.reader().unwrap()).unwrap();
    let row = rows.into_iter().find(|row| row.name == name).unwrap();
    (row.state, row.error)
}

#[test]
fn a_projection_that_fails_is_shown_stops_no_append_and_catches_up() {
    let mut ledger = Ledger::new();
    raise(&mut ledger, 1);
    vandal(&ledger).execute_batch("ALTER TABLE p_problems_1 RENAME TO hidden").unwrap();
    raise(&mut ledger, 2);
    let mut known = None;
    ledger.see(flake_id(1), &mut known, &seen("/f", Facts::default()));
    let (state, error) = state_of(&ledger, "problems");
    assert_eq!(state, "failed");
    assert!(error.unwrap().starts_with("event 2: no such table"), "the error names the event");
    assert_eq!(
        view::flakes(&ledger.store.reader().unwrap(), view::Whose::Own, At::Now).unwrap().len(),
        1,
        "the others go on"
    );

    vandal(&ledger).execute_batch("ALTER TABLE hidden RENAME TO p_problems_1").unwrap();
    let ledger = ledger.reopen();
    assert_eq!(state_of(&ledger, "problems"), ("live".to_owned(), None));
    assert_eq!(problems(&ledger), 4);
    assert_eq!(ledger.store.compare(None).unwrap(), []);
}

#[test]
fn what_is_wrong_with_a_table_is_found_and_a_rebuild_mends_it() {
    let mut ledger = Ledger::new();
    raise(&mut ledger, 1);
    vandal(&ledger).execute_batch("UPDATE p_problems_1 SET code = 'x' WHERE fingerprint = 'a'").unwrap();
    let found = ledger.store.compare(Some("problems")).unwrap();
    assert_eq!(
        found.iter().map(|found| (found.table, found.surplus, found.missing)).collect::<Vec<_>>(),
        [("problems", 1, 1)]
    );
    ledger.store.rebuild(Some("problems"), &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(ledger.store.compare(None).unwrap(), []);
    let tables: Vec<String> = tables(&ledger);
    assert!(tables.contains(&"p_problems_2".to_owned()) && !tables.contains(&"p_problems_1".to_owned()), "{tables:?}");
}

fn tables(ledger: &Ledger) -> Vec<String> {
    let reader = ledger.store.reader().unwrap();
    let mut statement = reader.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_projection_of_another_revision_is_built_anew_at_open() {
    let mut ledger = Ledger::new();
    raise(&mut ledger, 1);
    vandal(&ledger).execute_batch("UPDATE projections SET revision = 0; DELETE FROM p_problems_1").unwrap();
    raise(&mut ledger, 2);
    assert_eq!(problems(&ledger), 0, "tables of another revision are not filled");
    let ledger = ledger.reopen();
    assert_eq!(problems(&ledger), 4);
    assert_eq!(ledger.store.compare(None).unwrap(), []);
}

#[test]
fn a_projection_with_a_table_missing_is_built_anew_at_open() {
    let mut ledger = Ledger::new();
    raise(&mut ledger, 1);
    vandal(&ledger).execute_batch("DROP TABLE p_problems_1").unwrap();
    let ledger = ledger.reopen();
    assert_eq!(problems(&ledger), 2);
    assert_eq!(state_of(&ledger, "problems"), ("live".to_owned(), None));
}

#[test]
fn views_of_another_release_are_written_anew_at_open() {
    let ledger = Ledger::new();
    vandal(&ledger)
        .execute_batch(
            "DROP VIEW v1_flakes; CREATE VIEW v1_old AS SELECT 1; UPDATE meta SET value = '' WHERE key = 'views'",
        )
        .unwrap();
    let ledger = ledger.reopen();
    let reader = ledger.store.reader().unwrap();
    reader.prepare("SELECT id FROM v1_flakes").unwrap();
    assert!(reader.prepare("SELECT * FROM v1_old").is_err());
}

#[test]
fn a_build_that_is_stopped_leaves_everything_as_it_was() {
    let mut ledger = Ledger::new();
    for number in 0..40 {
        raise(&mut ledger, number);
    }
    let stop = AtomicBool::new(true);
    let stopped = ledger.store.rebuild(None, &stop, &mut |_| {});
    assert!(matches!(stopped, Err(StoreError::Stopped { .. })));
    assert_eq!(problems(&ledger), 80);
    raise(&mut ledger, 40);
    assert_eq!(problems(&ledger), 82, "the old tables are still filled");
    let ledger = ledger.reopen();
    assert_eq!(ledger.store.compare(None).unwrap(), []);
    assert!(!tables(&ledger).contains(&"p_problems_2".to_owned()), "nothing is left behind");
}

#[test]
fn appends_during_a_build_are_in_it() {
    let mut ledger = Ledger::new();
    for number in 0..300 {
        raise(&mut ledger, number);
    }
    let folder = ledger.folder.path().join("ledger.db");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let builder = scope.spawn(|| {
            let who = Who { host: "here".into(), user: "me".into() };
            let other = Store::open(&folder, Access::ReadWrite, &who, BEGIN).unwrap();
            let mut steps = 0;
            while !done.load(Ordering::Relaxed) || steps == 0 {
                other.rebuild(None, &AtomicBool::new(false), &mut |_: Progress| {}).unwrap();
                steps += 1;
            }
        });
        for number in 300..400 {
            raise(&mut ledger, number);
        }
        done.store(true, Ordering::Relaxed);
        builder.join().unwrap();
    });
    assert_eq!(problems(&ledger), 800);
    assert_eq!(ledger.store.compare(None).unwrap(), []);
}

#[test]
fn an_unknown_projection_is_refused_by_name() {
    let refused = Ledger::new().store.rebuild(Some("flock"), &AtomicBool::new(false), &mut |_| {});
    assert!(
        matches!(refused, Err(StoreError::NoProjection { name, known }) if name == "flock" && known.contains(&"flakes"))
    );
}

#[test]
fn a_projection_that_fails_again_at_each_opening_takes_nothing_in_twice() {
    let mut ledger = Ledger::new();
    let stream = || StreamId::finding(Uuid::from_u128(1));
    let told = |fingerprint: &str| Event::Finding(raised(None, "/x/1", &[fingerprint]));
    let subject = Subject { flake: None, file: RecordedPath::new("/x/1".as_ref()) };
    let resolved = FindingEvent::Resolved { subject, fingerprints: vec!["a".to_owned()] };
    ledger.append(stream(), [told("a")]);
    vandal(&ledger).execute_batch("ALTER TABLE p_problems_1 RENAME TO hidden").unwrap();
    ledger.append(stream(), [Event::Finding(resolved), told("a"), told("b")]);
    vandal(&ledger)
        .execute_batch(
            "ALTER TABLE hidden RENAME TO p_problems_1; DROP TRIGGER events_no_update; \
             UPDATE events SET payload = '{}' WHERE position = 4",
        )
        .unwrap();
    for opening in 1..=3 {
        ledger = ledger.reopen();
        assert_eq!(state_of(&ledger, "problems").0, "failed");
        let count = |table: &str| -> u32 {
            let sql = format!("SELECT count(*) FROM {table}");
            vandal(&ledger).query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let rows = ["p_problems_1", "p_problems_past_1"].map(count);
        assert_eq!(rows, [1, 1], "opening {opening}");
    }
    let sql = "SELECT position FROM projections WHERE name = 'problems'";
    let position: i64 = vandal(&ledger).query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(position, 3);
}

//! The queries behind the faces find their rows by an index: the ledger may grow, they stay quick.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::events::{statement, statement_by_time};
use super::*;
use crate::domain::id::FlakeId;
use crate::store::{connect, projection};

/// An empty ledger whose statistics are those of nothing: what is planned here is planned for any size.
fn ledger() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    connect::migrate(&mut connection, Path::new(":memory:")).unwrap();
    projection::ensure(&connection).unwrap();
    connection
}

fn plan(connection: &Connection, sql: &str, values: Vec<Value>) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = params_from_iter(values.into_iter().take(statement.parameter_count()).collect::<Vec<_>>());
    statement.query_map(values, |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_page_of_events_is_found_by_an_index_and_needs_no_sorting() {
    let connection = ledger();
    let all = EventFilter::default();
    let of_type = EventFilter { kind: Some("flake.updated".into()), ..all.clone() };
    let of_command = EventFilter { correlation: Some(Uuid::nil()), ..all.clone() };
    let recent = EventFilter { since: Some(1), until: Some(2), text: Some("x".into()), ..all.clone() };
    for (filter, index) in [
        (&all, "USING INTEGER PRIMARY KEY"),
        (&recent, "USING INTEGER PRIMARY KEY"),
        (&of_type, "USING INDEX events_type"),
        (&of_command, "USING INDEX events_correlation"),
    ] {
        for page in [Page::Newest, Page::Before(9), Page::After(9)] {
            for at in [At::Now, At::Occurred(5), At::Position(5)] {
                let (sql, values) = statement(filter, page, 10, at);
                let plan = plan(&connection, &sql, values).join("\n");
                assert!(plan.starts_with("SEARCH e ") && plan.contains(index), "{filter:?} {page:?} {at:?}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?} {page:?} {at:?}\n{plan}");
            }
        }
    }
}

#[test]
fn a_page_in_the_order_of_time_walks_the_index_of_times_unless_few_are_wanted() {
    let connection = ledger();
    let all = EventFilter::default();
    let of_type = EventFilter { kind: Some("flake.updated".into()), ..all.clone() };
    let of_command = EventFilter { correlation: Some(Uuid::nil()), ..all.clone() };
    let of_flake = EventFilter { flake: Some(FlakeId::new(Uuid::nil())), ..all.clone() };
    let recent = EventFilter { since: Some(1), until: Some(2), text: Some("x".into()), ..all.clone() };
    let moment = Moment { occurred_at: 9, position: 9 };
    for page in [
        TimePage::Latest,
        TimePage::Before(moment),
        TimePage::UpTo(moment),
        TimePage::Earliest,
        TimePage::After(moment),
    ] {
        for at in [At::Now, At::Occurred(5), At::Position(5)] {
            for filter in [&all, &recent, &of_type, &of_command] {
                let (sql, values) = statement_by_time(filter, false, page, 10, at);
                let plan = plan(&connection, &sql, values).join("\n");
                assert!(plan.starts_with("SEARCH e USING INDEX events_occurred"), "{filter:?} {page:?} {at:?}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?} {page:?} {at:?}\n{plan}");
                assert!(filter.since.is_none() || plan.contains("occurred_at>?"), "the walk ends there\n{plan}");
            }
            for (filter, index) in
                [(&of_type, "INDEX events_type"), (&of_command, "INDEX events_correlation"), (&of_flake, "stream=?")]
            {
                let (sql, values) = statement_by_time(filter, true, page, 10, at);
                let plan = plan(&connection, &sql, values).join("\n");
                assert!(plan.contains("SEARCH e USING INDEX") && plan.contains(index), "{filter:?} {page:?}\n{plan}");
            }
        }
    }
}

#[test]
fn whether_a_type_is_there_is_found_by_the_index_of_types() {
    let sql = "SELECT 1 FROM events WHERE type BETWEEN ?1 AND ?2 LIMIT 1";
    let plan = plan(&ledger(), sql, vec![Value::Text("flake.".into()), Value::Text("flake/".into())]).join("\n");
    assert!(plan.contains("SEARCH events USING COVERING INDEX events_type"), "{plan}");
}

#[test]
fn a_page_of_one_stream_reads_that_stream_alone() {
    let filter = EventFilter { stream: Some("flake/x".into()), ..EventFilter::default() };
    let (sql, values) = statement(&filter, Page::Newest, 10, At::Now);
    let plan = plan(&ledger(), &sql, values).join("\n");
    assert!(plan.contains("SEARCH e USING INDEX") && plan.contains("stream=?"), "{plan}");
}

#[test]
fn a_page_about_one_flake_reads_its_streams_alone() {
    let filter = EventFilter { flake: Some(FlakeId::new(Uuid::nil())), ..EventFilter::default() };
    let (sql, values) = statement(&filter, Page::Newest, 10, At::Now);
    let plan = plan(&ledger(), &sql, values).join("\n");
    assert!(plan.contains("SEARCH e USING INDEX") && plan.contains("stream=?"), "{plan}");
}

#[test]
fn what_scripts_ask_most_is_found_by_an_index() {
    let connection = ledger();
    for sql in [
        "SELECT * FROM v1_events WHERE position = 1",
        "SELECT * FROM v1_events WHERE position > 1 ORDER BY position LIMIT 9",
        "SELECT * FROM v1_events WHERE stream = 'flake/x'",
        "SELECT * FROM v1_events WHERE type = 'flake.updated' ORDER BY position DESC LIMIT 9",
        "SELECT * FROM v1_flakes WHERE id = 'x'",
        "SELECT * FROM v1_flakes WHERE path = 'x'",
        "SELECT * FROM v1_inputs WHERE flake = 'x'",
        "SELECT * FROM v1_lock_nodes WHERE flake = 'x'",
        "SELECT * FROM v1_input_history WHERE flake = 'x'",
        "SELECT * FROM v1_outputs WHERE flake = 'x'",
        "SELECT * FROM v1_problems WHERE flake = 'x'",
    ] {
        let plan = plan(&connection, sql, Vec::new()).join("\n");
        // The index of streams that succeed others holds what forks have made.
        let scans = plan.lines().filter(|line| line.starts_with("SCAN"));
        let scans = scans.filter(|line| !line.contains("origins") && !line.contains("streams_succeeds"));
        assert_eq!(scans.collect::<Vec<_>>(), [""; 0], "{sql}\n{plan}");
    }
}

#[test]
fn the_parts_of_a_flake_are_counted_by_an_index() {
    let connection = ledger();
    let plan = plan(&connection, "SELECT * FROM v1_flakes", Vec::new());
    let of_parts = |line: &&String| ["inputs", "nodes", "locks", "problems"].iter().any(|part| line.contains(part));
    assert!(plan.iter().filter(of_parts).count() >= 5, "{plan:#?}");
    assert!(plan.iter().filter(of_parts).all(|line| line.starts_with("SEARCH")), "{plan:#?}");
}

#[test]
fn what_is_shared_is_found_by_an_index_in_every_table() {
    let connection = ledger();
    projection::see_shared_only(&connection).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'p_*'";
    let mut statement = connection.prepare(sql).unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(names.iter().any(|name| name == "p_configs_past"), "{names:?}");
    for name in names {
        let plan = plan(&connection, &format!("SELECT * FROM {name}"), Vec::new()).join("\n");
        assert!(plan.contains("SEARCH s ") && plan.contains("PRIMARY KEY (stream=?)"), "{name}: {plan}");
    }
    for part in ["inputs", "lock_nodes", "locks", "outputs", "problems", "modules", "overlays"] {
        let sql = format!("SELECT (SELECT count(*) FROM p_{part} t WHERE t.flake = f.id) FROM p_flakes f");
        let plan = plan(&connection, &sql, Vec::new()).join("\n");
        assert!(plan.contains(&format!("SEARCH p_{part}_1 USING")), "{part}: {plan}");
    }
}

#[test]
fn where_synchronisation_stands_is_told_with_since_when_and_what_went_wrong() {
    let connection = ledger();
    assert_eq!(sync(&connection).unwrap(), None, "it is off");
    connection
        .execute_batch(
            "INSERT INTO meta (key, value) VALUES ('sync_enabled', '1');
             INSERT INTO leases (name, holder, expires_at) VALUES ('relay', 'here', CAST(unixepoch('subsec') * 1000000 AS INTEGER) + 30000000);
             INSERT INTO remotes (name, state, last_error, server, connected_since, next_attempt_at, updated_at)
             VALUES ('exchange', 'backoff', 'it hung', 'hub', 7, 9, 9);",
        )
        .unwrap();
    let row = sync(&connection).unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.connected_since, row.next_attempt_at), ("backoff", Some(7), Some(9)));
    assert_eq!((row.last_error.as_deref(), row.server.as_deref()), (Some("it hung"), Some("hub")));
    // Who was killed could not write down that it is connected no more.
    connection.execute_batch("DELETE FROM leases").unwrap();
    let row = sync(&connection).unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.connected_since), ("offline", None));
}

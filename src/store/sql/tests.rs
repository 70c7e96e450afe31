//! What a user's statement may do, and what not.

use super::*;

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, x'00ff'), (2.5, NULL);").unwrap();
    connection
}

#[test]
fn a_select_gives_names_and_values() {
    let answer = run(&mut database(), "SELECT a, b AS c, 'x' FROM t ORDER BY a", None).unwrap();
    assert_eq!(answer.columns, ["a", "c", "'x'"]);
    assert_eq!(serde_json::json!(answer.rows), serde_json::json!([[1, "00ff", "x"], [2.5, null, "x"]]));
}

#[test]
fn every_form_of_a_query_is_run() {
    for statement in
        ["/* a */ -- b\nSELECT 1", "VALUES (1)", "with n AS (SELECT 1) SELECT * FROM n;", "EXPLAIN QUERY PLAN SELECT 1"]
    {
        assert_eq!(run(&mut database(), statement, None).unwrap().rows.len(), 1, "{statement}");
    }
}

#[test]
fn the_limit_ends_an_endless_statement() {
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    assert_eq!(run(&mut database(), endless, Some(3)).unwrap().rows.len(), 3);
}

#[test]
fn everything_but_reading_is_refused_and_changes_nothing() {
    let mut connection = database();
    for statement in [
        "DELETE FROM t",
        "INSERT INTO t VALUES (3, 3) RETURNING a",
        "UPDATE t SET a = 9",
        "DROP TABLE t",
        "CREATE TEMP TABLE u (a)",
        "ATTACH ':memory:' AS other",
        "VACUUM INTO '/nonexistent/x'",
        "PRAGMA query_only = OFF",
        "EXPLAIN PRAGMA query_only = OFF",
        "EXPLAIN QUERY PLAN DELETE FROM t",
        "/* x */ -- y\n DELETE FROM t",
        "WITH n AS (SELECT 1) DELETE FROM t",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = 1",
        "BEGIN IMMEDIATE",
        "SELECT 1; DELETE FROM t",
        "SELECT load_extension('x')",
        "",
        "-- nothing",
        "nonsense",
    ] {
        assert!(matches!(run(&mut connection, statement, None), Err(StoreError::Statement { .. })), "{statement}");
    }
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t", None).unwrap().rows, [[Value::from(2)]]);
    connection.execute("DELETE FROM t", []).expect("the connection is as it was");
}

#[test]
fn another_thread_can_end_a_statement() {
    let mut connection = database();
    let handle = connection.get_interrupt_handle();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        handle.interrupt();
    });
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    assert!(matches!(run(&mut connection, endless, None), Err(StoreError::Stopped { .. })));
    stopper.join().unwrap();
}

//! The views that scripts rely on: declared columns are the real ones, values look as declared, examples run, here
//! and in the distribution's `sqlite3`.

use cim_domain_nix::store::projection::{View, views};
use cim_domain_nix::store::sql;

use super::*;
use crate::parts;

/// A ledger with something in every view that events can fill.
fn estate() -> Ledger {
    let mut ledger = Ledger::new();
    let nixpkgs = |rev| node("NixOS", "nixpkgs", rev, &[]);
    let facts = |rev| Facts {
        description: Some("d".into()),
        inputs: [("nixpkgs".to_owned(), input("nixpkgs"))].into(),
        lock: Some(lock(
            &[("nixpkgs", "nixpkgs"), ("hm", "hm")],
            &[
                ("nixpkgs", nixpkgs(rev)),
                ("hm", node("nix-community", "home-manager", "1", &[("nixpkgs", "nixpkgs_2")])),
                ("nixpkgs_2", nixpkgs("0")),
            ],
        )),
        ..Facts::default()
    };
    let mut known = None;
    ledger.see(flake_id(1), &mut known, &seen("/f", facts("1")));
    let change = cim_domain_nix::domain::lock::PathChange {
        input: "nixpkgs".into(),
        node: "nixpkgs".into(),
        from: nixpkgs("1").locked,
        to: nixpkgs("2").locked,
    };
    ledger.see(flake_id(1), &mut known, &Observation { lock_changes: vec![change], ..seen("/f", facts("2")) });
    ledger.append(
        StreamId::finding(Uuid::from_u128(9)),
        [Event::Finding(raised(Some(flake_id(1)), "/f/flake.nix", &["a"]))],
    );
    let subject = Subject { flake: Some(flake_id(1)), file: RecordedPath::new("/f/flake.nix".as_ref()) };
    let moved = FindingEvent::Changed { subject, findings: vec![Finding { line: Some(7), ..finding("a") }] };
    ledger.append(StreamId::finding(Uuid::from_u128(9)), [Event::Finding(moved)]);
    ledger
}

#[test]
fn declared_columns_are_the_real_ones_and_values_look_as_declared() {
    let ledger = estate();
    let mut reader = ledger.store.reader().unwrap();
    for view in views() {
        let answer = sql::run(&mut reader, &format!("SELECT * FROM {}", view.name), None).unwrap();
        let declared: Vec<&str> = view.columns.iter().map(|column| column.name).collect();
        assert_eq!(answer.columns, declared, "{}", view.name);
        for row in &answer.rows {
            for (column, value) in view.columns.iter().zip(row) {
                assert!(fits(column.kind, value), "{}.{}: {value} is no {}", view.name, column.name, column.kind);
                assert!(!value.is_null() || column.doc.contains("NULL"), "{}.{} may be NULL", view.name, column.name);
            }
        }
    }
}

/// What a statement compares with is what is stored: a blob looks like a text, and is equal to none.
#[test]
fn what_is_stored_is_of_the_declared_kind_in_every_view() {
    const EMPTY: [&str; 2] = ["v1_generations", "v1_parked"];
    let (ledger, estate) = (estate(), crate::scan::Estate::whole());
    let mut filled = std::collections::BTreeSet::new();
    for mut reader in [ledger.store.reader().unwrap(), estate.session.store.reader().unwrap()] {
        for view in views() {
            let kinds: Vec<_> = view.columns.iter().map(|column| format!("typeof(\"{}\")", column.name)).collect();
            let statement = format!("SELECT {} FROM {}", kinds.join(", "), view.name);
            for row in sql::run(&mut reader, &statement, None).unwrap().rows {
                filled.insert(view.name);
                for (column, stored) in view.columns.iter().zip(row) {
                    let wanted = if matches!(column.kind, "integer" | "bool") { "integer" } else { "text" };
                    assert!(stored == wanted || stored == "null", "{}.{} is {stored}", view.name, column.name);
                }
            }
        }
    }
    let empty: Vec<_> = views().map(|view| view.name).filter(|name| !filled.contains(name)).collect();
    assert_eq!(empty, EMPTY, "what has no rows proves nothing");
}

#[test]
fn a_root_is_found_by_its_path_and_gives_back_bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let estate = crate::scan::Estate::whole();
    let odd = estate.root().join(std::ffi::OsStr::from_bytes(b"a\xff"));
    std::fs::create_dir(&odd).unwrap();
    cim_domain_nix::app::roots::add(&estate.session, &odd).unwrap();
    let mut reader = estate.session.store.reader().unwrap();
    let mut rows = |statement: &str| json!(sql::run(&mut reader, statement, None).unwrap().rows);
    let root = estate.root();
    let by_path = format!("SELECT count(*) FROM v1_roots WHERE path = '{}'", root.display());
    assert_eq!(rows(&by_path), json!([[1]]));
    let bytes = data_encoding::HEXLOWER.encode(odd.as_os_str().as_bytes());
    assert_eq!(rows("SELECT cast(path AS BLOB) FROM v1_roots ORDER BY added_at DESC LIMIT 1"), json!([[bytes]]));
}

fn fits(kind: &str, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        _ if value.is_null() => true,
        "text" => text.is_some(),
        "integer" => value.is_i64(),
        "bool" => matches!(value.as_i64(), Some(0 | 1)),
        "json" => text.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()),
        "id" => text.is_some_and(|text| text.parse::<Uuid>().is_ok_and(|id| id.to_string() == text)),
        "time" => text.is_some_and(|text| text.len() >= 20 && text.ends_with('Z')),
        other => panic!("no such kind of column: {other}"),
    }
}

#[test]
fn the_views_show_what_happened() {
    let ledger = estate();
    let mut reader = ledger.store.reader().unwrap();
    let mut rows = |statement: &str| sql::run(&mut reader, statement, None).unwrap().rows;
    assert_eq!(
        json!(rows("SELECT path, description, inputs, lock_nodes, problems, nixpkgs_last_modified FROM v1_flakes")),
        json!([["/f", "d", 1, 3, 1, 1_700_000_000]])
    );
    assert_eq!(
        json!(rows("SELECT name, node, locked ->> '$.rev' FROM v1_inputs")),
        json!([["nixpkgs", "nixpkgs", "2"]])
    );
    assert_eq!(
        json!(rows("SELECT key, path, rev FROM v1_lock_nodes ORDER BY key")),
        json!([["hm", "hm", "1"], ["nixpkgs", "nixpkgs", "2"], ["nixpkgs_2", "hm/nixpkgs", "0"]])
    );
    assert_eq!(
        json!(rows("SELECT key, nodes, count FROM v1_duplicates")),
        json!([["github:nixos/nixpkgs", "[\"nixpkgs\",\"nixpkgs_2\"]", 2]])
    );
    assert_eq!(
        json!(rows("SELECT input, \"from\" ->> '$.rev', \"to\" ->> '$.rev', source FROM v1_input_history")),
        json!([["nixpkgs", "1", "2", "seen"]])
    );
    assert_eq!(
        json!(rows("SELECT path, line, code, severity FROM v1_problems")),
        json!([["/f/flake.nix", 7, "dirty-lock", "warning"]])
    );
    assert_eq!(
        json!(rows("SELECT since FROM v1_problems")),
        json!(rows("SELECT occurred_at FROM v1_events WHERE type = 'finding.raised'")),
        "a problem that moved is as old as before"
    );
    assert_eq!(json!(rows("SELECT count(*) FROM v1_projections WHERE state = 'live' AND behind = 0")), json!([[10]]));
}

#[test]
fn every_example_runs() {
    let ledger = estate();
    let mut reader = ledger.store.reader().unwrap();
    for (view, example) in examples() {
        let answer = sql::run(&mut reader, example, None);
        assert!(answer.is_ok(), "{}: {example}: {answer:?}", view.name);
    }
}

#[test]
fn every_view_and_example_works_in_the_distributions_sqlite() {
    let ledger = estate();
    let database = ledger.folder.path().join("ledger.db");
    let database = database.to_str().unwrap();
    let run = |statement: &str| parts::SQLITE3.output(&["-readonly", database, statement]).unwrap();
    for view in views() {
        run(&format!("SELECT * FROM {}", view.name));
    }
    for (_, example) in examples() {
        run(example);
    }
    let here =
        sql::run(&mut ledger.store.reader().unwrap(), "SELECT event_id, occurred_at FROM v1_events", None).unwrap();
    let here: Vec<String> =
        here.rows.iter().map(|row| row.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|")).collect();
    assert_eq!(run("SELECT event_id, occurred_at FROM v1_events").trim_end(), here.join("\n"));
}

fn examples() -> impl Iterator<Item = (&'static View, &'static str)> {
    views().flat_map(|view| view.examples.iter().map(move |example| (view, example.sql)))
}

#[test]
fn every_view_is_explained() {
    let mut names = std::collections::BTreeSet::new();
    for view in views() {
        assert!(names.insert(view.name) && view.name.starts_with("v1_"), "{}", view.name);
        assert!(!view.examples.is_empty() && view.doc.ends_with('.'), "{}", view.name);
        assert!(view.columns.iter().all(|column| column.doc.ends_with(['.', '`'])), "{}", view.name);
    }
}

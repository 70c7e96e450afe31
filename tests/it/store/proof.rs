//! Checking and verifying: what is right is said to be, what was tampered with is named, what was not looked at is not
//! called ok.

use std::fs;
use std::sync::atomic::AtomicBool;

use super::*;
use cim_domain_nix::store::check::{Check, CheckState, check};
use cim_domain_nix::store::verify::verify;

/// A ledger with a few streams, one of them shared.
fn ledger(path: &Path) {
    let store = open(path);
    for number in 1..=30 {
        store.append(discovery(number, number % 4, &format!("text {number}"))).unwrap();
    }
    share(&store, &[flake(1)]);
}

fn state_of(checks: &[Check], name: &str) -> CheckState {
    let found = checks.iter().find(|check| check.name == name).map(|check| check.state);
    assert!(found.is_some(), "no check `{name}`: {checks:#?}");
    found.unwrap()
}

/// Changes the database as someone would who knows that there are triggers.
fn tamper(path: &Path, sql: &str) {
    let connection = raw(path);
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

#[test]
fn a_sound_ledger_is_sound_while_it_is_open_and_after() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    ledger(&path);
    assert_sound(&path);
    let _store = open(&path);
    assert_sound(&path);
    for found in check(&path) {
        // How full the disk is, is not this test's to say.
        assert!(found.state == CheckState::Ok || found.name == "space", "{found:?}");
    }
}

#[test]
fn whatever_is_tampered_with_is_named() {
    let base = tempfile::tempdir().unwrap();
    let sound = base.path().join("sound.db");
    ledger(&sound);
    for (sql, name) in [
        ("UPDATE events SET payload = replace(payload, 'text 7', 'text 8') WHERE position = 7", "payloads"),
        ("UPDATE events SET payload = 'null' WHERE position = 7", "payloads"),
        ("UPDATE events SET actor = 'mallory@host' WHERE position = 7", "local chain"),
        ("UPDATE events SET occurred_at = occurred_at + 1 WHERE position = 30", "local chain"),
        ("DELETE FROM events WHERE position = 7", "local chain"),
        ("DELETE FROM events WHERE position = 30", "streams"),
        ("UPDATE streams SET version = version + 1 WHERE shared = 0", "streams"),
        ("UPDATE streams SET shared = 1", "streams"),
        ("DELETE FROM outbox WHERE seq = 2", "shared chains"),
        ("UPDATE outbox SET chain = zeroblob(32) WHERE seq = 2", "shared chains"),
        ("UPDATE events SET origin = 99 WHERE position = 3", "references"),
        ("DELETE FROM origins", "origin"),
    ] {
        let path = base.path().join("tampered.db");
        fs::copy(&sound, &path).unwrap();
        fs::copy(base.path().join("sound.db.key"), base.path().join("tampered.db.key")).unwrap();
        tamper(&path, sql);
        assert_eq!(state_of(&verify(&path), name), CheckState::Failed, "{sql}: {:#?}", verify(&path));
    }
}

#[test]
fn a_damaged_page_is_reported_and_never_called_ok() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    ledger(&path);
    let mut bytes = fs::read(&path).unwrap();
    let page = 4096;
    for (number, byte) in bytes.iter_mut().enumerate().skip(page) {
        if number % page < 200 {
            *byte ^= 0x5a;
        }
    }
    fs::write(&path, bytes).unwrap();
    let checks = verify(&path);
    assert!(checks.iter().any(|check| check.state == CheckState::Failed), "{checks:#?}");
    for name in ["local chain", "payloads", "streams", "read model"] {
        assert_ne!(state_of(&checks, name), CheckState::Ok, "{name}: {checks:#?}");
    }
    let error = Store::open(&path, Access::ReadWrite, &who(), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("store restore"), "{error}");
}

#[test]
fn builds_that_were_never_finished_are_told_once_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    ledger(&path);
    for generation in [98, 99] {
        let sql = "INSERT INTO projections (name, revision, generation, state, position) VALUES ('inputs', 1, ?1, 'building', 0)";
        raw(&path).execute(sql, [generation]).unwrap();
    }
    let found = check(&path).into_iter().find(|check| check.name == "read model").unwrap();
    assert_eq!(found.detail, "inputs is building at 0 of 30; run `cim-nix store rebuild`");
}

#[test]
fn a_build_that_fails_leaves_no_entry() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(discovery(1, 1, "text")).unwrap();
    let sql = "CREATE TRIGGER stop BEFORE UPDATE ON projections BEGIN SELECT RAISE(ABORT, 'stopped'); END";
    raw(&path).execute_batch(sql).unwrap();
    store.rebuild(Some("flakes"), &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    let building: i64 = raw(&path)
        .query_row("SELECT count(*) FROM projections WHERE state = 'building'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(building, 0);
}

#[test]
fn what_cannot_be_opened_is_unknown_and_not_ok() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nothing.db");
    for checks in [check(&path), verify(&path)] {
        assert_eq!(state_of(&checks, "opening"), CheckState::Failed);
        assert_eq!(state_of(&checks, "origin"), CheckState::Unknown);
        assert_eq!(state_of(&checks, "read model"), CheckState::Unknown);
    }
    assert!(!path.exists());
}

#[test]
fn a_key_that_is_missing_and_files_that_others_may_read_are_warnings() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    ledger(&path);
    fs::remove_file(directory.path().join("ledger.db.key")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let checks = check(&path);
    assert_eq!(state_of(&checks, "origin"), CheckState::Warning);
    assert_eq!(state_of(&checks, "permissions"), CheckState::Warning);
    drop(open(&path));
    assert_eq!(state_of(&check(&path), "permissions"), CheckState::Ok);
}

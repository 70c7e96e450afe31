//! Backup and restore, export and import.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use cim_domain_nix::store::backup::{BackupOptions, restore};
use cim_domain_nix::store::import::Imported;
use cim_domain_nix::store::origin::key_path;

pub(super) const PLAIN: BackupOptions = BackupOptions { with_key: false, force: false };

pub(super) fn filled(path: &Path, events: u128) -> Store {
    let store = open(path);
    for number in 1..=events {
        store.append(discovery(number, number % 5, &format!("text {number}"))).unwrap();
    }
    store
}

pub(super) fn rows(path: &Path) -> Vec<(i64, String, String)> {
    let connection = raw(path);
    let mut statement =
        connection.prepare("SELECT position, stream, hex(chain) FROM events ORDER BY position").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

pub(super) fn export(store: &Store, to: &Path) -> i64 {
    let mut file = fs::File::create(to).unwrap();
    store.export(&mut file, to).unwrap()
}

#[test]
fn a_backup_is_taken_while_others_write_and_is_one_sound_moment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = filled(&path, 500);
    let copy = directory.path().join("copy.db");
    let backed_up = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 501..=900 {
                store.append(discovery(number, number % 5, "meanwhile")).unwrap();
            }
        });
        let mut calls = 0;
        let backed_up = store.backup(&copy, PLAIN, &mut |done, all| {
            calls += 1;
            assert!(done <= all);
        });
        assert!(calls > 0);
        writing.join().unwrap();
        backed_up.unwrap()
    });
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&copy).unwrap().len(), backed_up.bytes);
    let copied = rows(&copy);
    assert_eq!(i64::try_from(copied.len()).unwrap(), backed_up.head);
    assert_eq!(copied, rows(&path)[..copied.len()]);
    assert!(!key_path(&copy).exists());
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains(".new")), "{names:?}");
}

#[test]
fn a_backup_overwrites_nothing_unasked_and_never_the_ledger_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = filled(&path, 3);
    let copy = directory.path().join("copy.db");
    fs::write(&copy, "mine").unwrap();
    let mut quiet = |_, _| {};
    assert!(matches!(store.backup(&copy, PLAIN, &mut quiet), Err(StoreError::Exists { .. })));
    assert_eq!(fs::read(&copy).unwrap(), b"mine");
    let force = BackupOptions { with_key: true, force: true };
    for itself in [path.clone(), directory.path().join("ledger.db-wal"), key_path(&path)] {
        assert!(matches!(store.backup(&itself, force, &mut quiet), Err(StoreError::Itself { .. })), "{itself:?}");
        assert!(matches!(store.refuse_itself(&itself), Err(StoreError::Itself { .. })), "{itself:?}");
    }
    std::os::unix::fs::symlink(&path, directory.path().join("link")).unwrap();
    let not_there = directory.path().join("ledger.db-shm").with_file_name("ledger.db-wal");
    for itself in [
        directory.path().join("link"),
        directory.path().join("../").join(directory.path().file_name().unwrap()).join("ledger.db"),
        not_there,
    ] {
        assert!(matches!(store.refuse_itself(&itself), Err(StoreError::Itself { .. })), "{itself:?}");
    }
    assert!(store.refuse_itself(&copy).is_ok());
    let backed_up = store.backup(&copy, force, &mut quiet).unwrap();
    assert_eq!(backed_up.key, Some(key_path(&copy)));
    assert_eq!(fs::read(key_path(&copy)).unwrap(), fs::read(key_path(&path)).unwrap());
    assert_sound(&copy);
}

#[test]
fn a_restored_ledger_is_the_backed_up_one_and_the_other_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let copy = directory.path().join("copy.db");
    let store = filled(&path, 20);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    store.append(single(100, 1)).unwrap();
    let origin = store.origin().clone();

    assert!(matches!(restore(&copy, &path, false, NOW), Err(StoreError::Exists { .. })));
    let error = restore(&copy, &path, true, NOW).unwrap_err();
    let named = format!("is open in process {} (", std::process::id());
    assert!(matches!(error, StoreError::InUse { .. }) && error.to_string().contains(&named), "{error}");
    drop(store);
    let restored = restore(&copy, &path, true, NOW).unwrap();
    assert_eq!((restored.head, restored.key), (20, true));
    assert_eq!(rows(&restored.kept.unwrap()).len(), 21);
    let store = open(&path);
    assert_eq!((store.origin(), store.reader().unwrap().head().unwrap()), (&origin, 20));
    store.append(single(101, 1)).unwrap();
    assert_sound(&path);
}

#[test]
fn an_unsound_backup_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let copy = directory.path().join("copy.db");
    let store = filled(&path, 20);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    drop(store);
    raw(&copy)
        .execute_batch("DROP TRIGGER events_no_update; UPDATE events SET actor = 'mallory' WHERE position = 5")
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = restore(&copy, &path, true, NOW).unwrap_err();
    assert!(matches!(error, StoreError::Unsound { .. }) && error.to_string().contains("local chain"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_ledger_is_replaced_by_its_backup_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let copy = directory.path().join("copy.db");
    let store = filled(&path, 20);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    drop(store);
    fs::write(&path, "gone").unwrap();
    let restored = restore(&copy, &path, true, NOW).unwrap();
    assert_eq!(fs::read(restored.kept.unwrap()).unwrap(), b"gone");
    assert_eq!(open(&path).reader().unwrap().head().unwrap(), 20);
}

#[test]
fn an_export_makes_the_same_ledger_elsewhere_and_brings_a_copy_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = filled(&path, 30);
    share(&store, &[flake(2)]);
    let early = directory.path().join("early.jsonl");
    assert_eq!(export(&store, &early), 30);

    let other = directory.path().join("other.db");
    let imported = open(&other).import(&early).unwrap();
    assert_eq!(imported, Imported { stored: 30, known: 0, adopted: true });
    fs::copy(key_path(&path), key_path(&other)).unwrap();
    assert_eq!(rows(&other), rows(&path));
    assert_eq!(open(&other).origin().public_key, store.origin().public_key);
    assert_sound(&other);

    for number in 31..=40 {
        store.append(discovery(number, number % 5, "later")).unwrap();
    }
    share(&store, &[flake(2), flake(3)]);
    let late = directory.path().join("late.jsonl");
    export(&store, &late);
    let imported = open(&other).import(&late).unwrap();
    assert_eq!(imported, Imported { stored: 10, known: 30, adopted: false });
    assert_eq!(rows(&other), rows(&path));
    assert_sound(&other);
    let again = directory.path().join("again.jsonl");
    export(&open(&other), &again);
    assert_eq!(fs::read(&again).unwrap(), fs::read(&late).unwrap());
}

#[test]
fn an_export_that_is_foreign_cut_off_or_changed_is_refused_and_nothing_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory.path().join("ledger.db"), 10);
    let file = directory.path().join("export.jsonl");
    export(&store, &file);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();

    let other = directory.path().join("other.db");
    open(&other).append(single(1, 1)).unwrap();
    let error = open(&other).import(&file).unwrap_err().to_string();
    assert!(error.contains("is the ledger of origin"), "{error}");

    let swapped = text.replace("text 4", "text 5");
    let actor = text.replacen("user@host", "mallory@host", 1);
    let cut = lines[..6].join("\n");
    let fewer = text.replacen("\"events\":10", "\"events\":9", 1);
    let head = text.split("\"head\":\"").nth(1).and_then(|rest| rest.get(..2)).unwrap();
    let other_head = text.replacen(
        &format!("\"head\":\"{head}"),
        &format!("\"head\":\"{}", if head == "00" { "11" } else { "00" }),
        1,
    );
    let doubled = format!("{}\n{}\n", lines[..3].join("\n"), lines[2]);
    for (number, (changed, why)) in [
        (swapped.as_str(), "is not what was recorded"),
        (&actor, "is not what its link says"),
        (&cut, "it was cut off"),
        (&fewer, "it ends at event 10, its header promises 9: the header was changed"),
        (&other_head, "event 10 is not the one that its header ends with"),
        (&doubled, "follows event"),
        ("{}", "no export"),
        ("", "no export"),
        (&text.replacen("export/1", "export/9", 1), "its schema is"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&file, changed).unwrap();
        let fresh = directory.path().join(format!("fresh{number}.db"));
        let error = open(&fresh).import(&file).unwrap_err();
        assert!(matches!(&error, StoreError::Import { .. }) && error.to_string().contains(why), "{why}: {error}");
        let store = open(&fresh);
        assert_eq!(store.reader().unwrap().head().unwrap(), 0);
        store.signer().unwrap();
    }
}

#[test]
fn a_backup_is_told_from_an_export_and_what_is_no_text_has_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy, file] = ["ledger.db", "copy.db", "export.jsonl"].map(|name| directory.path().join(name));
    let store = filled(&path, 3);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    export(&store, &file);
    let fresh = || open(&directory.path().join("fresh.db"));
    let error = fresh().import(&copy).unwrap_err();
    assert!(matches!(error, StoreError::NoExport { .. }) && error.to_string().contains("store restore"), "{error}");
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend(b"\xff\n");
    fs::write(&file, bytes).unwrap();
    let error = fresh().import(&file).unwrap_err();
    assert!(matches!(error, StoreError::Import { line: 5, .. }), "{error}");
}

#[test]
fn a_copy_over_one_that_was_written_does_not_read_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = ["ledger.db", "copy.db"].map(|name| directory.path().join(name));
    let store = filled(&path, 20);
    let other = filled(&copy, 5);
    let force = BackupOptions { with_key: false, force: true };
    let refused = store.backup(&copy, force, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    let log = fs::read(directory.path().join("copy.db-wal")).unwrap();
    drop(other);
    fs::write(directory.path().join("copy.db-wal"), log).unwrap();
    store.backup(&copy, force, &mut |_, _| {}).unwrap();
    assert_eq!(rows(&copy), rows(&path));
}

#[test]
fn two_ledgers_that_went_on_after_a_copy_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let copy = directory.path().join("copy.db");
    let store = filled(&path, 5);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    store.append(single(6, 1)).unwrap();
    open(&copy).append(single(7, 1)).unwrap();
    let file = directory.path().join("export.jsonl");
    export(&store, &file);
    let error = open(&copy).import(&file).unwrap_err().to_string();
    assert!(error.contains("event 6 is another one here") && error.contains("line 7"), "{error}");
}

/// The export with the payload of an event made blank, which no link tells.
fn made_blank(export: &str, position: usize) -> String {
    let mut lines: Vec<serde_json::Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[position]["payload"] = serde_json::Value::Null;
    lines.iter().map(serde_json::Value::to_string).collect::<Vec<_>>().join("\n")
}

fn erase(store: &Store, number: u128) {
    store
        .erase(cim_domain_nix::store::erase::Erasure {
            command: command(50 + number, Vec::new()).command,
            at: NOW,
            event: EventId::new(Uuid::from_u128(1_000_000 + number)),
            record: EventId::new(Uuid::from_u128(70 + number)),
            reason: "asked for".to_owned(),
        })
        .unwrap();
}

#[test]
fn a_payload_that_was_made_blank_in_an_export_is_refused_unless_an_event_says_that_it_was_erased() {
    let directory = tempfile::tempdir().unwrap();
    let [path, file, other] = ["ledger.db", "export.jsonl", "other.db"].map(|name| directory.path().join(name));
    let store = filled(&path, 5);
    export(&store, &file);
    let good = fs::read_to_string(&file).unwrap();
    let damaged = made_blank(&good, 4);
    let refused = |into: &Path| {
        let error = open(into).import(&file).unwrap_err();
        assert!(matches!(error, StoreError::Import { line: 5, .. }), "{error}");
        assert!(error.to_string().contains("the payload of event 4 is blank, and no event says"), "{error}");
    };
    fs::write(&file, &damaged).unwrap();
    refused(&other);
    assert_eq!(open(&other).reader().unwrap().head().unwrap(), 0);
    fs::write(&file, &good).unwrap();
    open(&other).import(&file).unwrap();
    fs::write(&file, &damaged).unwrap();
    refused(&other);
    // Of another event it is said.
    erase(&store, 2);
    export(&store, &file);
    let erased = fs::read_to_string(&file).unwrap();
    fs::write(&file, made_blank(&erased, 4)).unwrap();
    refused(&other);
    fs::copy(key_path(&path), key_path(&other)).unwrap();
    assert_sound(&other);
    // An older export may be made blank by hand once the ledger says so.
    fs::write(&file, made_blank(&good, 2)).unwrap();
    store.import(&file).unwrap();
    assert_sound(&path);
}

#[test]
fn an_erasure_travels_with_the_export() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = filled(&path, 3);
    let file = directory.path().join("export.jsonl");
    let other = directory.path().join("other.db");
    export(&store, &file);
    open(&other).import(&file).unwrap();
    erase(&store, 2);
    export(&store, &file);
    open(&other).import(&file).unwrap();
    fs::copy(key_path(&path), key_path(&other)).unwrap();
    assert!(!fs::read(&other).unwrap().windows(6).any(|window| window == b"text 2"));
    assert_sound(&other);
}

#[test]
fn an_erasure_that_an_import_could_not_finish_waits_for_no_turn_of_what_others_erased() {
    let directory = tempfile::tempdir().unwrap();
    let [path, file, other] = ["ledger.db", "export.jsonl", "other.db"].map(|name| directory.path().join(name));
    let store = filled(&path, 3);
    export(&store, &file);
    open(&other).import(&file).unwrap();
    erase(&store, 2);
    export(&store, &file);
    let reader = open(&other).reader().unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let turn = "INSERT OR REPLACE INTO meta (key, value) VALUES ('erasure_turn', ?1)";
    raw(&other).execute(turn, [(NOW + 1_800_000_000).to_string()]).unwrap();
    open(&other).import(&file).unwrap();
    let is_pending = "SELECT EXISTS (SELECT 1 FROM meta WHERE key IN ('erasure_pending', 'erasure_of_own'))";
    let is_pending = || raw(&other).query_row(is_pending, [], |row| row.get::<_, bool>(0)).unwrap();
    assert!(is_pending(), "a reader is in the way");
    drop(reader);
    drop(open(&other));
    assert!(!is_pending());
    fs::copy(key_path(&path), key_path(&other)).unwrap();
    assert_sound(&other);
}

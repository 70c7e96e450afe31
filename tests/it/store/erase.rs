//! Erasing: the text is gone from every file, and the ledger still proves itself.

use std::fs;
use std::path::PathBuf;

use super::*;
use cim_domain_nix::store::backup::BackupOptions;
use cim_domain_nix::store::check::check;
use cim_domain_nix::store::erase::Erasure;
use cim_domain_nix::store::local::{FileRow, HistoryCursor, LocalNote};

const SECRET: &str = "the-name-of-a-customer";

fn erasure(id: u128, event: u128) -> Erasure {
    Erasure {
        command: command(id, Vec::new()).command,
        at: NOW + 5,
        event: EventId::new(Uuid::from_u128(event)),
        record: EventId::new(Uuid::from_u128(id + 10_000)),
        reason: "asked for".to_owned(),
    }
}

fn holds(path: &Path, text: &str) -> bool {
    ["", "-wal"].iter().any(|suffix| {
        let bytes = fs::read(format!("{}{suffix}", path.display())).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn erased_text_is_gone_from_every_file_and_the_chains_still_prove_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(discovery(1, 1, SECRET)).unwrap();
    store.append(single(2, 1)).unwrap();
    share(&store, &[flake(1)]);
    assert!(holds(&path, SECRET));
    assert_sound(&path);

    let erased = store.erase(erasure(3, 1_000_001)).unwrap();
    assert_eq!(erased.receipt, Receipt::Stored { first: Some(3), last: Some(3), events: 1 });
    assert!(erased.complete);
    assert!(!holds(&path, SECRET));
    assert_sound(&path);

    let event = store.reader().unwrap().event_at(1).unwrap().unwrap();
    assert!(event.is_erased() && event.event().is_err());
    let again = store.erase(erasure(3, 1_000_001)).unwrap();
    assert!(matches!(again.receipt, Receipt::Repeated { first: Some(3), .. }));
    store.append(single(4, 1)).unwrap();
    assert_sound(&path);
}

#[test]
fn a_reader_in_the_way_delays_the_end_and_the_next_opening_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(discovery(1, 1, SECRET)).unwrap();
    let reader = store.reader().unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let erased = store.erase(erasure(3, 1_000_001)).unwrap();
    assert!(!erased.complete);
    drop(reader);
    drop(store);
    let store = open(&path);
    assert!(!holds(&path, SECRET));
    drop(store);
    assert_sound(&path);
}

/// A ledger in which an event is blank, and what was in it is everywhere else: as after a kill in the middle of an erasure.
fn interrupted(path: &Path) {
    let store = open(path);
    store.append(discovery(1, 1, SECRET)).unwrap();
    store.append(single(2, 2)).unwrap();
    keep_the_model(path);
    let erased = store.erase(erasure(3, 1_000_001)).unwrap();
    assert!(!erased.complete && erased.failed.is_some(), "{erased:?}");
    drop(store);
    assert!(holds(path, SECRET));
}

/// Nobody can build the read model anew from now on.
fn keep_the_model(path: &Path) {
    let sql = "CREATE TRIGGER stop BEFORE INSERT ON projections BEGIN SELECT RAISE(ABORT, 'stopped'); END";
    raw(path).execute_batch(sql).unwrap();
}

fn let_the_model_go(path: &Path) {
    raw(path).execute_batch("DROP TRIGGER stop").unwrap();
}

#[test]
fn an_erasure_that_was_interrupted_is_named_until_the_next_opening_has_finished_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    interrupted(&path);
    for checks in [check(&path), verify(&path)] {
        assert!(checks.iter().all(|check| check.state != CheckState::Failed || check.name == "space"), "{checks:#?}");
        let named = checks.iter().find(|check| check.name == "erasure").unwrap();
        assert!(named.state == CheckState::Warning && named.detail.contains("`cim-nix scan`"), "{named:?}");
    }
    let model = verify(&path).into_iter().find(|check| check.name == "read model").unwrap();
    assert_eq!(model.state, CheckState::Unknown, "{model:?}");
    let_the_model_go(&path);
    drop(open(&path));
    assert!(!holds(&path, SECRET));
    assert_sound(&path);
    assert!(check(&path).iter().all(|check| check.name != "erasure"));
}

#[test]
fn no_copy_is_made_that_holds_what_was_erased() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("ledger.db"), directory.path().join("copy.db"));
    for access in [Access::ReadOnly, Access::ReadWrite] {
        interrupted(&path);
        let store = Store::open(&path, access, &who(), NOW).unwrap();
        let refused = store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(refused, StoreError::Erasing { .. }) && !copy.exists(), "{refused}");
        let_the_model_go(&path);
        store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).unwrap();
        assert!(!holds(&copy, SECRET) && !holds(&path, SECRET), "{access:?}");
        drop(store);
        assert_sound(&path);
        for file in fs::read_dir(directory.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn a_log_that_is_being_moved_does_not_keep_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(discovery(1, 1, SECRET)).unwrap();
    // So large that the log is moved while the file is written anew.
    let text = "x".repeat(200_000);
    for number in 2..130 {
        store.append(discovery(number, number, &text)).unwrap();
    }
    for number in 1..4 {
        let erased = store.erase(erasure(1_000 + number, 1_000_000 + number)).unwrap();
        assert!(erased.complete, "erasure {number}");
        assert!(!holds(&path, SECRET));
    }
    drop(store);
    assert_sound(&path);
}

#[test]
fn only_what_can_be_erased_is_erased() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let store = open(&path);
    store.append(single(1, 1)).unwrap();
    let error = store.erase(erasure(2, 77)).unwrap_err();
    assert!(matches!(error, StoreError::NoSuchEvent { .. }), "{error}");
    store.erase(erasure(3, 1_000_001)).unwrap();
    for (command, event) in [(4, 1_000_001), (5, 10_003)] {
        let error = store.erase(erasure(command, event)).unwrap_err();
        assert!(matches!(error, StoreError::NotErasable { .. }), "{error}");
    }
    assert_eq!(store.reader().unwrap().head().unwrap(), 2);
    assert_sound(&path);
}

#[test]
fn what_was_seen_before_an_event_was_erased_is_not_kept_as_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    store.append(discovery(1, 1, SECRET)).unwrap();
    let id = FlakeId::new(Uuid::from_u128(1));
    let row = FileRow { path: PathBuf::from("/r"), stamp: vec![1], content: [1; 32], extractor: 1, flake: Some(id) };
    let cursor = HistoryCursor { flake: id, head: "abc".to_owned(), since: None, complete: true };
    let look = |number: u128, head: i64| {
        let notes = [
            LocalNote::FileSeen(row.clone()),
            LocalNote::FileSame { row: FileRow { path: PathBuf::from("/r/web.nix"), ..row.clone() }, before: None },
            LocalNote::HistoryCursor(cursor.clone()),
        ];
        let mut append = command(number, Vec::new());
        append.notes = notes.map(|note| LocalNote::AsOf { head, note: Box::new(note) }).to_vec();
        store.append(append).unwrap();
        let reader = store.reader().unwrap();
        (reader.all_files().unwrap().len(), reader.history_cursor(id).unwrap().is_some())
    };
    let head = || store.reader().unwrap().head().unwrap();
    let before = head();
    store.erase(erasure(2, 1_000_001)).unwrap();
    assert_eq!(look(3, before), (0, false));
    assert_eq!(look(4, head()), (2, true));
}

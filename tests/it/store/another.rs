//! A ledger that becomes another origin's while somebody has it open.

use std::fs;

use cim_domain_nix::store::origin::key_path;

use super::copies::{export, filled, rows};
use super::*;

/// An empty ledger in its own folder.
fn empty(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("empty.db");
    drop(open(&path));
    path
}

/// The ways by which a ledger becomes another origin's, each with the ledger that it happens to.
const WAYS: [&str; 3] = ["import", "adopt", "fork"];

/// What makes a ledger another's.
type Change = Box<dyn Fn(Store) -> Result<(), StoreError>>;

/// Makes the ledger that a way begins with, and what makes it another's.
fn prepare(way: &str, folder: &Path) -> (std::path::PathBuf, Change) {
    let (other, file) = (folder.join("other.db"), folder.join("export.jsonl"));
    let store = filled(&other, 3);
    export(&store, &file);
    match way {
        "import" => (empty(folder), Box::new(move |store| store.import(&file).map(drop))),
        "adopt" => (empty(folder), Box::new(move |store| store.adopt(&key_path(&other)).map(drop))),
        _ => (other, Box::new(|store| store.fork(&who(), NOW).map(drop))),
    }
}

#[test]
fn whoever_has_a_ledger_open_that_becomes_another_origins_writes_nothing_more() {
    for way in WAYS {
        let folder = tempfile::tempdir().unwrap();
        let (path, change) = prepare(way, folder.path());
        let store = open(&path);
        let reader = store.reader().unwrap();
        store.still_ours(&reader).unwrap();
        change(open(&path)).unwrap();
        let before = rows(&path);
        let refused = |error: StoreError| {
            assert!(matches!(error, StoreError::OriginChanged { .. }), "{way}: {error}");
            assert!(error.to_string().contains("start again with what is there now"), "{error}");
        };
        refused(store.append(single(100, 77)).unwrap_err());
        let tickets: Vec<_> = (101..105).map(|number| store.submit(single(number, 77)).unwrap()).collect();
        for ticket in tickets {
            refused(ticket.wait().unwrap_err());
        }
        refused(store.set_epoch("nats", "1", NOW).unwrap_err());
        refused(store.settle_consent(Vec::new(), |_| Ok([flake(1)].into())).unwrap_err());
        refused(store.still_ours(&reader).unwrap_err());
        assert_eq!(rows(&path), before, "{way}");
        drop(store);
        if way == "import" {
            // An export holds no key.
            fs::copy(key_path(&folder.path().join("other.db")), key_path(&path)).unwrap();
        }
        let store = open(&path);
        store.append(single(106, 77)).unwrap();
        assert_eq!(rows(&path).len(), before.len() + 1, "{way}");
        store.still_ours(&store.reader().unwrap()).unwrap();
        drop(store);
        assert_sound(&path);
    }
}

#[test]
fn a_ledger_that_became_another_origins_meanwhile_does_not_become_a_third_ones() {
    for way in WAYS {
        for then in WAYS {
            let folder = tempfile::tempdir().unwrap();
            let (path, change) = prepare(way, folder.path());
            let late = open(&path);
            change(open(&path)).unwrap();
            let key = fs::read(key_path(&path)).ok();
            let [file, third] = ["third.jsonl", "third.db"].map(|name| folder.path().join(name));
            export(&filled(&third, 2), &file);
            let error = match then {
                "import" => late.import(&file).map(drop),
                "adopt" => late.adopt(&key_path(&third)).map(drop),
                _ => late.fork(&who(), NOW).map(drop),
            };
            let error = error.unwrap_err();
            assert!(matches!(error, StoreError::OriginChanged { .. }), "{way}, {then}: {error}");
            assert_eq!(fs::read(key_path(&path)).ok(), key, "{way}, {then}");
        }
    }
}

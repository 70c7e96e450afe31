//! Opening: what is made, what is refused, and that a refused file stays as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use cim_domain_nix::store::origin::key_path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refused(path: &Path) -> StoreError {
    let looks = || (fs::read(path).ok(), mode(path), fs::read_dir(path).map(Iterator::count).ok());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let before = looks();
    let error = Store::open(path, Access::ReadWrite, &who(), NOW).unwrap_err();
    assert_eq!(looks(), before, "a refused file was touched");
    let reading = Store::open(path, Access::ReadOnly, &who(), NOW).unwrap_err();
    assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&reading), "{error} {reading}");
    error
}

#[test]
fn a_new_ledger_is_private_has_an_origin_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/ledger.db");
    let store = open(&path);
    store.append(single(1, 1)).unwrap();
    let origin = store.origin().clone();
    assert!(origin.public_key.starts_with('U'), "{origin:?}");
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm", ".key"] {
        let file = path.parent().unwrap().join(format!("ledger.db{suffix}"));
        assert_eq!(mode(&file), 0o600, "{suffix}");
    }
    let signature = store.signer().unwrap().sign(b"x").unwrap();
    let public = nkeys::KeyPair::from_public_key(&origin.public_key).unwrap();
    public.verify(b"x", &signature).unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(store.origin(), &origin);
    assert_eq!(store.reader().unwrap().head().unwrap(), 1);
}

#[test]
fn the_writer_has_every_pragma() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("ledger.db"));
    let reader = store.reader().unwrap();
    for (pragma, expected) in [
        ("journal_mode", json!("wal")),
        ("synchronous", json!(2)),
        ("foreign_keys", json!(1)),
        ("cache_size", json!(-8000)),
        ("wal_autocheckpoint", json!(4000)),
        ("trusted_schema", json!(0)),
        ("cell_size_check", json!(1)),
        ("query_only", json!(1)),
        ("user_version", json!(10)),
        ("application_id", json!(0x4349_4d4e)),
    ] {
        let value = reader.pragma_query_value(None, pragma, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => json!(number),
                other => json!(other.as_str()?),
            })
        });
        assert_eq!(value.unwrap(), expected, "{pragma}");
    }
    assert!(reader.execute_batch("DELETE FROM meta").is_err());
}

#[test]
fn a_missing_key_stops_signing_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    drop(open(&path));
    fs::remove_file(key_path(&path)).unwrap();
    let store = open(&path);
    store.append(single(1, 1)).unwrap();
    let error = store.signer().unwrap_err().to_string();
    assert!(error.contains("ledger.db.key") && error.contains("missing"), "{error}");

    let other = directory.path().join("other.db");
    drop(open(&other));
    fs::copy(key_path(&other), key_path(&path)).unwrap();
    assert!(store.signer().unwrap_err().to_string().contains("another ledger"));
}

#[test]
fn the_key_of_a_ledger_that_is_gone_is_kept_and_not_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let first = open(&path).origin().public_key.clone();
    fs::remove_file(&path).unwrap();
    let second = open(&path).origin().public_key.clone();
    assert_ne!(first, second);
    let kept = directory.path().join(format!("ledger.db.key.{first}.old"));
    let seed = fs::read_to_string(kept).unwrap();
    assert_eq!(nkeys::KeyPair::from_seed(seed.trim()).unwrap().public_key(), first);
}

#[test]
fn a_file_that_is_no_ledger_is_refused_by_name_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("folder");
    fs::create_dir(&path).unwrap();
    assert!(matches!(refused(&path), StoreError::NotADatabase { .. }));

    let path = directory.path().join("notes.txt");
    fs::write(&path, "x".repeat(8192)).unwrap();
    assert!(matches!(refused(&path), StoreError::NotADatabase { .. }));

    let path = directory.path().join("other.db");
    raw(&path).execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(refused(&path), StoreError::OtherApplication { application_id: 0, .. }));
    raw(&path).execute_batch("PRAGMA application_id = 7").unwrap();
    assert!(matches!(refused(&path), StoreError::OtherApplication { application_id: 7, .. }));
}

#[test]
fn a_newer_ledger_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    drop(open(&path));
    raw(&path).execute_batch("PRAGMA user_version = 99").unwrap();
    let error = refused(&path);
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("made by a newer cim-nix"), "{error}");
}

#[test]
fn reading_does_not_make_a_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let error = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(!path.exists());
    drop(open(&path));
    let store = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap();
    assert!(matches!(store.append(single(1, 1)), Err(StoreError::OpenedReadOnly { .. })));
    assert_eq!(store.reader().unwrap().head().unwrap(), 0);
}

#[test]
fn where_nothing_can_be_made_beside_it_a_ledger_is_read_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    open(&path).append(single(1, 1)).unwrap();
    // SQLite follows no link here: it is as on a disk that is mounted for reading only, where root can make no file either.
    let log = directory.path().join("ledger.db-wal");
    for beside in [&log, &directory.path().join("ledger.db-shm")] {
        std::os::unix::fs::symlink("nowhere", beside).unwrap();
    }
    let store = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap();
    assert_eq!(store.reader().unwrap().head().unwrap(), 1);
    drop(store);
    // What stands in a log would be missed.
    fs::remove_file(&log).unwrap();
    fs::write(&log, "a log").unwrap();
    let error = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap_err();
    assert!(matches!(&error, StoreError::CannotOpen { path: named } if *named == path), "{error}");
}

#[test]
fn many_openers_at_once_make_one_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let keys: Vec<String> = std::thread::scope(|scope| {
        let open = || open(&path).origin().public_key.clone();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    open(&path).signer().unwrap();
}

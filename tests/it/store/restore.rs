//! Putting a backup back while others want the ledger, files that go away under whoever has them open, and what lies beside a
//! ledger afterwards.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Child, Command as Program, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::copies::{PLAIN, filled, rows};
use super::*;
use cim_domain_nix::store::backup::{BackupOptions, restore};
use cim_domain_nix::store::check::check;
use cim_domain_nix::store::origin::key_path;

/// A ledger of some events with its backup of one less.
fn with_backup(directory: &Path) -> [std::path::PathBuf; 2] {
    let [path, copy] = ["ledger.db", "copy.db"].map(|name| directory.join(name));
    let store = filled(&path, 300);
    store.backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    store.append(single(1000, 1)).unwrap();
    [path, copy]
}

fn drafts(ledger: &Path) -> Vec<String> {
    let names = fs::read_dir(ledger.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.contains(".new")).collect()
}

fn tell(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// What is said of copies that nobody is at.
fn unfinished(ledger: &Path) -> Option<Check> {
    check(ledger).into_iter().find(|check| check.name == "unfinished copies")
}

/// The program, stopped while it restores.
fn restoring(copy: &Path, ledger: &Path) -> Child {
    let mut command = Program::new(env!("CARGO_BIN_EXE_cim-nix"));
    command.env_clear().env("HOME", ledger.parent().unwrap()).stdout(Stdio::null());
    command.arg("--db").arg(ledger).args(["store", "restore", "--force"]).arg(copy);
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 100, "no restore was met while it was at it");
        let mut child = command.spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if drafts(ledger).is_empty() {
                continue;
            }
            tell(&child, Signal::STOP);
            std::thread::sleep(Duration::from_millis(50));
            let is_at_it = child.try_wait().unwrap().is_none() && !drafts(ledger).is_empty();
            // A draft that is not locked yet looks like one that was left.
            if is_at_it && unfinished(ledger).is_none() {
                return child;
            }
            tell(&child, Signal::CONT);
        }
        assert!(child.wait().unwrap().success());
    }
}

fn set_aside(ledger: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(ledger.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains(".db.before-restore-")).collect()
}

#[test]
fn whoever_opens_a_ledger_that_is_being_restored_gets_the_restored_one() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = with_backup(directory.path());
    let mut child = restoring(&copy, &path);
    let at = path.clone();
    let opening = std::thread::spawn(move || {
        let store = open(&at);
        store.append(single(2000, 1)).unwrap();
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(!opening.is_finished(), "nobody gets at a ledger that is being replaced");
    tell(&child, Signal::CONT);
    assert!(child.wait().unwrap().success());
    opening.join().unwrap();
    let now = rows(&path);
    assert_eq!((now.len(), &now[..300]), (301, &rows(&copy)[..]));
    assert!(
        set_aside(&path).iter().all(|kept| rows(kept).last() != now.last()),
        "what was acknowledged is in the ledger"
    );
    assert_sound(&path);
}

#[test]
fn what_a_killed_restore_leaves_is_told_and_removed_by_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = with_backup(directory.path());
    let mut child = restoring(&copy, &path);
    child.kill().unwrap();
    child.wait().unwrap();
    let told = unfinished(&path).unwrap();
    assert!(told.state == CheckState::Warning && told.detail.contains(&format!("{}.new", child.id())), "{told:?}");
    assert!(rows(&path).len() >= 300);
    restore(&copy, &path, true, NOW).unwrap();
    assert_eq!((drafts(&path), unfinished(&path)), (Vec::new(), None));
    assert_sound(&path);
}

#[test]
fn a_writer_whose_file_is_moved_or_replaced_stops_and_what_was_acknowledged_is_in_its_file() {
    for replaced in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let [path, copy, moved] = ["ledger.db", "copy.db", "moved.db"].map(|name| directory.path().join(name));
        drop(filled(&copy, 20));
        let store = filled(&path, 5);
        fs::rename(&path, &moved).unwrap();
        if replaced {
            fs::copy(&copy, &path).unwrap();
        }
        let gone = |error: StoreError| assert!(matches!(error, StoreError::Replaced { .. }), "{replaced}: {error}");
        gone(store.append(single(6, 1)).unwrap_err());
        gone(store.append(single(7, 1)).unwrap_err());
        gone(store.set_epoch("nats", "1", NOW).unwrap_err());
        gone(store.reader().unwrap_err());
        gone(store.still_there().unwrap_err());
        drop(store);
        assert_eq!(rows(&moved).len(), 5, "also what had been in the log alone");
        if replaced {
            fs::copy(key_path(&copy), key_path(&path)).unwrap();
            assert_eq!(rows(&path), rows(&copy));
            assert_sound(&path);
        }
    }
}

#[test]
fn a_log_whose_ledger_is_gone_is_not_read_into_the_restored_one() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = ["ledger.db", "copy.db"].map(|name| directory.path().join(name));
    filled(&copy, 20);
    let store = filled(&path, 5);
    let log = fs::read(directory.path().join("ledger.db-wal")).unwrap();
    drop(store);
    fs::remove_file(&path).unwrap();
    fs::write(directory.path().join("ledger.db-wal"), &log).unwrap();
    restore(&copy, &path, false, NOW).unwrap();
    assert_eq!(rows(&path), rows(&copy));
    assert_sound(&path);
    assert_eq!(fs::read(directory.path().join(format!("ledger.db.before-restore-{NOW}-wal"))).unwrap(), log);
}

#[test]
fn a_log_whose_ledger_is_gone_is_away_before_the_restored_one_has_its_name() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let [path, copy, log] = ["ledger.db", "copy.db", "ledger.db-wal"].map(|name| directory.path().join(name));
        drop(filled(&copy, 20));
        fs::write(&log, "old").unwrap();
        let old = fs::metadata(&log).unwrap().ino();
        let is_old_there = || fs::metadata(&log).is_ok_and(|log| log.ino() == old);
        std::thread::scope(|scope| {
            let restoring = scope.spawn(|| restore(&copy, &path, false, NOW).unwrap());
            loop {
                let is_over = restoring.is_finished();
                if path.exists() {
                    break;
                }
                assert!(!is_over, "it is there at the end");
            }
            assert!(!is_old_there(), "whoever is killed now leaves a ledger beside the log of another");
        });
    }
}

#[test]
fn a_link_to_a_ledger_stays_and_what_it_leads_to_is_restored() {
    let directory = tempfile::tempdir().unwrap();
    let [disk, home] = ["disk", "home"].map(|name| directory.path().canonicalize().unwrap().join(name));
    for directory in [&disk, &home] {
        fs::create_dir(directory).unwrap();
    }
    let (real, link, other) = (disk.join("ledger.db"), home.join("ledger.db"), home.join("other.db"));
    symlink("../disk/ledger.db", &link).unwrap();
    let leads = || fs::read_link(&link).unwrap() == Path::new("../disk/ledger.db");
    let [copy, foreign] = ["copy.db", "foreign.db"].map(|name| directory.path().join(name));
    let with_key = BackupOptions { with_key: true, force: false };
    drop(filled(&real, 5));
    fs::rename(key_path(&real), key_path(&link)).unwrap();
    Store::open(&link, Access::ReadOnly, &who(), NOW).unwrap().backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    open(&link).append(single(1000, 1)).unwrap();
    let restored = restore(&copy, &link, true, NOW).unwrap();
    let kept = disk.join(format!("ledger.db.before-restore-{NOW}"));
    assert_eq!((restored.kept, restored.key), (Some(kept), true));
    assert!(leads() && key_path(&link).exists() && !key_path(&real).exists());
    assert_eq!((rows(&real).len(), rows(&link), drafts(&link)), (5, rows(&copy), Vec::new()));
    assert_sound(&link);
    // Another ledger's: the key that was there goes with the ledger that was there.
    filled(&other, 3).backup(&foreign, with_key, &mut |_, _| {}).unwrap();
    let kept = restore(&foreign, &link, true, NOW + 1).unwrap().kept.unwrap();
    open(&kept).signer().unwrap();
    assert!(leads());
    assert_sound(&link);
    // Nothing where it leads to, but for the log of what was there.
    fs::remove_file(&real).unwrap();
    fs::write(disk.join("ledger.db-wal"), "old").unwrap();
    restore(&foreign, &link, false, NOW + 2).unwrap();
    assert!(leads() && real.exists());
    assert_sound(&link);
}

#[test]
fn a_link_that_a_backup_replaces_stays_with_what_it_leads_to_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("disk")).unwrap();
    for name in ["copy.db", "copy.db.key"] {
        symlink(at("disk").join(name), at(name)).unwrap();
    }
    let store = filled(&at("ledger.db"), 3);
    for _ in 0..2 {
        let options = BackupOptions { with_key: true, force: true };
        store.append(single(u128::from(store.reader().unwrap().head().unwrap().unsigned_abs()) + 1000, 1)).unwrap();
        store.backup(&at("copy.db"), options, &mut |_, _| {}).unwrap();
        assert_eq!(rows(&at("disk/copy.db")), rows(&at("ledger.db")));
    }
    for name in ["copy.db", "copy.db.key"] {
        assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink() && at("disk").join(name).exists(), "{name}");
    }
}

#[test]
fn a_ledger_that_was_set_aside_has_its_key_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let [path, other, copy] = ["ledger.db", "other.db", "copy.db"].map(at);
    filled(&path, 2);
    filled(&other, 3).backup(&copy, BackupOptions { with_key: true, force: false }, &mut |_, _| {}).unwrap();
    let restored = restore(&copy, &path, true, NOW).unwrap();
    let kept = restored.kept.unwrap();
    assert!(restored.key);
    open(&kept).signer().unwrap();
    assert!(restore(&kept, &at("again.db"), false, NOW).unwrap().key);
    // As earlier releases named it.
    fs::rename(key_path(&kept), at(&format!("ledger.db.key.before-restore-{NOW}"))).unwrap();
    assert!(restore(&kept, &at("once_more.db"), false, NOW).unwrap().key);
    open(&at("once_more.db")).signer().unwrap();
}

/// As the release before the last migration left it.
pub(crate) fn make_older(path: &Path) {
    let undo = "PRAGMA user_version = 7; DELETE FROM refinery_schema_history WHERE version > 7; DROP TABLE heard; DROP TABLE root_directories";
    raw(path).execute_batch(undo).unwrap();
}

fn schema(path: &Path) -> u32 {
    raw(path).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn a_ledger_of_an_older_release_is_read_at_once_and_restored_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = ["ledger.db", "copy.db"].map(|name| directory.path().join(name));
    filled(&path, 3).backup(&copy, PLAIN, &mut |_, _| {}).unwrap();
    for path in [&path, &copy] {
        make_older(path);
    }
    let store = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap();
    assert_eq!((store.reader().unwrap().head().unwrap(), store.access(), schema(&path)), (3, Access::ReadOnly, 10));
    drop(store);
    assert_eq!((schema(&copy), restore(&copy, &path, true, NOW).unwrap().head), (7, 3));
    assert_eq!((schema(&copy), schema(&path)), (7, 10));
    assert_sound(&path);
}

#[test]
fn an_empty_file_is_no_ledger_and_reading_makes_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    fs::File::create(&path).unwrap();
    let error = Store::open(&path, Access::ReadOnly, &who(), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

//! What a ledger's user agreed to when a backup was taken, and has withdrawn by the time that it is put back.

use std::path::PathBuf;

use super::*;
use cim_domain_nix::store::LocalNote;
use cim_domain_nix::store::backup::{BackupOptions, restore};
use cim_domain_nix::store::remote::Agreement;

fn note(store: &Store, number: u128, notes: Vec<LocalNote>) {
    store.append(Append { notes, ..command(number, Vec::new()) }).unwrap();
}

fn add(path: &str) -> LocalNote {
    LocalNote::RootAdded { path: path.into(), at: NOW }
}

fn share_root(path: &str, shared: bool) -> LocalNote {
    LocalNote::RootShared { path: path.into(), shared }
}

fn agree(to: Agreement, agreed: bool) -> LocalNote {
    LocalNote::Agreed { to, agreed }
}

fn forget(path: &str) -> [LocalNote; 2] {
    [LocalNote::RootRemoved { path: path.into() }, LocalNote::Forget { path: format!("{path}/*").into(), at: NOW }]
}

/// The roots, with whether they are shared; those that were forgotten; the agreements that are in force.
fn consent(path: &Path) -> (Vec<(PathBuf, bool)>, Vec<PathBuf>, [bool; 3]) {
    let reader = open(path).reader().unwrap();
    let roots = reader.roots().unwrap().into_iter().map(|root| (root.path, root.shared)).collect();
    let forgotten = reader.forgotten().unwrap().into_iter().map(|(path, _)| path).collect();
    let agreed =
        [reader.is_sync_enabled().unwrap(), reader.are_findings_shared().unwrap(), reader.is_system_shared().unwrap()];
    (roots, forgotten, agreed)
}

fn roots(roots: &[(&str, bool)]) -> Vec<(PathBuf, bool)> {
    roots.iter().map(|(path, shared)| (PathBuf::from(path), *shared)).collect()
}

/// A ledger of which four roots are shared and one is not, and its backup.
fn backed_up(directory: &Path) -> [PathBuf; 2] {
    let [path, copy] = ["ledger.db", "copy.db"].map(|name| directory.join(name));
    let store = open(&path);
    store.append(single(1, 1)).unwrap();
    share(&store, &[flake(1)]);
    let mut notes: Vec<LocalNote> = ["/a", "/b", "/c", "/d", "/e"].map(add).into();
    notes.extend(["/a", "/b", "/c", "/d"].map(|root| share_root(root, true)));
    notes.extend([agree(Agreement::Sync, true), agree(Agreement::Findings, true)]);
    note(&store, 2, notes);
    store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).unwrap();
    [path, copy]
}

#[test]
fn what_was_withdrawn_since_a_backup_was_taken_stays_so_when_it_is_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = backed_up(directory.path());
    let store = open(&path);
    let mut notes = vec![share_root("/a", false), agree(Agreement::Sync, false), agree(Agreement::System, true)];
    // One inside, one inside that was forgotten, one that was shared since, and one that is only now.
    notes.extend(["/b/in", "/b/gone", "/new"].map(add));
    notes.extend(forget("/b/gone"));
    notes.extend(forget("/c"));
    notes.extend([share_root("/e", true), share_root("/new", true)]);
    note(&store, 3, notes);
    drop(store);
    restore(&copy, &path, true, NOW).unwrap();
    let there = roots(&[("/a", false), ("/b", true), ("/b/in", false), ("/c", false), ("/d", true), ("/e", false)]);
    assert_eq!(consent(&path), (there, vec!["/b/gone/*".into()], [false, true, false]));
    assert_sound(&path);
    // Nor does anything leave before consent is followed.
    let store = open(&path);
    store.append(single(4, 1)).unwrap();
    assert_eq!(store.reader().unwrap().shared_head().unwrap().0, 1);
    assert_eq!(share(&store, &[flake(1)]).released.events, 1);
    // What was agreed to again is so.
    note(&store, 5, vec![share_root("/a", true), agree(Agreement::Sync, true)]);
    drop(store);
    restore(&copy, &path, true, NOW + 1).unwrap();
    assert_eq!(consent(&path).0.first(), Some(&("/a".into(), true)));
    assert_eq!(consent(&path).2, [true, true, false]);
}

#[test]
fn where_nothing_tells_what_was_withdrawn_a_backup_is_put_back_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let [path, copy] = backed_up(directory.path());
    let before = consent(&path);
    std::fs::write(&path, "no ledger any more").unwrap();
    restore(&copy, &path, true, NOW).unwrap();
    assert_eq!(consent(&path), before);
    std::fs::remove_file(&path).unwrap();
    restore(&copy, &path, false, NOW).unwrap();
    assert_eq!(consent(&path), before);
}

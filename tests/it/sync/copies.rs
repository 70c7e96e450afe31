//! Ledgers that were restored from a backup, or copied.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::sync::engine::{self, Link, Until};
use cim_domain_nix::app::sync::{SyncError, consent, verify};
use cim_domain_nix::app::{AppError, origin, upkeep};
use cim_domain_nix::store::StoreError;
use cim_domain_nix::store::backup::{BackupOptions, restore};

use super::machine::Machine;
use crate::nats::Server;

pub(super) fn backup(machine: &Machine) -> std::path::PathBuf {
    let to = machine.folder().join("backup.db");
    machine.session.store.backup(&to, BackupOptions::default(), &mut |_, _| {}).unwrap();
    to
}

#[test]
fn a_restored_ledger_takes_its_own_events_back() {
    let server = Server::start();
    let mut ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 4);
    ada.synced();
    let copy = backup(&ada);
    ada.change(1, 5);
    ada.discover(2);
    ada.synced();
    let before = ada.shared();
    let now = ada.session.clock.now();
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    assert_eq!(ada.shared().len(), 5);
    let outcome = ada.synced();
    assert_eq!((outcome.sent, ada.shared()), (0, before));
    assert_eq!(outcome.taken, 6, "what came back is told");
    ada.change(2, 1);
    assert_eq!(ada.synced().sent, 1, "it goes on where it was");
    let bob = Machine::new("bob", &server);
    assert_eq!(bob.synced().taken, 12);
}

#[test]
fn a_restored_ledger_takes_back_that_it_had_shared_what_it_has() {
    let server = Server::start();
    let mut ada = Machine::private("ada", &server);
    consent::enable(&ada.session, &consent::Which::Named(Vec::new())).unwrap();
    ada.discover(1);
    ada.change(1, 2);
    ada.discover(2);
    let copy = backup(&ada);
    ada.change(1, 1);
    consent::share(&ada.session, &consent::Which::All).unwrap();
    assert_eq!(ada.synced().sent, 5);
    let before = ada.shared();
    let now = ada.session.clock.now();
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    assert_eq!(ada.shared(), []);
    assert_eq!((ada.synced().sent, ada.shared()), (0, before));
    ada.assert_sound();
    // Consent is as it was when the backup was taken.
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 0);
    consent::share(&ada.session, &consent::Which::All).unwrap();
    assert_eq!(ada.synced().sent, 1);
    let bob = Machine::new("bob", &server);
    assert_eq!(bob.synced().taken, 6);
    assert_eq!(bob.shared(), ada.shared());
    ada.assert_sound();
}

#[test]
fn a_restored_ledger_shares_nothing_before_it_knows_what_it_had_shared() {
    let server = Server::start();
    let mut ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    // Found and not shared yet, when the backup is taken and something else comes first.
    ada.discover(2);
    let copy = backup(&ada);
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 2);
    let before = ada.shared();
    let now = ada.session.clock.now();
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    assert_eq!((ada.synced().sent, ada.shared()), (0, before));
    ada.change(2, 1);
    assert_eq!(ada.synced().sent, 1);
    ada.assert_sound();
}

#[test]
fn what_is_released_in_a_restored_ledger_waits_until_it_knows_what_it_had_shared() {
    let server = Server::start();
    let mut ada = Machine::private("ada", &server);
    ada.discover(1);
    consent::enable(&ada.session, &consent::Which::All).unwrap();
    ada.synced();
    // Found and not shared yet, when the backup is taken and something else comes first.
    ada.discover(2);
    let copy = backup(&ada);
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 2);
    let before = ada.shared();
    let now = ada.session.clock.now();
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    // By other processes, with no engine that asks first.
    let beside = ada.beside();
    for _ in 0..2 {
        let released = consent::share(&beside, &consent::Which::All).unwrap();
        assert_eq!((released.streams, released.events, released.waiting), (0, 0, 1));
    }
    ada.discover(3);
    consent::follow(&beside).unwrap();
    assert_eq!(ada.shared().len(), 1);
    // Once the server has told, what waits is shared behind what came back.
    assert_eq!(ada.synced().sent, 1);
    let after = ada.shared();
    assert_eq!((&after[..3], after.len()), (&before[..], 4));
    ada.discover(4);
    assert_eq!(consent::share(&ada.session, &consent::Which::All).unwrap().streams, 1, "and nothing waits any more");
    assert_eq!(ada.synced().sent, 1);
    ada.assert_sound();
}

#[test]
fn what_a_lost_ledger_records_anew_waits_until_it_has_its_own_back() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let key = format!("{}.key", ada.session.store.path().display());
    let mut carol = Machine::at("carol", &ada.place);
    carol.transform(|session| drop(origin::adopt(session, Path::new(&key)).unwrap()));
    consent::enable(&carol.session, &consent::Which::All).unwrap();
    carol.discover(2);
    assert_eq!(consent::share(&carol.session, &consent::Which::All).unwrap().waiting, 1);
    carol.synced();
    assert_eq!((carol.shared().len(), &carol.shared()[..1]), (2, &ada.shared()[..]));
}

#[test]
fn a_copied_ledger_that_went_on_by_itself_is_blocked_and_harms_nobody() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copy = folder.path().join("ledger.db");
    ada.session.store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).unwrap();
    copy_key(ada.session.store.path(), &copy);
    let who = Who { host: "ada".to_owned(), user: "ada".to_owned() };
    let twin = ledger::open(&copy, who, cim_domain_nix::app::clock::Clock::system()).unwrap();
    ada.change(1, 1);
    ada.synced();
    super::machine::record_change(&twin, ada.flake(1), 3);
    let stop = AtomicBool::new(false);
    let outcome = engine::run(&twin, &ada.place, &Link::default(), Until::Synced, &stop).unwrap();
    assert_eq!(outcome.status.reason.as_deref(), Some("forked"), "{outcome:?}");
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 1, "the first one goes on");
    assert_eq!(bob.synced().taken, 3);
    assert_eq!(bob.shared(), ada.shared());
}

#[test]
fn what_a_restored_ledger_has_forked_from_is_another_line_that_our_key_signed() {
    let server = Server::start();
    let (mut ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let copy = backup(&ada);
    ada.change(1, 2);
    ada.synced();
    ada.change(1, 1);
    ada.synced();
    bob.synced();
    ada.replace(|path| drop(restore(&copy, path, true, 1).unwrap()));
    ada.change(1, 1);
    let outcome = ada.sync();
    let status = &outcome.status;
    let why = "event 3 of this origin is another one on the exchange, signed by our key";
    assert_eq!((status.reason.as_deref(), status.last_error.as_deref()), (Some("forked"), Some(why)), "{outcome:?}");
    let compared = verify::verify(&ada.session, &ada.place).unwrap();
    assert_eq!((compared[0].same, &*compared[0].different, compared[0].only_there), (1, &[2][..], 2), "{compared:?}");
    assert_eq!(compared[0].unproved, Vec::<i64>::new());
    assert!(verify::verify(&bob.session, &bob.place).unwrap().iter().all(verify::Compared::is_good));
}

fn copy_key(from: &Path, to: &Path) {
    let key = |path: &Path| format!("{}.key", path.display());
    std::fs::copy(key(from), key(to)).unwrap();
}

#[test]
fn a_copy_that_forks_becomes_an_origin_of_its_own() {
    let server = Server::start();
    let mut ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 2);
    ada.synced();
    let old = ada.session.store.origin().public_key.clone();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    let new = ada.session.store.origin().public_key.clone();
    assert_ne!(old, new);
    ada.discover(1);
    assert_eq!(ada.synced().sent, 1, "what the old origin had shared is not sent again");
    ada.assert_sound();
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(bob.count("SELECT count(*) FROM v1_flakes"), 2, "one of each origin");
}

#[test]
fn a_lost_ledger_is_filled_again_from_its_key_alone() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    // Batches that end elsewhere than what is read at a time.
    for number in 0..3 {
        ada.discover(number);
        ada.change(number, 250);
        ada.synced();
    }
    let key = format!("{}.key", ada.session.store.path().display());
    let mut carol = Machine::at("carol", &ada.place);
    // It has even taken the lost one's events in as another machine's.
    carol.synced();
    carol.transform(|session| drop(origin::adopt(session, Path::new(&key)).unwrap()));
    assert_eq!(carol.session.store.origin().public_key, ada.session.store.origin().public_key);
    carol.synced();
    assert_eq!(carol.shared(), ada.shared());
    let mut dave = Machine::at("dave", &ada.place);
    dave.transform(|session| drop(origin::adopt(session, Path::new(&key)).unwrap()));
    dave.synced();
    assert_eq!(dave.shared(), ada.shared());
    dave.change(1, 1);
    let again = key.clone();
    dave.transform(|session| drop(origin::adopt(session, Path::new(&again)).unwrap()));
    let mut eve = Machine::at("eve", &ada.place);
    eve.discover(1);
    eve.transform(|session| {
        let refused = origin::adopt(session, Path::new(&key)).unwrap_err();
        assert!(refused.to_string().contains("1 events of its own"), "{refused}");
    });
}

#[test]
fn whoever_had_a_ledger_open_that_was_forked_meanwhile_delivers_nothing_more() {
    let server = Server::start();
    let mut ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let before = ada.shared();
    origin::fork(ada.beside()).unwrap();
    let error =
        engine::run(&ada.session, &ada.place, &Link::default(), Until::Synced, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, SyncError::Store(StoreError::OriginChanged { .. })), "{error}");
    assert_eq!(ada.shared(), before);
    ada.transform(drop);
    ada.discover(2);
    assert_eq!(ada.synced().sent, 1);
    ada.assert_sound();
}

#[test]
fn a_ledger_does_not_become_another_one_by_an_import_while_its_events_are_exchanged() {
    let server = Server::start();
    let (ada, eve) = (Machine::new("ada", &server), Machine::new("eve", &server));
    ada.discover(1);
    let export = |machine: &Machine| {
        let to = machine.folder().join("export.jsonl");
        machine.session.store.export(&mut std::fs::File::create(&to).unwrap(), &to).unwrap();
        to
    };
    let (foreign, own) = (export(&ada), export(&eve));
    let running = eve.start();
    eve.until("holds the lease", |report| report.holder.is_some());
    let refused = upkeep::import(eve.beside(), upkeep::Export::open(&foreign).unwrap()).unwrap_err();
    assert!(matches!(refused, AppError::Delivering { .. }), "{refused}");
    assert!(!upkeep::import(eve.beside(), upkeep::Export::open(&own).unwrap()).unwrap().adopted);
    running.stop();
    assert!(upkeep::import(eve.beside(), upkeep::Export::open(&foreign).unwrap()).unwrap().adopted);
}

//! What leaves follows what was agreed to, also where a flake is carried elsewhere, a root is forgotten, or a ledger changes
//! hands.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};
use cim_domain_nix::app::{origin, roots};

use super::machine::Machine;
use crate::nats::Server;

/// A machine with two roots, of which one is shared; a flake with a module and a problem lies below it.
struct Two {
    ada: Machine,
    folder: tempfile::TempDir,
}

impl Two {
    fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let two = Self { ada: Machine::new("ada", server), folder };
        for root in ["shared", "private"] {
            fs::create_dir(two.at(root)).unwrap();
        }
        two.write("shared/x", "one");
        two.scan();
        consent::share(&two.ada.session, &Which::Named(vec![two.at("shared")])).unwrap();
        consent::share_findings(&two.ada.session).unwrap();
        two
    }

    fn at(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    /// Writes a flake; its input without a value is a problem.
    fn write(&self, flake: &str, word: &str) {
        let flake = self.at(flake);
        fs::create_dir_all(&flake).unwrap();
        let text = format!("{{ description = \"{word}\"; inputs.{word}.url = ; outputs = _: {{ }}; }}");
        fs::write(flake.join("flake.nix"), text).unwrap();
        fs::write(flake.join("web.nix"), format!("{{ config, lib, ... }}: {{ services.{word}.enable = true; }}"))
            .unwrap();
    }

    fn scan(&self) {
        let paths = vec![self.at("shared"), self.at("private")];
        let request = ScanRequest { paths, threads: 1, modules: true, ..ScanRequest::default() };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    }

    /// How many events are recorded, and how many are to leave or have left.
    fn events(&self) -> (i64, i64) {
        (self.ada.count("SELECT count(*) FROM events"), self.ada.count("SELECT count(*) FROM outbox"))
    }

    fn private_streams(&self) -> Vec<String> {
        let reader = self.ada.session.store.reader().unwrap();
        let mut statement = reader.prepare("SELECT stream FROM streams WHERE shared = 0").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn shared_streams(&self) -> i64 {
        self.ada.count("SELECT count(*) FROM streams WHERE shared = 1")
    }
}

#[test]
fn a_flake_that_is_carried_into_a_private_root_is_private_from_there_on() {
    let server = Server::start();
    let two = Two::new(&server);
    two.ada.synced();
    let (recorded, left) = two.events();
    assert!(left >= 3 && left == recorded, "{recorded} {left}");
    fs::rename(two.at("shared/x"), two.at("private/x")).unwrap();
    two.scan();
    let moved = two.ada.count("SELECT count(*) FROM events WHERE type = 'flake.moved'");
    assert_eq!((moved, two.events().1), (1, left), "not even where it went");
    two.write("private/x", "two");
    two.scan();
    assert_eq!(two.ada.synced().sent, 0);
    assert!(two.events().0 > recorded + 2 && two.events().1 == left, "{:?}", two.events());
    two.ada.assert_sound();
    // With its root it is shared again, whole.
    consent::share(&two.ada.session, &Which::All).unwrap();
    assert_eq!(two.events().0, two.events().1);
    two.ada.assert_sound();
}

#[test]
fn a_flake_that_is_carried_below_its_shared_root_stays_shared() {
    let server = Server::start();
    let two = Two::new(&server);
    fs::rename(two.at("shared/x"), two.at("shared/y")).unwrap();
    two.scan();
    let moved = "SELECT count(*) FROM outbox b JOIN events e USING (position) WHERE e.type = 'flake.moved'";
    assert_eq!(two.ada.count(moved), 1);
}

#[test]
fn a_root_that_was_forgotten_is_private_when_it_is_watched_again() {
    let server = Server::start();
    let two = Two::new(&server);
    let (_, left) = two.events();
    roots::forget(&two.ada.session, &two.at("shared")).unwrap();
    two.write("shared/x", "two");
    two.scan();
    two.ada.synced();
    assert!(two.events().0 > left && two.events().1 == left, "{:?}", two.events());
    two.ada.assert_sound();
}

#[test]
fn what_comes_back_to_a_ledger_with_another_ones_key_is_shared_further_only_when_that_is_agreed_to() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let key = format!("{}.key", ada.session.store.path().display());
    for knows_it_already in [false, true] {
        let mut carol = Machine::private("carol", &server);
        consent::enable(&carol.session, &Which::Named(Vec::new())).unwrap();
        if knows_it_already {
            carol.synced();
        }
        carol.transform(|session| drop(origin::adopt(session, Path::new(&key)).unwrap()));
        consent::enable(&carol.session, &Which::Named(Vec::new())).unwrap();
        carol.synced();
        assert_eq!(carol.state_hash(), ada.state_hash());
        carol.change(1, 2);
        assert_eq!((carol.synced().sent, carol.shared().len()), (0, 1));
        carol.assert_sound();
    }
}

#[test]
fn nobody_withdraws_consent_between_the_question_and_the_answer() {
    let server = Server::start();
    let two = Two::new(&server);
    // Found, and not shared yet.
    two.write("shared/y", "one");
    two.scan();
    let names = two.private_streams();
    assert!(!names.is_empty());
    let other = two.ada.beside();
    let (told, withdrawn) = std::sync::mpsc::channel();
    two.ada
        .session
        .store
        .settle_consent(Vec::new(), move |_| {
            // The question is answered, and nothing is done yet.
            let told_when_done = told.clone();
            std::thread::spawn(move || {
                consent::unshare(&other, &Which::All).unwrap();
                told_when_done.send(()).unwrap();
            });
            std::thread::sleep(Duration::from_millis(300));
            Ok(names.iter().map(|name| name.parse().unwrap()).collect())
        })
        .unwrap();
    withdrawn.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(two.shared_streams(), 0);
}

#[test]
fn what_a_root_held_is_private_from_the_moment_it_is_unshared_whoever_looks_for_more_to_share() {
    let server = Server::start();
    let two = Two::new(&server);
    let (other, over, looked) = (two.ada.beside(), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                consent::share(&other, &Which::Named(Vec::new())).unwrap();
                looked.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 0..60 {
            consent::share(&two.ada.session, &Which::All).unwrap();
            consent::unshare(&two.ada.session, &Which::All).unwrap();
            // Whoever was looking at that moment comes to its end meanwhile.
            let then = looked.load(Ordering::Relaxed);
            let mut left = 0;
            while looked.load(Ordering::Relaxed) < then + 2 && left == 0 {
                left = two.shared_streams();
            }
            over.fetch_or(left > 0, Ordering::Relaxed);
            assert_eq!(left, 0, "round {round}");
        }
        over.store(true, Ordering::Relaxed);
    });
    two.ada.assert_sound();
}

#[test]
fn what_waits_of_streams_that_are_private_again_is_counted() {
    let server = Server::start();
    let two = Two::new(&server);
    let waiting = || consent::waiting(&two.ada.session).unwrap();
    let (_, shared) = two.events();
    assert_eq!((waiting().all, waiting().private), (shared.unsigned_abs(), 0));
    consent::unshare(&two.ada.session, &Which::All).unwrap();
    assert_eq!(waiting().private, waiting().all, "nothing was sent yet");
    assert_eq!(two.ada.synced().sent, shared.unsigned_abs(), "it is sent all the same");
    assert_eq!((waiting().all, waiting().private), (0, 0));
    two.write("shared/x", "two");
    two.scan();
    assert_eq!(waiting().all, 0, "what came after it was private stays");
}

#[test]
fn an_export_carries_no_consent() {
    let server = Server::start();
    let two = Two::new(&server);
    consent::unshare(&two.ada.session, &Which::All).unwrap();
    two.write("shared/x", "two");
    two.scan();
    let (recorded, left) = two.events();
    assert!(recorded > left);
    let export = two.at("export.jsonl");
    two.ada.session.store.export(&mut fs::File::create(&export).unwrap(), &export).unwrap();
    let mut copy = Machine::private("copy", &server);
    copy.transform(|session| assert!(session.store.import(&export).unwrap().adopted));
    assert_eq!(copy.count("SELECT count(*) FROM events"), recorded);
    assert_eq!(copy.count("SELECT count(*) FROM outbox"), left);
    assert_eq!(copy.count("SELECT count(*) FROM streams WHERE shared = 1"), 0);
    // An export holds no key.
    let key = |machine: &Machine| format!("{}.key", machine.session.store.path().display());
    fs::copy(key(&two.ada), key(&copy)).unwrap();
    copy.assert_sound();
}

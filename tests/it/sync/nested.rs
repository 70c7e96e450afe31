//! Roots in roots: the innermost decides what leaves.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::roots;
use cim_domain_nix::app::scan::{ScanReport, ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};

use super::machine::Machine;
use crate::nats::Server;

/// A machine with the flakes `a/x` and `a/b/y`.
struct Nested {
    ada: Machine,
    folder: tempfile::TempDir,
}

impl Nested {
    fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let nested = Self { ada: Machine::new("ada", server), folder };
        for flake in ["a/x", "a/b/y"] {
            nested.write(flake, "first");
        }
        nested
    }

    fn at(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    /// Writes a flake with a module that sets one option.
    fn write(&self, flake: &str, word: &str) {
        let flake = self.at(flake);
        fs::create_dir_all(&flake).unwrap();
        fs::write(flake.join("flake.nix"), format!("{{ description = \"{word}\"; outputs = _: {{ }}; }}")).unwrap();
        fs::write(flake.join("web.nix"), format!("{{ config, lib, ... }}: {{ services.{word}.enable = true; }}"))
            .unwrap();
    }

    fn scan(&self, places: &[&str]) -> ScanReport {
        self.scan_all(places.iter().map(|place| self.at(place)).collect())
    }

    fn scan_all(&self, paths: Vec<PathBuf>) -> ScanReport {
        let request = ScanRequest { paths, threads: 1, modules: true, ..ScanRequest::default() };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap()
    }

    /// Makes a directory a root; how many streams are private by that.
    fn add(&self, place: &str) -> usize {
        roots::add(&self.ada.session, &self.at(place)).unwrap().withdrawn
    }

    fn which(&self, place: &str) -> Which {
        Which::Named(vec![self.at(place)])
    }

    fn share(&self, place: &str) {
        consent::share(&self.ada.session, &self.which(place)).unwrap();
    }

    fn unshare(&self, place: &str) -> usize {
        consent::unshare(&self.ada.session, &self.which(place)).unwrap()
    }

    /// Changes a flake, lets the machine see and send it, and says how many of the new events are private.
    fn kept_of(&self, flake: &str, word: &str) -> i64 {
        let private = "SELECT count(*) FROM events WHERE position NOT IN (SELECT position FROM outbox)";
        let before = self.ada.count(private);
        self.write(flake, word);
        let roots = roots::list(&self.ada.session).unwrap().into_iter().map(|root| root.path);
        let there: Vec<_> = roots.filter(|root| root.starts_with(self.folder.path())).collect();
        assert_eq!(self.scan_all(there).events, 2, "a description and an option");
        self.ada.synced();
        self.ada.count(private) - before
    }
}

#[test]
fn a_private_root_in_a_shared_one_is_private_in_whichever_order_that_was_said() {
    let server = Server::start();
    let before = Nested::new(&server);
    before.scan(&["a"]);
    assert_eq!(before.add("a/b"), 0);
    before.share("a");
    let after = Nested::new(&server);
    after.scan(&["a"]);
    after.share("a");
    assert_eq!(after.add("a/b"), 2, "a flake and its module were shared until now");
    for nested in [before, after] {
        assert_eq!(nested.unshare("a/b"), 0, "it was never shared by itself");
        assert_eq!(nested.kept_of("a/b/y", "second"), 2);
        assert_eq!(nested.kept_of("a/x", "second"), 0);
        nested.ada.assert_sound();
        // Shared by its name it is whole.
        nested.share("a/b");
        assert_eq!(nested.kept_of("a/b/y", "third"), 0);
        let private = "SELECT count(*) FROM events WHERE type NOT LIKE 'finding.%' \
                       AND position NOT IN (SELECT position FROM outbox)";
        assert_eq!(nested.ada.count(private), 0);
        assert!(nested.unshare("a/b") > 0);
        assert_eq!((nested.kept_of("a/b/y", "fourth"), nested.kept_of("a/x", "fourth")), (2, 0));
        nested.ada.assert_sound();
    }
}

#[test]
fn a_shared_root_in_a_private_one_shares_itself_alone() {
    let server = Server::start();
    let nested = Nested::new(&server);
    nested.scan(&["a/b"]);
    nested.share("a/b");
    nested.scan(&["a"]);
    assert_eq!((nested.kept_of("a/b/y", "second"), nested.kept_of("a/x", "second")), (0, 2));
    nested.share("a");
    nested.unshare("a");
    assert_eq!((nested.kept_of("a/b/y", "third"), nested.kept_of("a/x", "third")), (0, 2));
}

#[test]
fn a_directory_that_is_scanned_in_a_shared_root_is_no_root_and_stays_shared() {
    let server = Server::start();
    let nested = Nested::new(&server);
    nested.scan(&["a"]);
    nested.share("a");
    nested.scan(&["a/b"]);
    assert_eq!(roots::list(&nested.ada.session).unwrap().len(), 2, "`a`, and the one of every machine");
    assert_eq!(nested.kept_of("a/b/y", "second"), 0);
}

#[test]
fn what_was_a_private_root_in_a_shared_one_stays_private_when_it_is_none_any_more() {
    let server = Server::start();
    let nested = Nested::new(&server);
    nested.scan(&["a"]);
    nested.add("a/b");
    nested.share("a");
    roots::forget(&nested.ada.session, &nested.at("a/b")).unwrap();
    assert_eq!((nested.kept_of("a/b/y", "second"), nested.kept_of("a/x", "second")), (2, 0));
    // A root around both brings it back no more than the shared one did.
    nested.scan(&["."]);
    assert_eq!((nested.kept_of("a/b/y", "third"), nested.kept_of("a/x", "third")), (2, 0));
    nested.add("a/b");
    nested.share("a/b");
    assert_eq!(nested.kept_of("a/b/y", "fourth"), 0);
}

#[test]
fn a_private_root_inside_a_shared_flake_keeps_the_files_below_it() {
    let server = Server::start();
    let nested = Nested::new(&server);
    fs::create_dir(nested.at("a/x/secret")).unwrap();
    let module = |word: &str| {
        let text = format!("{{ config, lib, ... }}: {{ services.{word}.enable = true; }}");
        fs::write(nested.at("a/x/secret/web.nix"), text).unwrap();
        nested.scan(&["a"]);
    };
    module("first");
    nested.add("a/x/secret");
    nested.share("a");
    module("second");
    assert_eq!(nested.kept_of("a/x", "second"), 0);
    let left = "SELECT count(*) FROM outbox b JOIN events e USING (position) WHERE e.payload LIKE '%secret%'";
    assert_eq!(nested.ada.count(left), 0);
    nested.share("a/x/secret");
    assert!(nested.ada.count(left) >= 2);
}

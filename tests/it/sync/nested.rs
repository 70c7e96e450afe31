//! Roots in roots: the innermost decides what leaves.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::scan::{ScanReport, ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};
use cim_domain_nix::app::{forget, roots};
use cim_domain_nix::store::view;

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

/// A machine whose flake has a configuration, with users whom `secret/users.nix` alone names.
struct Configured(Nested);

impl Configured {
    fn new(server: &Server, modules: &str) -> Self {
        let configured = Self(Nested::new(server));
        fs::create_dir(configured.0.at("a/x/secret")).unwrap();
        let users = "{ users.users.mallory.isNormalUser = true; services.openssh.enable = true; }";
        configured.put("secret/users.nix", users);
        configured.name(modules);
        configured
    }

    fn put(&self, file: &str, text: &str) {
        fs::write(self.0.at("a/x").join(file), text).unwrap();
    }

    /// Says which modules the configuration has.
    fn name(&self, modules: &str) {
        let hosts = format!("nixosConfigurations.desk = nixpkgs.lib.nixosSystem {{ modules = [ {modules} ]; }};");
        self.put("flake.nix", &format!("{{ outputs = {{ self, nixpkgs }}: {{ {hosts} }}; }}"));
    }

    /// Sees and sends everything; how many events name these users, and how many of them have left.
    fn told(&self) -> (i64, i64) {
        self.0.scan(&["a"]);
        self.0.ada.synced();
        self.0.ada.assert_sound();
        let events = "SELECT count(*) FROM events WHERE type LIKE 'config.%' AND (payload LIKE '%mallory%' OR payload LIKE '%wendy%')";
        (self.0.ada.count(events), self.0.ada.count(&format!("{events} AND position IN (SELECT position FROM outbox)")))
    }

    /// How many events of configurations have left.
    fn left(&self) -> i64 {
        self.0.ada.count("SELECT count(*) FROM outbox JOIN events USING (position) WHERE stream LIKE 'config/%'")
    }
}

#[test]
fn a_configuration_that_takes_in_a_file_of_a_private_root_is_private_with_it() {
    let server = Server::start();
    let configured = Configured::new(&server, "./web.nix ./secret/users.nix");
    configured.0.scan(&["a"]);
    configured.0.add("a/x/secret");
    configured.0.share("a");
    assert_eq!((configured.told(), configured.left()), ((1, 0), 0), "and the user has it whole");
    configured.put("secret/users.nix", "{ users.users.wendy.isNormalUser = true; }");
    assert_eq!(configured.told(), (2, 0));
    // What it took in is in its past, which is shared with it.
    configured.name("./web.nix");
    assert_eq!(configured.told(), (3, 0));
    configured.0.share("a/x/secret");
    assert_eq!(configured.told(), (3, 3));
}

#[test]
fn a_configuration_is_private_from_the_event_on_in_which_it_comes_to_name_a_private_file() {
    let server = Server::start();
    let configured = Configured::new(&server, "./web.nix");
    configured.0.scan(&["a"]);
    configured.0.add("a/x/secret");
    configured.0.share("a");
    assert_eq!((configured.told(), configured.left()), ((0, 0), 1));
    // One that is not private goes on being shared.
    configured.put("more.nix", "{ services.nginx.enable = true; }");
    configured.name("./web.nix ./more.nix");
    assert_eq!((configured.told(), configured.left()), ((0, 0), 2));
    // By the file itself, and by one that imports it.
    configured.put("more.nix", "{ imports = [ ./secret/users.nix ]; services.nginx.enable = true; }");
    assert_eq!((configured.told(), configured.left()), ((1, 0), 2));
    configured.put("secret/users.nix", "{ users.users.wendy.isNormalUser = true; }");
    assert_eq!((configured.told(), configured.left()), ((2, 0), 2));
}

#[test]
fn a_configuration_is_private_from_the_moment_on_at_which_what_it_takes_in_becomes_so() {
    let server = Server::start();
    let configured = Configured::new(&server, "./web.nix ./secret/users.nix");
    configured.0.scan(&["a"]);
    configured.0.share("a");
    assert_eq!(configured.told(), (1, 1), "all of it is shared until then");
    assert_eq!(configured.0.add("a/x/secret"), 2, "the module, and the configuration that has it");
    configured.put("secret/users.nix", "{ users.users.wendy.isNormalUser = true; }");
    assert_eq!(configured.told(), (2, 1));
}

#[test]
fn a_configuration_of_which_not_every_file_is_known_is_private_where_a_root_inside_its_flake_is() {
    let server = Server::start();
    let configured = Configured::new(&server, "./web.nix ./all");
    fs::create_dir(configured.0.at("a/x/all")).unwrap();
    let services: Vec<String> = (0..2_100).map(|number| format!("services.s{number}.enable = true;")).collect();
    let services = services.join(" ");
    configured.put("all/default.nix", &format!("{{ {services} imports = [ ../secret/users.nix ]; }}"));
    configured.0.scan(&["a"]);
    configured.0.add("a/b");
    configured.0.share("a");
    assert_eq!(configured.told(), (1, 1), "no private root is inside it");
    fs::create_dir(configured.0.at("a/x/empty")).unwrap();
    assert_eq!(configured.0.add("a/x/empty"), 1, "its configuration");
}

#[test]
fn a_shared_root_inside_a_private_flake_shares_nothing_without_the_flake() {
    let server = Server::start();
    let nested = Nested::new(&server);
    fs::create_dir(nested.at("a/x/lib")).unwrap();
    fs::write(nested.at("a/x/lib/web.nix"), "{ config, lib, ... }: { services.nginx.enable = true; }").unwrap();
    nested.scan(&["a"]);
    nested.add("a/x/lib");
    let released = consent::share(&nested.ada.session, &nested.which("a/x/lib")).unwrap();
    assert_eq!((released.streams, released.events), (0, 0));
    nested.share("a");
    nested.unshare("a/x/lib");
    assert_eq!(nested.ada.count("SELECT count(*) FROM streams WHERE shared = 0 AND stream LIKE 'module/%'"), 1);
}

#[test]
fn what_lies_in_a_private_flake_and_in_no_stream_of_it_is_private_with_it_in_whichever_order_that_came() {
    let server = Server::start();
    let nested = Nested::new(&server);
    let lib = nested.at("a/x/lib");
    fs::create_dir_all(lib.join("npins")).unwrap();
    let pin = |name: &str| {
        let text =
            format!(r#"{{"pins": {{"{name}": {{"type": "Tarball", "url": "https://x.example"}}}}, "version": 5}}"#);
        fs::write(lib.join("npins/sources.json"), text).unwrap();
        nested.scan(&["a"]).events
    };
    fs::write(lib.join("flake.lock"), "{ }").unwrap();
    assert!(pin("first") > 0);
    nested.add("a/x/lib");
    let released = consent::share(&nested.ada.session, &nested.which("a/x/lib")).unwrap();
    assert_eq!((released.streams, released.events), (0, 0));
    assert_eq!(consent::share_findings(&nested.ada.session).unwrap().streams, 0, "of the lock without a flake");
    // Forgotten, it is no less private, nor when it comes back.
    let left = "SELECT count(*) FROM outbox";
    let flake = view::known_flakes(&nested.ada.session.store.reader().unwrap()).unwrap();
    let flake = flake.iter().find(|flake| flake.directory.to_path() == nested.at("a/x")).unwrap().id;
    forget::forget(&nested.ada.session, flake).unwrap();
    assert_eq!(pin("second"), 0);
    nested.scan(&["a/x"]);
    assert_eq!((pin("third"), nested.ada.count(left)), (1, 0));
    // Without a flake around it, it is a file of the shared root; when there is one again, it is not.
    fs::rename(nested.at("a/x/flake.nix"), nested.at("flake.nix")).unwrap();
    nested.scan(&["a"]);
    pin("fourth");
    let shared = nested.ada.count(left);
    assert!(shared >= 4, "the file with its past");
    fs::rename(nested.at("flake.nix"), nested.at("a/x/flake.nix")).unwrap();
    assert!(pin("fifth") > 1);
    assert_eq!(pin("sixth"), 1);
    assert_eq!(
        nested.ada.count("SELECT count(*) FROM outbox JOIN events USING (position) WHERE type = 'pins.updated'"),
        3
    );
    // Shared with the flake it is whole again.
    nested.share("a");
    assert_eq!(nested.ada.count("SELECT count(*) FROM streams WHERE shared = 0 AND stream LIKE 'pins/%'"), 0);
}

#[test]
fn what_an_earlier_release_left_shared_is_private_before_a_scan_records_more_of_it() {
    let server = Server::start();
    let nested = Nested::new(&server);
    nested.scan(&["a"]);
    nested.share("a");
    assert_eq!(nested.add("a/b"), 2);
    let (shared, left) = ("SELECT count(*) FROM streams WHERE shared = 1", "SELECT count(*) FROM outbox");
    let are = nested.ada.count(shared);
    // It shared a root inside a shared one with that.
    let raw = rusqlite::Connection::open(nested.ada.session.store.path()).unwrap();
    raw.execute("UPDATE streams SET shared = 1 WHERE stream NOT LIKE 'finding/%'", []).unwrap();
    assert_eq!(nested.ada.count(shared), are + 2);
    let before = nested.ada.count(left);
    nested.write("a/b/y", "second");
    assert_eq!(nested.scan(&["a"]).events, 2);
    assert_eq!((nested.ada.count(shared), nested.ada.count(left)), (are, before));
}

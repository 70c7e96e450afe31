//! What is private stays so where it is renamed to, and what is shared goes on.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::edit::{self, Locking, Operation, Writing};
use cim_domain_nix::app::roots;
use cim_domain_nix::app::scan::{ScanReport, ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};

use super::machine::Machine;
use crate::nats::Server;

/// A machine that shares the directory `s`, and one that hears of it.
pub(super) struct Renamed {
    pub(super) ada: Machine,
    bob: Machine,
    folder: tempfile::TempDir,
}

impl Renamed {
    pub(super) fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(folder.path().join("s")).unwrap();
        Self { ada: Machine::new("ada", server), bob: Machine::new("bob", server), folder }
    }

    /// With the flake `s/f`, of which `s/f/sub` is private.
    fn with_a_private_part(server: &Server) -> Self {
        let renamed = Self::new(server);
        renamed.write("s/f/mod.nix", "{ users.users.wendy.isNormalUser = true; }");
        renamed.write("s/f/sub/mod.nix", "{ users.users.mallory.isNormalUser = true; }");
        renamed.write("s/f/flake.nix", &configured("./mod.nix ./sub/mod.nix"));
        renamed.add("s");
        renamed.add("s/f/sub");
        renamed.share("s");
        renamed.scan(&["s"]);
        assert_eq!(renamed.told("mallory"), 0);
        assert!(renamed.told("wendy") > 0);
        renamed
    }

    pub(super) fn at(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.at(file).parent().unwrap()).unwrap();
        fs::write(self.at(file), text).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    pub(super) fn add(&self, place: &str) {
        roots::add(&self.ada.session, &self.at(place)).unwrap();
    }

    pub(super) fn forget(&self, place: &str) {
        roots::forget(&self.ada.session, &self.at(place)).unwrap();
    }

    pub(super) fn share(&self, place: &str) {
        consent::share(&self.ada.session, &Which::Named(vec![self.at(place)])).unwrap();
    }

    pub(super) fn scan(&self, places: &[&str]) -> ScanReport {
        let paths = places.iter().map(|place| self.at(place)).collect();
        let request = ScanRequest { paths, threads: 1, modules: true, ..ScanRequest::default() };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap()
    }

    pub(super) fn rm(&self, place: &str) {
        fs::remove_dir_all(self.at(place)).unwrap();
    }

    /// Adds an input to a flake as the program does.
    pub(super) fn edit(&self, place: &str, name: &str) {
        let input = Operation::AddInput { name: name.to_owned(), url: format!("path:./{name}"), flake: true };
        let draft = edit::draft(&self.at(place), "add_input", &[input]).unwrap();
        let scan = ScanRequest { modules: true, threads: 1, ..ScanRequest::default() };
        let writing = Writing { session: Some(&self.ada.session), scan: &scan, locking: Locking::Never, search: None };
        edit::write(&draft, &writing).unwrap();
        consent::follow(&self.ada.session).unwrap();
    }

    /// How many events that name something the other machine has, once this one has sent all that it shares.
    pub(super) fn told(&self, name: &str) -> i64 {
        self.ada.synced();
        self.ada.assert_sound();
        self.bob.synced();
        let origin = &self.ada.session.store.origin().public_key;
        self.bob.count(&format!(
            "SELECT count(*) FROM events e JOIN origins o ON o.id = e.origin WHERE o.public_key = '{origin}' AND e.payload LIKE '%{name}%'"
        ))
    }

    /// The roots below the folder, and whether each is shared.
    fn roots(&self) -> Vec<(String, bool)> {
        let roots = roots::list(&self.ada.session).unwrap().into_iter();
        let below = roots.filter_map(|root| {
            Some((root.path.strip_prefix(self.folder.path()).ok()?.to_str()?.to_owned(), root.shared))
        });
        below.collect()
    }

    /// No scan says of a root below the folder that it is not there.
    fn assert_nothing_is_missed(&self) {
        let problems =
            self.scan(&[]).problems.into_iter().filter(|problem| problem.path.starts_with(self.folder.path()));
        let missed: Vec<_> =
            problems.filter(|problem| ["unreadable", "not-reachable"].contains(&&*problem.code)).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    pub(super) fn assert_roots(&self, roots: &[(&str, bool)]) {
        let roots: Vec<(String, bool)> = roots.iter().map(|(path, shared)| ((*path).to_owned(), *shared)).collect();
        assert_eq!(self.roots(), roots);
    }
}

pub(super) fn configured(modules: &str) -> String {
    format!(
        "{{ outputs = {{ self, nixpkgs }}: {{ nixosConfigurations.desk = nixpkgs.lib.nixosSystem {{ modules = [ {modules} ]; }}; }}; }}"
    )
}

#[test]
fn a_private_root_inside_a_flake_goes_along_when_the_flake_is_renamed() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    renamed.rename("s/f", "s/g");
    let report = renamed.scan(&["s"]);
    assert_eq!(report.roots_moved.len(), 1);
    assert_eq!(
        (&report.roots_moved[0].from, &report.roots_moved[0].to),
        (&renamed.at("s/f/sub"), &renamed.at("s/g/sub"))
    );
    assert_eq!(renamed.told("mallory"), 0);
    assert_eq!(renamed.told("flake.moved") + renamed.told("/s/g"), 1, "the flake is shared where it went");
    renamed.assert_roots(&[("s", true), ("s/g/sub", false)]);
    // What is recorded from here on is as private, and what is shared goes on.
    let wendy = renamed.told("wendy");
    renamed.write("s/g/sub/mod.nix", "{ users.users.mallory.isNormalUser = true; services.mallory.enable = true; }");
    renamed.write("s/g/mod.nix", "{ users.users.wendy.isNormalUser = true; services.wendy.enable = true; }");
    assert_eq!(renamed.scan(&[]).roots_moved, []);
    renamed.assert_nothing_is_missed();
    assert_eq!(renamed.told("mallory"), 0);
    assert!(renamed.told("wendy") > wendy);
    // Back where it was.
    renamed.rename("s/g", "s/f");
    renamed.scan(&[]);
    renamed.assert_roots(&[("s", true), ("s/f/sub", false)]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.share("s/f/sub");
    assert!(renamed.told("mallory") >= 3, "the module and the configuration, with their past");
}

#[test]
fn what_was_a_root_inside_a_flake_goes_along_as_well() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    renamed.forget("s/f/sub");
    renamed.rename("s/f", "s/g");
    let report = renamed.scan(&["s"]);
    assert!(report.roots_moved.len() == 1 && report.roots_moved[0].is_forgotten, "{:?}", report.roots_moved);
    renamed.scan(&["s"]);
    assert_eq!(renamed.told("mallory"), 0);
    assert!(renamed.told("/s/g") > 0);
    renamed.assert_roots(&[("s", true)]);
    renamed.add("s/g/sub");
    renamed.share("s/g/sub");
    assert!(renamed.told("mallory") >= 2);
}

#[test]
fn what_a_private_root_held_before_it_was_deleted_stays_private_where_its_flake_goes() {
    let server = Server::start();
    for is_forgotten in [false, true] {
        let renamed = Renamed::with_a_private_part(&server);
        if is_forgotten {
            renamed.forget("s/f/sub");
        }
        fs::remove_dir_all(renamed.at("s/f/sub")).unwrap();
        renamed.write("s/f/flake.nix", &configured("./mod.nix"));
        renamed.scan(&["s"]);
        renamed.rename("s/f", "s/g");
        renamed.scan(&["s"]);
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0);
        assert!(renamed.told("/s/g") > 0);
        let below: &[_] = if is_forgotten { &[("s", true)] } else { &[("s", true), ("s/g/sub", false)] };
        renamed.assert_roots(below);
    }
}

#[test]
fn a_private_root_that_is_a_flake_or_holds_some_goes_along_with_the_directory_around_it() {
    let server = Server::start();
    for (flake, is_forgotten) in [("priv", false), ("priv/x", false), ("priv", true), ("priv/x", true)] {
        let renamed = Renamed::new(&server);
        let text = |word: &str| format!("{{ description = \"{word}\"; outputs = _: {{ }}; }}");
        renamed.write(&format!("s/dir/{flake}/flake.nix"), &text("mallory"));
        renamed.write("s/dir/open/flake.nix", &text("wendy"));
        renamed.add("s");
        renamed.add("s/dir/priv");
        renamed.share("s");
        renamed.scan(&["s"]);
        if is_forgotten {
            renamed.forget("s/dir/priv");
        }
        renamed.rename("s/dir", "s/dir2");
        renamed.scan(&[]);
        assert_eq!((renamed.told("mallory"), renamed.told("dir2/open")), (0, 1), "{flake} {is_forgotten}");
        renamed.assert_nothing_is_missed();
        // It alone is renamed.
        renamed.rename("s/dir2/priv", "s/dir2/own");
        renamed.scan(&["s"]);
        renamed.write(&format!("s/dir2/{}/flake.nix", flake.replace("priv", "own")), &text("mallory again"));
        renamed.scan(&["s"]);
        assert_eq!((renamed.told("mallory"), renamed.told("dir2/own")), (0, 0), "{flake} {is_forgotten}");
        renamed.add("s/dir2/own");
        renamed.assert_roots(&[("s", true), ("s/dir2/own", false)]);
        renamed.share("s/dir2/own");
        assert!(renamed.told("mallory") > 0);
    }
}

#[test]
fn a_private_root_goes_along_into_another_shared_root_and_out_of_it() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    fs::create_dir(renamed.at("t")).unwrap();
    renamed.add("t");
    renamed.share("t");
    renamed.rename("s/f", "t/f");
    // Who names the new place alone does not come by the old one.
    renamed.scan(&["t/f"]);
    renamed.scan(&[]);
    assert_eq!((renamed.told("mallory"), renamed.told("/t/f")), (0, 1));
    renamed.assert_roots(&[("s", true), ("t", true), ("t/f/sub", false)]);
}

#[test]
fn a_shared_root_is_not_carried_and_what_a_root_says_at_the_new_place_stays() {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    let text = |word: &str| format!("{{ description = \"{word}\"; outputs = _: {{ }}; }}");
    renamed.write("p/x/flake.nix", &text("mallory"));
    renamed.write("p/open/y/flake.nix", &text("wendy"));
    renamed.add("p");
    renamed.add("p/open");
    renamed.share("p/open");
    renamed.scan(&["p"]);
    assert_eq!((renamed.told("mallory"), renamed.told("wendy")), (0, 1));
    renamed.rename("p", "s/q");
    renamed.add("s");
    renamed.share("s");
    renamed.scan(&[]);
    assert_eq!((renamed.told("mallory"), renamed.told("/s/q")), (0, 0), "neither is shared there");
    renamed.assert_roots(&[("p/open", true), ("s", true), ("s/q", false)]);
    // A root that the user shares stays shared.
    renamed.share("s/q");
    assert!(renamed.told("mallory") > 0);
    renamed.rename("s/q", "s/r");
    renamed.scan(&[]);
    assert!(renamed.told("/s/r/x") > 0);
}

#[test]
fn a_private_root_is_known_again_by_its_directory_where_no_flake_tells() {
    let server = Server::start();
    let module = |word: &str| format!("{{ config, lib, ... }}: {{ services.{word}.enable = true; }}");
    for (is_forgotten, [from, to]) in [
        (false, ["s/dir", "s/dir2"]),
        (true, ["s/dir", "s/dir2"]),
        (false, ["s/dir/priv", "s/own"]),
        (true, ["s/dir/priv", "s/own"]),
    ] {
        let renamed = Renamed::new(&server);
        renamed.write("s/dir/priv/deep/m.nix", &module("mallory"));
        renamed.write("s/dir/open/m.nix", &module("wendy"));
        renamed.add("s");
        renamed.add("s/dir/priv");
        renamed.share("s");
        renamed.scan(&["s"]);
        if is_forgotten {
            renamed.forget("s/dir/priv");
        }
        renamed.rename(from, to);
        assert_eq!(renamed.scan(&["s"]).roots_moved.len(), 1);
        renamed.assert_nothing_is_missed();
        // There and back again.
        for [from, to] in [[to, from], [from, to]] {
            renamed.rename(from, to);
            renamed.scan(&["s"]);
            renamed.assert_nothing_is_missed();
        }
        assert_eq!(renamed.told("mallory"), 0);
        assert!(renamed.told("wendy") > 0);
        let place = "s/dir/priv".replace(from, to);
        let below: &[_] = if is_forgotten { &[("s", true)] } else { &[("s", true), (&place, false)] };
        renamed.assert_roots(below);
        renamed.write(&format!("{place}/deep/m.nix"), &module("mallory2"));
        assert_eq!(renamed.scan(&["s"]).roots_moved, []);
        assert_eq!(renamed.told("mallory"), 0);
        renamed.add(&place);
        renamed.share(&place);
        assert!(renamed.told("mallory") > 0);
        // Shared, it goes nowhere by itself, and keeps nothing from what is shared around it.
        renamed.rename(&place, "s/last");
        assert_eq!(renamed.scan(&[]).roots_moved, []);
        assert!(renamed.told("s/last") > 0);
    }
}

#[test]
fn a_private_root_that_was_never_scanned_is_known_again_by_its_directory() {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    renamed.add("s");
    renamed.share("s");
    renamed.write("s/dir/priv/m.nix", "{ config, lib, ... }: { services.mallory.enable = true; }");
    renamed.add("s/dir/priv");
    renamed.rename("s/dir", "s/dir2");
    renamed.scan(&["s/dir2"]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.assert_roots(&[("s", true), ("s/dir2/priv", false)]);
}

#[test]
fn a_private_root_inside_a_flake_that_is_changed_as_it_is_renamed_is_known_again_by_its_directory() {
    let server = Server::start();
    for ignore in ["", "sub\n"] {
        let renamed = Renamed::with_a_private_part(&server);
        renamed.rename("s/f", "s/g");
        renamed.write("s/g/.gitignore", ignore);
        let text = configured("./sub/mod.nix ./mod.nix").replacen("outputs", "description = \"other\"; outputs", 1);
        renamed.write("s/g/flake.nix", &text);
        assert_eq!(renamed.scan(&["s"]).new, 1, "another flake");
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0, "{ignore}");
        assert!(renamed.told("/s/g") > 0);
        renamed.assert_roots(&[("s", true), ("s/g/sub", false)]);
    }
}

#[test]
fn what_took_the_place_of_a_private_root_is_private_as_well_as_where_that_went() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    renamed.rename("s/f", "s/g");
    renamed.write("s/f/sub/mod.nix", "{ users.users.mallory2.isNormalUser = true; }");
    renamed.write("s/f/flake.nix", &configured("./sub/mod.nix"));
    renamed.scan(&["s"]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.assert_roots(&[("s", true), ("s/f/sub", false), ("s/g/sub", false)]);
    assert_eq!(renamed.scan(&[]).roots_moved, []);
    // The one that is there now is the one that goes.
    renamed.rename("s/f", "s/h");
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.assert_roots(&[("s", true), ("s/g/sub", false), ("s/h/sub", false)]);
}

#[test]
fn a_private_root_behind_a_link_that_took_the_place_of_its_flake_goes_along() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    renamed.rename("s/f", "s/g");
    std::os::unix::fs::symlink(renamed.at("s/g"), renamed.at("s/f")).unwrap();
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    assert!(renamed.told("/s/g") > 0);
    renamed.assert_roots(&[("s", true), ("s/f/sub", false), ("s/g/sub", false)]);
    fs::remove_file(renamed.at("s/f")).unwrap();
    renamed.assert_nothing_is_missed();
    renamed.assert_roots(&[("s", true), ("s/g/sub", false)]);
}

#[test]
fn a_private_root_is_known_again_when_its_flake_is_edited_where_it_was_renamed_to() {
    let server = Server::start();
    let renamed = Renamed::with_a_private_part(&server);
    renamed.rename("s/f", "s/g");
    renamed.edit("s/g", "more");
    assert_eq!(renamed.told("mallory"), 0);
    assert!(renamed.told("/s/g") > 0);
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.assert_roots(&[("s", true), ("s/g/sub", false)]);
}

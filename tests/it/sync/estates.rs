//! What else is shared with a root: the modules, overlays and configurations of its flakes, and its pins. What a machine runs
//! is private, unless its user shares it too.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::consent;

use super::admin::Admin;
use super::machine::Machine;
use crate::nats::Server;

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs";
  outputs = { nixpkgs, ... }: {
    nixosConfigurations.desk = nixpkgs.lib.nixosSystem { modules = [ ./web.nix ]; };
  };
}"#;
const MODULE: &str = "{ config, lib, ... }: { services.nginx.enable = true; users.users.ann = { }; }";
const OVERLAY: &str = "final: prev: { hello = prev.hello.overrideAttrs (_: { }); }";
const PINS: &str = r#"{ "version": 5, "pins": { "nixpkgs": { "type": "Channel", "name": "nixos-unstable",
  "url": "https://releases.nixos.org/nixos/unstable/x/nixexprs.tar.xz", "hash": "1fny4s7s" } } }"#;

/// A machine with a root of a flake, an overlay and pins outside of it, and two generations.
struct Estate {
    ada: Machine,
    root: tempfile::TempDir,
    system: tempfile::TempDir,
}

impl Estate {
    fn new(server: &Server) -> Self {
        let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let estate = Self { ada: Machine::new("ada", server), root: folder(), system: folder() };
        let write = |path: &str, text: &str| {
            let path = estate.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("flake/flake.nix", FLAKE);
        write("flake/web.nix", MODULE);
        write("overlays/hello.nix", OVERLAY);
        write("npins/sources.json", PINS);
        estate.generation(1);
        estate.scan();
        estate
    }

    fn generation(&self, number: u32) {
        generation(self.system.path(), number);
    }

    fn scan(&self) {
        let request = ScanRequest {
            paths: vec![self.root.path().to_owned()],
            threads: 1,
            modules: true,
            system: Some(self.system.path().to_owned()),
            ..ScanRequest::default()
        };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    }

    /// How many events of an aggregate are recorded, and how many of them are in the outbox.
    fn events(&self, kind: &str) -> (i64, i64) {
        let recorded = format!("SELECT count(*) FROM events WHERE type LIKE '{kind}'");
        let sent = format!("{recorded} AND position IN (SELECT position FROM outbox)");
        (self.ada.count(&recorded), self.ada.count(&sent))
    }
}

/// Makes a generation of a machine named `desk` the current one, below a directory.
pub(super) fn generation(system: &Path, number: u32) {
    let profiles = system.join("nix/var/nix/profiles");
    let store = format!("nix/store/{}-nixos-system-desk-26.05.20261101.647b2b7", number.to_string().repeat(32));
    fs::create_dir_all(system.join(&store)).unwrap();
    fs::create_dir_all(system.join("run")).unwrap();
    fs::create_dir_all(&profiles).unwrap();
    fs::write(system.join(&store).join("nixos-version"), "26.05.20261101.647b2b7").unwrap();
    let link = |to: &Path, at: &Path| {
        fs::remove_file(at).unwrap_or_default();
        symlink(to, at).unwrap();
    };
    link(&Path::new("/").join(&store), &profiles.join(format!("system-{number}-link")));
    link(format!("system-{number}-link").as_ref(), &profiles.join("system"));
    link(&Path::new("/").join(&store), &system.join("run/current-system"));
}

/// Waits until the public log, which follows the exchange in its own time, has one event of a subject.
fn until_public(server: &Server, subject: &str) {
    let (admin, begun) = (Admin::of(server), Instant::now());
    loop {
        let public = admin.call("STREAM.INFO.NIX_EVENTS", &serde_json::json!({ "subjects_filter": ">" }));
        if public["state"]["subjects"][format!("nix.event.{subject}")] == 1 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no {subject}: {public}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the new root shares and what the machine runs.
const BELOW: [&str; 4] = ["module.%", "overlay.%", "pins.%", "config.discovered"];
const SYSTEM: &str = "config.activated";

#[test]
fn what_flakes_and_files_hold_goes_with_their_root_and_is_kept_with_it() {
    let server = Server::start();
    let estate = Estate::new(&server);
    for kind in BELOW {
        assert_eq!(estate.events(kind), (1, 0), "{kind} before the root is shared");
    }
    // What was before counts as well.
    fs::remove_file(estate.root.path().join("overlays/hello.nix")).unwrap();
    estate.scan();
    let root = consent::Which::Named(vec![estate.root.path().to_owned()]);
    consent::share(&estate.ada.session, &root).unwrap();
    for kind in BELOW {
        let (recorded, shared) = estate.events(kind);
        assert_eq!(recorded, shared, "{kind}");
    }
    estate.ada.synced();
    for subject in ["module.discovered", "overlay.deleted", "pins.discovered", "config.discovered"] {
        until_public(&server, subject);
    }

    let bob = Machine::new("bob", &server);
    bob.synced();
    let ada = &estate.ada.session.store.origin().public_key;
    let of_ada = |view: &str| format!("SELECT count(*) FROM {view} WHERE valid_to IS NULL AND origin = '{ada}'");
    for view in ["v1_modules", "v1_configs", "v1_pins"] {
        assert_eq!(bob.count(&of_ada(view)), 1, "{view}");
    }
    assert_eq!(bob.state_hash(), estate.ada.state_hash());

    // What comes later follows by itself, until the root is private again.
    let change = |option: &str| {
        fs::write(estate.root.path().join("flake/web.nix"), MODULE.replace("nginx", option)).unwrap();
        estate.scan();
    };
    change("caddy");
    assert_eq!(estate.events("module.%"), (2, 2));
    consent::unshare(&estate.ada.session, &root).unwrap();
    change("lighttpd");
    assert_eq!(estate.events("module.%"), (3, 2));
    estate.ada.assert_sound();
}

#[test]
fn what_a_machine_runs_is_private_until_its_user_shares_it() {
    let server = Server::start();
    let estate = Estate::new(&server);
    // Channels are the machine's, though the file with their names lies below a root.
    fs::write(estate.root.path().join(".nix-channels"), "https://nixos.org/channels/nixos-unstable nixos\n").unwrap();
    estate.scan();
    consent::share(&estate.ada.session, &consent::Which::All).unwrap();
    assert_eq!((estate.events(SYSTEM), estate.events("pins.%")), ((1, 0), (2, 1)));
    let released = consent::share_system(&estate.ada.session).unwrap();
    assert_eq!((released.streams, released.events, estate.events(SYSTEM)), (2, 2, (1, 1)));
    estate.generation(2);
    estate.scan();
    assert_eq!(estate.events(SYSTEM), (2, 2));
    estate.ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(bob.count("SELECT generation FROM v1_generations WHERE valid_to IS NULL"), 2);
    assert_eq!(consent::unshare_system(&estate.ada.session).unwrap(), 2);
    estate.generation(3);
    estate.scan();
    assert_eq!(estate.events(SYSTEM), (3, 2));
    estate.ada.assert_sound();
}

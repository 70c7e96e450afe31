//! Files that pin sources without a flake, and channels: found, recorded once, changed, gone.

use std::os::unix::fs::symlink;

use cim_domain_nix::store::view::{self, At, PinRow};

use super::*;

fn npins(revision: char) -> String {
    let rev = revision.to_string().repeat(40);
    format!(
        r#"{{"pins": {{"nixpkgs": {{"type": "Git", "repository": {{"type": "GitHub", "owner": "NixOS", "repo": "nixpkgs"}},
        "branch": "nixos-unstable", "revision": "{rev}", "url": null, "hash": "0{revision}"}}}}, "version": 5}}"#
    )
}

const NIV: &str = r#"{"nixpkgs": {"owner": "NixOS", "repo": "nixpkgs", "branch": "nixos-25.11", "rev": "bbbb", "sha256": "0b",
    "type": "tarball", "url": "https://github.com/NixOS/nixpkgs/archive/bbbb.tar.gz"},
    "tool": {"type": "file", "url": "https://example.org/tool", "sha256": "0c"}}"#;

fn pins(estate: &Estate, at: At) -> Vec<PinRow> {
    view::pins(&estate.session.store.reader().expect("a reader"), at).expect("pins")
}

/// File below the root, name, revision.
fn told(estate: &Estate) -> Vec<(String, String, String)> {
    let tell = |pin: PinRow| {
        let file = pin.file.to_path();
        let file = file.strip_prefix(estate.root()).unwrap_or(&file).display().to_string();
        let rev = pin.attrs.get("rev").and_then(|rev| rev.as_str()).unwrap_or_default();
        (file, pin.name, rev.chars().take(4).collect())
    };
    pins(estate, At::Now).into_iter().map(tell).collect()
}

fn row(file: &str, name: &str, rev: &str) -> (String, String, String) {
    (file.to_owned(), name.to_owned(), rev.to_owned())
}

#[test]
fn pins_are_recorded_as_they_come_change_and_go() {
    let estate = Estate::new();
    estate.write("a/npins/sources.json", &npins('a'));
    estate.write("b/nix/sources.json", NIV);
    estate.write("b/other/sources.json", "{}");
    estate.write("home/.nix-channels", "https://nixos.org/channels/nixos-25.11 nixos\n");
    assert_eq!((estate.scan().events, estate.scan().events), (3, 0));
    let first = [
        row("a/npins/sources.json", "nixpkgs", "aaaa"),
        row("b/nix/sources.json", "nixpkgs", "bbbb"),
        row("b/nix/sources.json", "tool", ""),
        row("home/.nix-channels", "nixos", ""),
    ];
    assert_eq!(told(&estate), first);
    let then = estate.session.clock.now();
    estate.write("a/npins/sources.json", &npins('c'));
    fs::remove_file(estate.root().join("home/.nix-channels")).expect("it was there");
    estate.write("home/note", "so that the directory is not empty");
    assert_eq!((estate.scan().events, estate.scan().events), (2, 0));
    assert_eq!(told(&estate), [&[row("a/npins/sources.json", "nixpkgs", "cccc")][..], &first[1..3]].concat());
    assert_eq!(pins(&estate, At::Occurred(then)).len(), 4, "what was pinned before is still known");
    let mut types = estate.types();
    types.sort();
    assert_eq!(
        types,
        ["pins.discovered", "pins.discovered", "pins.discovered", "pins.removed", "pins.updated"],
        "nothing but pins is here"
    );
}

#[test]
fn what_cannot_be_read_is_said_and_changes_nothing() {
    let estate = Estate::new();
    estate.write("a/npins/sources.json", &npins('a'));
    estate.scan();
    estate.write("a/npins/sources.json", "<<<<<<< ours\n");
    estate.write("c/nix/sources.json", "[1, 2]");
    let report = estate.scan();
    assert_eq!((report.events, Estate::codes(&report)), (0, vec!["pins-json"]), "another tool's file is passed over");
    assert_eq!(told(&estate).len(), 1);
}

#[test]
fn a_pin_that_is_not_written_as_expected_stays_as_it_was_beside_others_that_change() {
    let estate = Estate::new();
    estate.write("b/nix/sources.json", NIV);
    estate.scan();
    let nixpkgs = NIV.replace("bbbb", "cccc").replace(r#""sha256": "0b""#, r#""sha256": "0e""#);
    let broken = nixpkgs.replace(r#""url": "https://example.org/tool""#, r#""url": 1"#);
    estate.write("b/nix/sources.json", &broken.replace(r#""tool": {"#, r#""other": 1, "tool": {"#));
    let report = estate.scan();
    assert_eq!((report.events, Estate::codes(&report)), (1, vec!["pins-shape", "pins-shape"]));
    assert_eq!(told(&estate), [row("b/nix/sources.json", "nixpkgs", "cccc"), row("b/nix/sources.json", "tool", "")]);
    assert_eq!(estate.scan().events, 0);
    // Mended it says nothing new, and taken out it is gone.
    estate.write("b/nix/sources.json", &nixpkgs);
    assert_eq!(estate.scan().events, 0);
    estate.write(
        "b/nix/sources.json",
        r#"{"tool": {"type": "file", "url": "https://example.org/tool", "sha256": "0c"}, "other": 1}"#,
    );
    assert_eq!(estate.scan().events, 1);
    assert_eq!(told(&estate), [row("b/nix/sources.json", "tool", "")]);
}

#[test]
fn a_place_that_is_out_of_reach_has_not_lost_its_pins() {
    let estate = Estate::new();
    estate.write("disk/npins/sources.json", &npins('a'));
    estate.scan();
    fs::remove_dir_all(estate.root().join("disk/npins")).expect("it was there");
    assert_eq!(estate.scan().events, 0, "an empty directory may be a disk that is not mounted");
    estate.write("disk/note", "something is here");
    assert_eq!(estate.scan().events, 1);
    assert_eq!(told(&estate), []);
}

#[test]
fn the_channels_of_the_machine_are_recorded() {
    let estate = Estate::new();
    let machine = estate.root().join("../machine");
    let profile = "nix/var/nix/profiles/per-user/root";
    for directory in [profile, "nix/store/aaaa-env", "nix/store/bbbb-nixos/nixos"] {
        fs::create_dir_all(machine.join(directory)).expect("directories");
    }
    fs::write(machine.join("nix/store/bbbb-nixos/nixos/.git-revision"), "647b2b7ca047\n").expect("a revision");
    symlink("/nix/store/bbbb-nixos/nixos", machine.join("nix/store/aaaa-env/nixos")).expect("a link");
    symlink("/nix/store/aaaa-env", machine.join(profile).join("channels")).expect("a link");
    let request = ScanRequest { paths: vec![estate.root()], system: Some(machine), ..ScanRequest::default() };
    assert_eq!((estate.scan_with(&request).events, estate.scan_with(&request).events), (1, 0));
    let found = pins(&estate, At::Now);
    assert_eq!((found[0].manager.as_str(), found[0].name.as_str()), ("channels", "nixos"));
    assert_eq!(found[0].attrs["rev"], "647b2b7ca047");
}

#[test]
fn pins_of_a_forgotten_flake_are_passed_over_until_it_is_named_and_those_of_a_flake_in_it_are_not() {
    let estate = Estate::new();
    for place in ["a", "b"] {
        estate.write(&format!("{place}/flake.nix"), FLAKE);
        estate.write(&format!("{place}/note"), "so that the directory is not empty");
        estate.write(&format!("{place}/npins/sources.json"), &npins('a'));
        estate.write(&format!("{place}/npins/default.nix"), "{ }");
    }
    estate.scan();
    for flake in view::known_flakes(&estate.session.store.reader().expect("a reader")).expect("flakes") {
        forget::forget(&estate.session, flake.id).expect("it is forgotten");
    }
    let pinned = [row("a/npins/sources.json", "nixpkgs", "aaaa"), row("b/npins/sources.json", "nixpkgs", "aaaa")];
    estate.write("a/npins/sources.json", &npins('c'));
    estate.write("a/new/nix/sources.json", NIV);
    fs::remove_dir_all(estate.root().join("b/npins")).expect("it was there");
    assert_eq!(estate.scan().events, 0, "neither changed, nor new, nor gone");
    assert_eq!(told(&estate), pinned);
    let excludes = vec!["npins".to_owned()];
    let report = estate.scan_with(&ScanRequest { paths: vec![estate.root()], excludes, ..ScanRequest::default() });
    assert_eq!((report.events, report.left_out), (0, Vec::new()));
    estate.write("a/new/flake.nix", FLAKE);
    assert_eq!((estate.scan().events > 0, estate.scan().events), (true, 0), "one scan sees the flake and its pins");
    assert_eq!(
        told(&estate)[..2],
        [row("a/new/nix/sources.json", "nixpkgs", "bbbb"), row("a/new/nix/sources.json", "tool", "")]
    );
    estate.scan_with(&ScanRequest { paths: vec![estate.root().join("a")], ..ScanRequest::default() });
    assert!(told(&estate).contains(&row("a/npins/sources.json", "nixpkgs", "cccc")), "{:?}", told(&estate));
    fs::remove_dir_all(estate.root().join("b")).expect("it was there");
    estate.scan();
    assert!(!told(&estate).contains(&pinned[1]), "of what is gone nothing is left: {:?}", told(&estate));
}

//! What is private stays so where it takes the place of what is shared, and where it goes out of sight of the scans.

use std::fs;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::store::backup::restore;

use super::copies::backup;
use super::renamed::{Renamed, configured};
use crate::nats::Server;

fn module(word: &str) -> String {
    format!("{{ config, lib, ... }}: {{ services.{word}.enable = true; }}")
}

fn flake(word: &str) -> String {
    format!("{{ description = \"{word}\"; outputs = _: {{ }}; }}")
}

/// A machine that shares `s`, of which these places are roots of their own, and private; scanned, and nothing private was sent.
fn sharing(server: &Server, files: &[(&str, &str)], private: &[&str]) -> Renamed {
    let renamed = Renamed::new(server);
    for (file, text) in files {
        renamed.write(file, text);
    }
    renamed.add("s");
    for root in private {
        renamed.add(root);
    }
    renamed.share("s");
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed
}

/// Scans one place as a hook does.
fn scan_unasked(renamed: &Renamed, place: &str) {
    let paths = vec![renamed.at(place)];
    let request = ScanRequest { paths, threads: 1, modules: true, keep_forgotten: true, ..ScanRequest::default() };
    scan(&renamed.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
}

#[test]
fn private_files_take_the_place_of_shared_ones() {
    let server = Server::start();
    for is_forgotten in [false, true] {
        let renamed = sharing(
            &server,
            &[
                ("s/f/flake.nix", &flake("wendy")),
                ("s/f/x/m.nix", &module("wendy")),
                ("s/f/priv/m.nix", &module("mallory")),
            ],
            &["s/f/priv"],
        );
        if is_forgotten {
            renamed.forget("s/f/priv");
        }
        renamed.rm("s/f/x");
        renamed.rename("s/f/priv", "s/f/x");
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0, "{is_forgotten}");
    }
}

#[test]
fn a_private_flake_takes_the_place_of_a_shared_one() {
    let server = Server::start();
    for is_forgotten in [false, true] {
        let renamed = sharing(
            &server,
            &[("s/open/flake.nix", &flake("wendy")), ("s/priv/flake.nix", &flake("mallory"))],
            &["s/priv"],
        );
        if is_forgotten {
            renamed.forget("s/priv");
        }
        renamed.rm("s/open");
        renamed.rename("s/priv", "s/open");
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0, "{is_forgotten}");
    }
}

#[test]
fn a_private_flake_and_a_shared_one_are_swapped() {
    let server = Server::start();
    let renamed = sharing(
        &server,
        &[("s/open/flake.nix", &flake("wendy")), ("s/priv/flake.nix", &flake("mallory"))],
        &["s/priv"],
    );
    renamed.rename("s/open", "s/tmp");
    renamed.rename("s/priv", "s/open");
    renamed.rename("s/tmp", "s/priv");
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
}

#[test]
fn a_private_part_of_a_flake_is_renamed_before_the_flake_is_edited() {
    let server = Server::start();
    let renamed = sharing(
        &server,
        &[("s/f/flake.nix", &flake("wendy")), ("s/f/priv/m.nix", "{ users.users.mallory.isNormalUser = true; }")],
        &["s/f/priv"],
    );
    renamed.rename("s/f/priv", "s/f/own");
    renamed.write("s/f/flake.nix", &configured("./own/m.nix").replacen("outputs", "inputs = { };\n outputs", 1));
    renamed.edit("s/f", "more");
    assert_eq!(renamed.told("mallory"), 0);
}

#[test]
fn a_private_part_of_a_flake_goes_where_no_scan_comes_by() {
    let server = Server::start();
    for (to, ignore) in [("s/f/node_modules/own", ""), ("s/f/ign/own", "ign\n"), ("s/f/ign/deep/own", "ign\n")] {
        let renamed = sharing(
            &server,
            &[
                ("s/f/flake.nix", &flake("wendy")),
                ("s/f/.gitignore", ignore),
                ("s/f/priv/m.nix", "{ users.users.mallory.isNormalUser = true; }"),
            ],
            &["s/f/priv"],
        );
        fs::create_dir_all(renamed.at(to).parent().unwrap()).unwrap();
        renamed.rename("s/f/priv", to);
        renamed.write("s/f/flake.nix", &configured(&format!("./{}/m.nix", to.strip_prefix("s/f/").unwrap())));
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0, "{to}");
    }
}

/// A private part of a flake goes to a place that git leaves out, and its flake names it.
fn goes_out_of_sight(to: &str, ignore: &str, tracked: bool) {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    let git = |args: &[&str]| {
        let done = std::process::Command::new("git").current_dir(renamed.at("s/f")).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    renamed.write("s/f/flake.nix", &flake("wendy"));
    renamed.write("s/f/.gitignore", ignore);
    renamed.write("s/f/priv/m.nix", "{ users.users.mallory.isNormalUser = true; }");
    if tracked {
        git(&["init", "-q"]);
        git(&["add", "-f", "."]);
    }
    renamed.add("s");
    renamed.add("s/f/priv");
    renamed.share("s");
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    fs::create_dir_all(renamed.at(to).parent().unwrap()).unwrap();
    renamed.rename("s/f/priv", to);
    if tracked {
        git(&["add", "-f", "."]);
    } else {
        renamed.write("s/f/flake.nix", &configured(&format!("./{}/m.nix", to.strip_prefix("s/f/").unwrap())));
    }
    renamed.write("s/f/own/m.nix", &module("other"));
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory") + renamed.told(to.strip_prefix("s/f/").unwrap()), 0, "{to}");
}
#[test]
fn a_private_part_goes_below_what_git_leaves_out() {
    goes_out_of_sight("s/f/ign/own", "ign\n", false);
}
#[test]
fn a_private_part_becomes_what_git_leaves_out() {
    goes_out_of_sight("s/f/ign", "ign\n", false);
}
#[test]
fn a_private_part_that_git_tracks_goes_below_what_it_leaves_out() {
    goes_out_of_sight("s/f/ign/own", "ign\n", true);
}
#[test]
fn a_private_part_that_git_tracks_becomes_what_it_leaves_out() {
    goes_out_of_sight("s/f/ign", "ign\n", true);
}
#[test]
fn a_private_part_that_git_tracks_goes_deep_below_what_it_leaves_out() {
    goes_out_of_sight("s/f/ign/deep/deeper/own", "ign\n", true);
}

#[test]
fn a_private_root_takes_the_place_of_a_shared_root() {
    let server = Server::start();
    let renamed = sharing(&server, &[("s/f/flake.nix", &flake("wendy")), ("p/f/flake.nix", &flake("mallory"))], &["p"]);
    renamed.rm("s");
    renamed.rename("p", "s");
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
}

/// The private directory was made anew (cloned again) and then renamed, while scans named one root of two.
#[test]
fn a_private_root_is_made_anew_and_renamed() {
    let server = Server::start();
    let renamed = sharing(
        &server,
        &[("s/f/flake.nix", &flake("wendy")), ("s/priv/m.nix", &module("mallory")), ("t/f/flake.nix", &flake("tina"))],
        &["s/priv", "t"],
    );
    renamed.rename("s/priv", "t/old");
    renamed.rm("t/old");
    renamed.write("s/priv/m.nix", &module("mallory"));
    renamed.scan(&["s"]);
    renamed.scan(&["s/priv"]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.rename("s/priv", "s/own");
    renamed.scan(&["s"]);
    assert_eq!(renamed.told("mallory"), 0);
}

/// Something below a private root is recorded before any scan comes by the root at its new place.
fn is_recorded_below(how: &str) {
    let server = Server::start();
    for is_forgotten in [false, true] {
        let renamed = sharing(
            &server,
            &[
                ("s/f/flake.nix", &flake("wendy")),
                ("s/priv/x/flake.nix", &flake("mallory")),
                ("s/priv/x/m.nix", &module("mallory")),
                ("s/priv/y/z/m.nix", &module("mallory")),
            ],
            &["s/priv"],
        );
        if is_forgotten {
            renamed.forget("s/priv");
        }
        renamed.rename("s/priv", "s/own");
        renamed
            .write("s/own/x/flake.nix", "{\n  description = \"mallory2\";\n  inputs = { };\n  outputs = _: { };\n}\n");
        match how {
            "edit" => renamed.edit("s/own/x", "more"),
            "scan" => drop(renamed.scan(&["s/own/x"])),
            "loose" => drop(renamed.scan(&["s/own/y"])),
            "hook" => scan_unasked(&renamed, "s/own/x"),
            _ => unreachable!(),
        }
        assert_eq!(renamed.told("mallory"), 0, "{is_forgotten}");
    }
}
#[test]
fn a_flake_is_edited_below_a_renamed_private_root() {
    is_recorded_below("edit");
}
#[test]
fn a_flake_is_scanned_below_a_renamed_private_root() {
    is_recorded_below("scan");
}
#[test]
fn loose_files_are_scanned_below_a_renamed_private_root() {
    is_recorded_below("loose");
}
#[test]
fn a_hook_scans_below_a_renamed_private_root() {
    is_recorded_below("hook");
}

/// A forgotten private root below a root that is forgotten, added again and shared.
#[test]
fn a_forgotten_private_root_is_one_again_when_the_root_around_it_is() {
    let server = Server::start();
    let renamed =
        sharing(&server, &[("s/f/flake.nix", &flake("wendy")), ("s/priv/x/flake.nix", &flake("mallory"))], &["s/priv"]);
    renamed.forget("s/priv");
    renamed.forget("s");
    renamed.add("s");
    renamed.share("s");
    assert_eq!(renamed.told("mallory"), 0);
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
}

/// A swap of two private roots, seen by a scan of one place, and a rename after it; nested ones.
#[test]
fn private_roots_are_swapped_and_nested() {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    for (p, w) in
        [("s/p/m.nix", "mallory1"), ("s/p/q/m.nix", "mallory2"), ("s/r/m.nix", "mallory3"), ("s/o/m.nix", "wendy")]
    {
        renamed.write(p, &module(w));
    }
    renamed.write("t/f/flake.nix", &flake("tina"));
    for root in ["s", "s/p", "s/p/q", "s/r", "t"] {
        renamed.add(root);
    }
    renamed.share("s");
    renamed.scan(&[]);
    for (n, step) in [
        vec![("s/p", "s/tmp"), ("s/r", "s/p"), ("s/tmp", "s/r")],
        vec![("s/p", "s/x"), ("s/r", "s/y")],
        vec![("s/y/q", "s/z"), ("s/y", "s/p")],
        vec![("s/x", "s/z/x")],
        vec![("s/z/x", "s/o/x"), ("s/z", "s/o/z")],
        vec![("s/o", "s/oo")],
        vec![("s/oo/x", "s/oo/y"), ("s/oo/z", "s/oo/x"), ("s/oo/y", "s/oo/z")],
        vec![("s/oo/x", "t/x")],
        vec![("t/x", "s/x2")],
    ]
    .into_iter()
    .enumerate()
    {
        for (from, to) in step {
            renamed.rename(from, to);
        }
        renamed.scan(if n % 2 == 0 { &["s"] } else { &[] });
        assert_eq!(renamed.told("mallory"), 0, "{n}");
    }
}

/// One flake leaves a private root for a shared directory of the same name as its own, and the root is emptied.
#[test]
fn what_is_shared_stays_so_where_a_flake_from_a_private_root_joins_it() {
    let server = Server::start();
    let renamed = sharing(
        &server,
        &[("s/q/w/flake.nix", &flake("wendy")), ("s/priv/x/flake.nix", &flake("mallory"))],
        &["s/priv"],
    );
    assert_eq!((renamed.told("mallory"), renamed.told("wendy")), (0, 1));
    renamed.rename("s/priv/x", "s/q/x");
    renamed.rm("s/priv");
    renamed.scan(&[]);
    renamed.write("s/q/w/flake.nix", &flake("wendy2"));
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    assert!(renamed.told("wendy2") > 0, "what was shared stays so");
}

#[test]
fn a_shared_root_below_the_place_of_a_private_one_is_shared_no_more() {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    renamed.write("s/x/r/flake.nix", &flake("wendy"));
    renamed.write("s/p/r/flake.nix", &flake("mallory"));
    for root in ["s", "s/x/r", "s/p"] {
        renamed.add(root);
    }
    renamed.share("s");
    renamed.share("s/x/r");
    renamed.scan(&[]);
    assert_eq!((renamed.told("mallory"), renamed.told("wendy")), (0, 1));
    renamed.rename("s/x", "s/y");
    renamed.rename("s/p", "s/x");
    renamed.scan(&[]);
    renamed.scan(&[]);
    assert_eq!(renamed.told("mallory"), 0);
    renamed.share("s/x/r");
    assert!(renamed.told("mallory") > 0, "by its new name");
    renamed.write("s/x/r/flake.nix", &flake("wendy2"));
    renamed.scan(&[]);
    assert!(renamed.told("wendy2") > 0, "and it stays so");
}

#[test]
fn a_forgotten_root_is_found_before_another_takes_its_name() {
    let server = Server::start();
    let renamed = sharing(&server, &[("s/f/flake.nix", &flake("wendy")), ("s/k/m.nix", &module("mallory"))], &["s/k"]);
    renamed.forget("s/k");
    renamed.rename("s/k", "s/z");
    fs::create_dir(renamed.at("s/k")).unwrap();
    renamed.add("s/k");
    for _ in 0..2 {
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0);
    }
}

#[test]
fn a_private_root_that_was_copied_away_is_private_whole() {
    let server = Server::start();
    let renamed = Renamed::new(&server);
    renamed.add("s");
    renamed.write("s/k/f/flake.nix", &flake("one"));
    renamed.write("s/k/m.nix", &module("mallory"));
    renamed.add("s/k");
    renamed.share("s");
    renamed.scan(&[]);
    renamed.write("s/z/f/flake.nix", &flake("one"));
    renamed.write("s/z/m.nix", &module("mallory"));
    renamed.rm("s/k");
    for _ in 0..2 {
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0);
    }
    renamed.assert_roots(&[("s", true), ("s/z", false)]);
}

#[test]
fn what_is_shared_by_another_name_stays_so_when_the_old_one_is_forgotten() {
    let server = Server::start();
    let renamed = sharing(&server, &[("s/f/flake.nix", &flake("wendy"))], &[]);
    renamed.rename("s", "t");
    renamed.add("t");
    renamed.share("t");
    renamed.forget("s");
    renamed.scan(&[]);
    renamed.assert_roots(&[("t", true)]);
    renamed.write("t/f/flake.nix", &flake("wendy2"));
    renamed.scan(&[]);
    assert!(renamed.told("wendy2") > 0);
}

#[test]
fn a_root_that_nobody_found_is_known_again_where_it_appears() {
    let server = Server::start();
    let files = [
        ("s/k/f/flake.nix", &*flake("one")),
        ("s/k/m.nix", &*module("mallory")),
        ("s/b/g/flake.nix", &*flake("wendy")),
    ];
    let renamed = sharing(&server, &files, &["s/k"]);
    // A part of it joins others, and it itself goes out of all roots.
    renamed.rename("s/k/f", "s/b/f");
    renamed.rename("s/k", "outside");
    renamed.scan(&[]);
    renamed.rename("outside", "s/z");
    for _ in 0..2 {
        renamed.scan(&[]);
        assert_eq!(renamed.told("mallory"), 0);
    }
}

#[test]
fn a_restored_backup_knows_the_directories_of_the_roots_that_were_added_since() {
    let server = Server::start();
    for is_forgotten in [false, true] {
        let mut renamed =
            sharing(&server, &[("s/f/flake.nix", &flake("wendy")), ("s/k/f/flake.nix", &flake("one"))], &[]);
        let copy = backup(&renamed.ada);
        renamed.add("s/k");
        if is_forgotten {
            renamed.forget("s/k");
        }
        renamed.ada.replace(|path| drop(restore(&copy, path, true, 1).unwrap()));
        // Before the next scan, with nothing in it that would tell.
        renamed.rename("s/k", "s/z");
        renamed.rm("s/z/f");
        renamed.write("s/z/m.nix", &module("mallory"));
        for _ in 0..2 {
            renamed.scan(&[]);
            assert_eq!(renamed.told("mallory"), 0, "{is_forgotten}");
        }
    }
}

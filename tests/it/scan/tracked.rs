//! What git tracks though its rules leave it out, with itself or with a directory around it: seen as Nix sees it.

use cim_domain_nix::app::check::{CheckRequest, check};
use cim_domain_nix::app::explain::{Verdict, explain};
use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;

use super::*;

const MODULE: &str =
    "{ config, lib, unused, ... }: { services.nginx.enable = true; users.users.x.isNormalUser = true; }";
const PINS: &str = r#"{"b": {"type": "git", "repo": "https://example.org/b", "rev": "1"}}"#;

fn request(estate: &Estate) -> ScanRequest {
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Info });
    ScanRequest { paths: vec![estate.root()], rules, modules: true, ..ScanRequest::default() }
}

/// A repository with something of every kind in directories of its own.
fn repository(estate: &Estate) -> Git {
    let git = estate.git("r");
    estate.write("r/flake.nix", FLAKE);
    estate.write("r/lib/m.nix", MODULE);
    estate.write("r/lib/deep/overlay.nix", "final: prev: { tool = prev.hello; }");
    estate.write("r/one/file.nix", MODULE);
    estate.write("r/sub/flake.nix", &FLAKE.replace("A test", "sub"));
    estate.write("r/sub/flake.lock", &lock('a'));
    estate.write("r/nix/sources.json", PINS);
    git.commit_all("first");
    git
}

fn ignore(estate: &Estate, git: &Git) {
    estate.write("r/.gitignore", "lib/\nsub/\none/file.nix\n/nix\n");
    git.commit_all("ignored");
}

/// What a ledger holds, without ids.
fn held(session: &Session) -> Vec<String> {
    let views = [
        "SELECT path || ifnull(lock_nodes, '') FROM v1_flakes",
        "SELECT path FROM v1_modules WHERE valid_to IS NULL",
        "SELECT path FROM v1_overlays WHERE valid_to IS NULL",
        "SELECT file || name FROM v1_pins WHERE valid_to IS NULL",
        "SELECT path || code FROM v1_problems",
    ];
    views.iter().flat_map(|sql| column(session, &format!("{sql} ORDER BY 1"))).collect()
}

fn fresh(estate: &Estate, name: &str) -> Session {
    let session = open(&estate.database().with_file_name(name));
    scan(&session, &request(estate), &|_| {}, &AtomicBool::new(false)).expect("the scan works");
    session
}

fn is_seen(estate: &Estate, path: &str, excludes: &[&str]) -> bool {
    let excludes: Vec<String> = excludes.iter().map(ToString::to_string).collect();
    let explained = explain(&estate.root().join(path), &[estate.root()], &excludes).expect("explained");
    explained.verdict == Verdict::Seen
}

/// The paths of the modules that a new ledger holds, each inside its flake.
fn modules(estate: &Estate, name: &str) -> Vec<String> {
    column(&fresh(estate, name), "SELECT path FROM v1_modules WHERE valid_to IS NULL ORDER BY 1")
}

#[test]
fn ledgers_from_before_and_after_a_rule_agree_and_what_is_not_tracked_counts_for_neither() {
    let estate = Estate::new();
    let git = repository(&estate);
    estate.scan_with(&request(&estate));
    let before = held(&estate.session);
    assert!(before.len() >= 7, "{before:?}");
    ignore(&estate, &git);
    estate.write("r/lib/scratch.nix", MODULE);
    estate.write("r/sub/deep/flake.nix", FLAKE);
    estate.write("r/nix/deep/nix/sources.json", PINS);
    let report = estate.scan_with(&request(&estate));
    assert_eq!((report.seen, report.events), (2, 0), "{report:?}");
    assert_eq!(held(&estate.session), before);
    assert_eq!(held(&fresh(&estate, "fresh.db")), before);
    for path in
        ["lib/m.nix", "lib/deep/overlay.nix", "one/file.nix", "sub/flake.nix", "sub/flake.lock", "nix/sources.json"]
    {
        assert!(is_seen(&estate, &format!("r/{path}"), &[]), "{path}");
    }
    for path in ["lib/scratch.nix", "sub/deep/flake.nix", "nix/deep/nix/sources.json", "lib"] {
        assert!(!is_seen(&estate, &format!("r/{path}"), &[]), "{path}");
    }
    let checked = check(&CheckRequest { paths: vec![estate.root()], ..CheckRequest::default() }).expect("checked");
    assert_eq!(checked.files, 6, "the Nix files and the lock: {checked:?}");

    estate.write("r/lib/m.nix", "{ config, ... }: { services.openssh.enable = true; services.a.enable = true; }");
    let report = estate.scan_with(&request(&estate));
    assert!(report.events > 0, "{report:?}");
    assert_eq!(held(&estate.session), held(&fresh(&estate, "edited.db")));
}

#[test]
fn what_a_pattern_leaves_out_stays_left_out_though_git_tracks_it() {
    let estate = Estate::new();
    let git = repository(&estate);
    ignore(&estate, &git);
    let excludes = ["deep/", "m.nix", "sub/"];
    let session = open(&estate.database().with_file_name("fresh.db"));
    let request = ScanRequest { excludes: excludes.map(str::to_owned).into(), ..request(&estate) };
    let report = scan(&session, &request, &|_| {}, &AtomicBool::new(false)).expect("the scan works");
    assert_eq!(report.seen, 1, "{report:?}");
    assert_eq!(column(&session, "SELECT path FROM v1_modules"), ["one/file.nix"]);
    assert_eq!(column(&session, "SELECT path FROM v1_overlays"), [""; 0]);
    assert!(is_seen(&estate, "r/one/file.nix", &excludes));
    for path in ["r/lib/m.nix", "r/lib/deep/overlay.nix", "r/sub/flake.nix"] {
        assert!(!is_seen(&estate, path, &excludes), "{path}");
    }
}

#[test]
fn what_is_tracked_no_more_is_not_seen_and_a_flake_that_is_deleted_is_removed() {
    let estate = Estate::new();
    let git = repository(&estate);
    estate.write("r/sub/notes", "these stay");
    estate.write("r/sub/n.nix", MODULE);
    git.commit_all("more");
    ignore(&estate, &git);
    estate.scan_with(&request(&estate));
    git.run(&["rm", "-q", "--cached", "lib/m.nix"]);
    assert!(!is_seen(&estate, "r/lib/m.nix", &[]));
    assert_eq!(modules(&estate, "cached.db"), ["n.nix", "one/file.nix"]);
    git.run(&["rm", "-q", "--cached", "sub/n.nix", "nix/sources.json"]);
    estate.scan_with(&request(&estate));
    assert_eq!(held(&estate.session), held(&fresh(&estate, "fresh.db")));
    git.run(&["rm", "-q", "sub/flake.nix", "sub/flake.lock"]);
    let report = estate.scan_with(&request(&estate));
    assert_eq!((report.removed, estate.flakes()), (1, vec![estate.root().join("r")]), "{report:?}");
    assert_eq!(held(&estate.session), held(&fresh(&estate, "deleted.db")));
}

#[test]
fn exceptions_from_rules_and_what_is_tracked_are_seen_side_by_side() {
    let estate = Estate::new();
    let git = estate.git("r");
    estate.write("r/flake.nix", FLAKE);
    estate.write("r/.gitignore", "/gen/*\n!/gen/excepted.nix\n!/gen/open/\n");
    estate.write("r/gen/open/.gitignore", "*.nix\n!excepted.nix\n");
    for place in ["gen", "gen/open", "gen/closed"] {
        for name in ["excepted", "tracked", "neither"] {
            estate.write(&format!("r/{place}/{name}.nix"), MODULE);
        }
        git.run(&["add", "--force", &format!("{place}/tracked.nix")]);
    }
    let expected = [
        "gen/closed/tracked.nix",
        "gen/excepted.nix",
        "gen/open/excepted.nix",
        "gen/open/tracked.nix",
        "gen/tracked.nix",
    ];
    assert_eq!(modules(&estate, "fresh.db"), expected);
}

#[test]
fn repositories_in_an_ignored_directory_track_their_files_themselves() {
    let estate = Estate::new();
    let git = estate.git("r");
    estate.write("r/flake.nix", FLAKE);
    for place in ["own", "submodule", "became", "plain"] {
        estate.write(&format!("r/vendor/{place}/m.nix"), MODULE);
    }
    estate.write("r/vendor-like/m.nix", MODULE);
    git.run(&["add", "vendor/plain", "vendor/became"]);
    let id = git.commit_all("first");
    git.run(&["rm", "-q", "-r", "--cached", "vendor/own", "vendor/submodule"]);
    for place in ["own", "became"] {
        let inner = estate.git(&format!("r/vendor/{place}"));
        inner.commit_all("inner");
    }
    git.run(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},vendor/submodule")]);
    estate.write("r/.gitignore", "vendor/\n/vendor-like\n");
    assert_eq!(modules(&estate, "fresh.db"), ["vendor-like/m.nix", "vendor/plain/m.nix"]);
    for place in ["own", "submodule", "became"] {
        assert!(!is_seen(&estate, &format!("r/vendor/{place}/m.nix"), &[]), "{place}");
    }
}

#[test]
fn a_work_tree_of_a_bare_repository_is_asked_by_its_own_index() {
    let estate = Estate::new();
    let git = repository(&estate);
    ignore(&estate, &git);
    let places = ["bare.git", "one", "two"].map(|name| estate.root().join(name).display().to_string());
    let [bare, one, two] = &places;
    git.run(&["clone", "-q", "--bare", ".", bare]);
    let bare = Git::at(Path::new(bare));
    bare.run(&["worktree", "add", "-q", "-b", "first", one]);
    bare.run(&["worktree", "add", "-q", "-b", "second", two]);
    Git::at(Path::new(two)).run(&["rm", "-q", "--cached", "lib/m.nix", "sub/flake.nix", "sub/flake.lock"]);
    fs::remove_dir_all(estate.root().join("r")).expect("removed");
    let session = fresh(&estate, "fresh.db");
    let inside = |path: String| path.replace(&format!("{}/", estate.root().display()), "");
    let flakes: Vec<String> =
        column(&session, "SELECT path FROM v1_flakes ORDER BY 1").into_iter().map(inside).collect();
    assert_eq!(flakes, ["one", "one/sub", "two"]);
    let modules = column(&session, "SELECT path FROM v1_modules WHERE valid_to IS NULL ORDER BY 1");
    assert_eq!(modules, ["lib/m.nix", "one/file.nix", "one/file.nix"]);
}

#[test]
fn the_other_file_of_a_flake_that_is_not_tracked_is_said_to_be_ignored() {
    let estate = Estate::new();
    let git = repository(&estate);
    ignore(&estate, &git);
    let said = |file: &str| {
        git.run(&["rm", "-q", "--cached", file]);
        let report = estate.scan_with(&request(&estate));
        git.run(&["add", "--force", file]);
        report.problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("\n")
    };
    let messages = said("sub/flake.lock");
    assert!(messages.contains("flake.lock is ignored by git, so Nix does not see it"), "{messages}");
    let messages = said("sub/flake.nix");
    assert!(messages.contains("flake.nix is ignored by git, so Nix sees neither it"), "{messages}");
}

#[test]
fn an_index_that_cannot_be_read_says_nothing_of_what_is_recorded() {
    let estate = Estate::new();
    let git = repository(&estate);
    ignore(&estate, &git);
    estate.scan_with(&request(&estate));
    let before = estate.flakes();
    let index = estate.root().join("r/.git/index");
    let whole = fs::read(&index).expect("the index");
    fs::write(&index, "no index").expect("damaged");
    let report = estate.scan_with(&request(&estate));
    assert_eq!((report.removed, estate.flakes()), (0, before), "{report:?}");
    let codes = Estate::codes(&report);
    assert!(codes.contains(&"git-unreadable") && codes.contains(&"not-reachable"), "{report:?}");
    fs::write(&index, whole).expect("mended");
    let report = estate.scan_with(&request(&estate));
    assert!(!Estate::codes(&report).contains(&"not-reachable"), "{report:?}");
}

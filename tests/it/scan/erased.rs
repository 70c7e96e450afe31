//! Scans after something was taken out of the ledger, or brought into another one: what is there is seen again, and what was
//! forgotten is not.

use cim_domain_nix::app::edit::{self, EditFailure, Locking, Operation, Wanted, Writing};
use cim_domain_nix::app::upkeep;

use super::*;

/// Erases the last event of a kind.
fn erase(estate: &Estate, kind: &str) {
    let events = estate.session.store.reader().expect("a reader").recorded(0, 1_000).expect("events");
    let event = events.iter().rfind(|event| event.kind == kind).expect("such an event");
    upkeep::erase(&estate.session, event.event_id, "a test").expect("it is erased");
}

#[test]
fn what_an_erased_event_said_is_observed_again_when_it_is_still_so() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    estate.write("a/flake.lock", &lock('b'));
    estate.scan();
    let revision = || column(&estate.session, "SELECT substr(rev, 1, 1) FROM v1_lock_nodes");
    erase(&estate, "flake.updated");
    assert_eq!(revision(), ["a"]);
    let report = estate.scan();
    assert_eq!((report.events, revision()), (1, vec!["b".to_owned()]));
    assert_eq!(estate.types().last().map(String::as_str), Some("flake.updated"));
    erase(&estate, "flake.discovered");
    estate.scan();
    assert_eq!((estate.flakes(), revision()), (vec![estate.root().join("a")], vec!["b".to_owned()]));
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_problem_whose_event_was_erased_is_found_again() {
    let estate = Estate::new();
    let broken = "{ outputs = ; }";
    for (file, text) in [("a/flake.nix", broken), ("c/flake.lock", "{")] {
        let file = estate.write(file, text);
        estate.scan();
        let open = || {
            let sql = format!("SELECT path FROM v1_problems WHERE path = '{}'", file.display());
            column(&estate.session, &sql).len()
        };
        let before = open();
        assert!(before > 0);
        erase(&estate, "finding.raised");
        assert_eq!(open(), 0);
        assert!(estate.scan().events > 0);
        assert_eq!(open(), before);
        assert_eq!(estate.scan().events, 0);
    }
}

/// Erases the first event of a kind that is not blank.
fn erase_first(estate: &Estate, kind: &str) -> upkeep::Erased {
    let events = estate.session.store.reader().expect("a reader").recorded(0, 1_000).expect("events");
    let event = events.iter().find(|event| event.kind == kind && !event.is_erased()).expect("such an event");
    upkeep::erase(&estate.session, event.event_id, "a test").expect("it is erased")
}

/// Finds a flake and edits it.
fn edited(estate: &Estate, flake: &str) {
    estate.write(&format!("{flake}/flake.nix"), FLAKE);
    estate.write(&format!("{flake}/flake.lock"), &lock('a'));
    estate.scan();
    let url = Operation::SetUrl { name: "nixpkgs".to_owned(), url: format!("github:NixOS/{flake}") };
    let draft = edit::draft(&estate.root().join(flake), "set_url", &[url]).expect("a plan");
    let scan = ScanRequest::default();
    let writing = Writing { session: Some(&estate.session), scan: &scan, locking: Locking::Never, search: None };
    edit::write(&draft, &writing).expect("it is written");
}

/// The flakes of whose edits a text is kept.
fn kept(estate: &Estate) -> Vec<String> {
    let kept = "SELECT cast(path AS TEXT) FROM edits WHERE undo NOT IN ('\"erased\"', '\"all_erased\"') ORDER BY path";
    let paths = column(&estate.session, kept);
    let flake = |path: &String| path.trim_end_matches("/flake.nix").rsplit('/').next().map(str::to_owned);
    paths.iter().filter_map(flake).collect()
}

fn forget_flake(estate: &Estate, flake: &str) {
    let known = view::known_flakes(&estate.session.store.reader().expect("a reader")).expect("flakes");
    let place = estate.root().join(flake);
    let flake = known.iter().find(|known| known.directory.to_path() == place).expect("it is known");
    forget::forget(&estate.session, flake.id).expect("it is forgotten");
}

#[test]
fn what_edits_of_a_flake_replaced_is_erased_with_its_events() {
    let estate = Estate::new();
    for flake in ["a", "b"] {
        edited(&estate, flake);
    }
    erase(&estate, "flake.input_changed");
    let refused = edit::undo(&estate.session, Wanted::Last(Path::new("/"))).expect_err("it was erased");
    assert!(matches!(&refused, EditFailure::NotKept { why, .. } if why.contains("erased")), "{refused}");
    assert_eq!(kept(&estate), ["a"]);
}

#[test]
fn what_edits_elsewhere_replaced_stays_when_a_flake_is_forgotten_and_its_events_are_erased() {
    for moves in [false, true] {
        let estate = Estate::new();
        for flake in ["p", "q"] {
            edited(&estate, flake);
        }
        if moves {
            fs::rename(estate.root().join("p"), estate.root().join("moved")).expect("moved");
            estate.scan();
        }
        forget_flake(&estate, if moves { "moved" } else { "p" });
        // With the last of them it is told nowhere any more where it was: its own edits are blank by then.
        for kind in ["flake.discovered", "flake.input_changed", "flake.forgotten"] {
            assert!(!erase_first(&estate, kind).all_edits, "{kind}");
            assert_eq!(kept(&estate), ["q"], "p is where it was edited, and where it went");
        }
        edit::undo(&estate.session, Wanted::Last(Path::new("/"))).expect("the edit of q is taken back");
    }
}

#[test]
fn what_every_edit_replaced_is_erased_when_nothing_says_any_more_where_the_flake_was() {
    let estate = Estate::new();
    for flake in ["p", "q"] {
        edited(&estate, flake);
    }
    forget_flake(&estate, "p");
    for kind in ["flake.discovered", "flake.forgotten"] {
        assert!(!erase_first(&estate, kind).all_edits, "{kind}");
    }
    assert!(erase_first(&estate, "flake.input_changed").all_edits);
    assert_eq!(kept(&estate), [""; 0]);
    let refused = edit::undo(&estate.session, Wanted::Last(Path::new("/"))).expect_err("it was erased");
    assert!(matches!(&refused, EditFailure::NotKept { why, .. } if why.contains("place is not known")), "{refused}");
}

#[test]
fn what_alone_says_that_a_flake_was_forgotten_is_not_erased() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.scan();
    forget_flake(&estate, "a");
    let events = estate.session.store.reader().expect("a reader").recorded(0, 1_000).expect("events");
    let forgotten = events.iter().find(|event| event.kind == "flake.forgotten").expect("such an event").event_id;
    let refused = upkeep::erase(&estate.session, forgotten, "a test").expect_err("it would be there again");
    assert!(refused.to_string().contains("erase its `flake.discovered` first"), "{refused}");
    erase(&estate, "flake.discovered");
    upkeep::erase(&estate.session, forgotten, "a test").expect("nothing says that there was a flake");
    estate.scan();
    assert!(estate.flakes().is_empty());
    // Where it was remembered meanwhile, nothing hangs on it.
    estate.write("b/flake.nix", FLAKE);
    estate.scan();
    forget_flake(&estate, "b");
    estate.scan_with(&ScanRequest { paths: vec![estate.root().join("b")], ..ScanRequest::default() });
    erase(&estate, "flake.forgotten");
    assert_eq!(estate.flakes(), [estate.root().join("b")]);
}

#[test]
fn a_commit_that_is_gone_is_said_to_be_so_again_where_the_event_that_said_it_was_erased() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    for revision in ['a', 'b'] {
        estate.write("a/flake.lock", &lock(revision));
        git.commit_all("Update");
    }
    estate.scan();
    git.run(&["reset", "--hard", "--quiet", "HEAD~1"]);
    estate.scan();
    let reachable = || {
        column(&estate.session, "SELECT reachable || '' FROM v1_input_history WHERE source = 'git' ORDER BY position")
    };
    assert_eq!(reachable(), ["1", "0"]);
    erase(&estate, "lock_history.unreachable");
    assert_eq!(reachable(), ["1", "1"]);
    assert_eq!((estate.scan().events, reachable()), (1, vec!["1".to_owned(), "0".to_owned()]));
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn what_was_forgotten_stays_so_where_the_ledger_is_imported() {
    let estate = Estate::new();
    for flake in ["a", "b", "c"] {
        estate.write(&format!("{flake}/flake.nix"), FLAKE);
    }
    estate.scan();
    for flake in ["a", "b"] {
        forget_flake(&estate, flake);
    }
    // Scanned by its name it is remembered.
    estate.scan_with(&ScanRequest { paths: vec![estate.root().join("b")], ..ScanRequest::default() });
    let export = estate.database().with_extension("jsonl");
    let mut file = fs::File::create(&export).expect("a file");
    estate.session.store.export(&mut file, &export).expect("an export");
    let elsewhere = estate.database().with_extension("imported");
    open(&elsewhere).store.import(&export).expect("an import");
    let session = open(&elsewhere);
    let forgotten = || session.store.reader().expect("a reader").forgotten().expect("places");
    let places: Vec<_> = forgotten().into_iter().map(|(path, _)| path).collect();
    assert_eq!(places, [estate.root().join("a")]);
    let request = ScanRequest { paths: vec![estate.root()], ..ScanRequest::default() };
    scan(&session, &request, &|_| {}, &AtomicBool::new(false)).expect("the scan works");
    let there = "SELECT path FROM v1_flakes ORDER BY path";
    let expected = ["b", "c"].map(|flake| estate.root().join(flake).display().to_string());
    assert_eq!(column(&session, there), expected);
}

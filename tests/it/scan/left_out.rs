//! What scans leave out: by the user's patterns, by git's rules, because it was forgotten, or behind a link.

use cim_domain_nix::app::roots;
use cim_domain_nix::app::sync::consent::{self, Which};
use cim_domain_nix::store::view::At;

use super::*;

/// Three flakes that say different things, the first with a lock.
fn three() -> Estate {
    let estate = Estate::new();
    for place in ["a", "b", "c"] {
        estate.write(&format!("{place}/flake.nix"), &FLAKE.replace("A test", place));
    }
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    estate
}

fn excluding(estate: &Estate, patterns: &[&str]) -> ScanReport {
    let excludes = patterns.iter().map(ToString::to_string).collect();
    estate.scan_with(&ScanRequest { paths: vec![estate.root()], excludes, history: true, ..ScanRequest::default() })
}

/// The paths that a scan left out, from the root.
fn left_out(estate: &Estate, report: &ScanReport) -> Vec<String> {
    let inside = |path: &Path| path.strip_prefix(estate.root()).expect("in the root").display().to_string();
    report.left_out.iter().map(|one| inside(&one.path)).collect()
}

#[test]
fn a_known_flake_that_a_pattern_leaves_out_is_neither_gone_nor_wrong() {
    let estate = three();
    let before = (estate.types(), estate.flakes());
    for patterns in [&["a/"][..], &["a/flake.nix"], &["/a"]] {
        let report = excluding(&estate, patterns);
        assert_eq!(
            (left_out(&estate, &report), report.seen, report.events),
            (vec!["a".to_owned()], 2, 0),
            "{report:?}"
        );
        assert!(!Estate::codes(&report).contains(&"not-reachable"), "{report:?}");
        assert!(report.left_out[0].why.contains(patterns[0]), "{report:?}");
    }
    assert_eq!((estate.types(), estate.flakes()), before);
    let whole = estate.scan();
    assert_eq!((whole.events, whole.left_out.len()), (0, 0), "{whole:?}");
    fs::remove_dir_all(estate.root().join("a")).expect("removed");
    let gone = excluding(&estate, &["a/"]);
    assert_eq!((gone.removed, gone.left_out.len()), (1, 0), "what is not there was not left out: {gone:?}");
}

#[test]
fn what_git_leaves_out_by_now_is_said_with_the_rule() {
    let estate = three();
    estate.git("b");
    estate.write("b/.gitignore", "flake.nix\n");
    let report = estate.scan();
    let problem = report.problems.iter().find(|problem| problem.code == "not-reachable").expect("it is said");
    assert!(problem.message.contains(".gitignore:1"), "{problem:?}");
}

#[test]
fn a_lock_that_a_pattern_leaves_out_is_not_looked_at() {
    let estate = three();
    let nodes = || column(&estate.session, "SELECT key FROM v1_lock_nodes");
    let problems = || column(&estate.session, "SELECT code || message FROM v1_problems ORDER BY 1");
    let before = (estate.types(), nodes(), problems());
    estate.write("a/flake.lock", &lock('b'));
    for _ in 0..2 {
        let report = excluding(&estate, &["flake.lock"]);
        assert_eq!((left_out(&estate, &report), report.events), (vec!["a/flake.lock".to_owned()], 0), "{report:?}");
        assert_eq!((estate.types(), nodes(), problems()), before);
    }
    assert_eq!(estate.scan().changed, 1, "and it is looked at again");
    estate.write("d/flake.nix", FLAKE);
    estate.write("d/flake.lock", &lock('a'));
    let report = excluding(&estate, &["flake.lock"]);
    let said: Vec<_> =
        report.problems.iter().filter(|problem| problem.path.starts_with(estate.root().join("d"))).collect();
    assert!(report.new == 1 && said.is_empty(), "nobody knows whether it is locked: {report:?}");
}

#[test]
fn a_flake_that_git_tracks_is_seen_though_its_rules_leave_it_out() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/.gitignore", "flake.nix\n");
    let nix = estate.write("a/flake.nix", FLAKE);
    git.commit_all("first");
    assert_eq!((estate.scan().seen, estate.flakes().len()), (0, 0));
    let is_seen = || {
        let explained = cim_domain_nix::app::explain::explain(&nix, &[estate.root()], &[]).expect("an answer");
        explained.verdict == cim_domain_nix::app::explain::Verdict::Seen
    };
    assert!(!is_seen());
    git.run(&["add", "--force", "flake.nix"]);
    let report = estate.scan();
    assert_eq!((report.new, estate.flakes()), (1, vec![estate.root().join("a")]), "{report:?}");
    assert!(is_seen());
    let again = estate.scan();
    assert_eq!((again.seen, again.events), (1, 0), "{again:?}");
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
    let moved = estate.scan();
    assert_eq!((moved.new, moved.changed, estate.flakes()), (0, 1, vec![estate.root().join("b")]), "{moved:?}");
}

#[test]
fn a_flake_whose_file_is_a_dead_link_is_told_once() {
    let estate = three();
    let nix = estate.root().join("b/flake.nix");
    fs::remove_file(&nix).expect("removed");
    std::os::unix::fs::symlink("/nowhere/at/all", &nix).expect("a link");
    let report = estate.scan();
    let said: Vec<_> = report.problems.iter().filter(|problem| nix.starts_with(&problem.path)).collect();
    assert!(said.len() == 1 && said[0].code == "unreadable" && said[0].path == nix, "{said:?}");
    assert_eq!(report.removed, 0);
}

fn forget_flake(estate: &Estate, place: &str) {
    let reader = estate.session.store.reader().expect("a reader");
    let path = cim_domain_nix::domain::path::RecordedPath::new(&estate.root().join(place));
    let flake = view::flake_at(&reader, &path, At::Now).expect("the flake");
    forget::forget(&estate.session, flake.id).expect("forgotten");
}

#[test]
fn a_forgotten_flake_stays_forgotten_where_it_goes_until_that_is_named() {
    let estate = three();
    forget_flake(&estate, "b");
    let root = estate.root();
    fs::create_dir(root.join("deep")).expect("a directory");
    let places = ["b", "renamed", "deep/moved"];
    for (from, to) in places.iter().zip(&places[1..]) {
        fs::rename(root.join(from), root.join(to)).expect("renamed");
        let report = estate.scan();
        assert_eq!((report.new, left_out(&estate, &report)), (0, vec![(*to).to_owned()]), "{report:?}");
        let again = estate.scan();
        assert_eq!((again.events, again.left_out.len()), (0, 0), "it is said once: {again:?}");
    }
    estate.write("other/flake.nix", &FLAKE.replace("A test", "another one"));
    assert_eq!(estate.scan().new, 1, "what is no forgotten flake is recorded");
    let named = ScanRequest { paths: vec![root.join("deep/moved")], ..ScanRequest::default() };
    assert_eq!(estate.scan_with(&named).new, 1);
    estate.scan();
    assert!(estate.flakes().contains(&root.join("deep/moved")), "and it stays");
}

#[test]
fn what_is_made_anew_like_a_forgotten_flake_that_is_gone_is_another_flake() {
    let estate = three();
    forget_flake(&estate, "b");
    fs::remove_dir_all(estate.root().join("b")).expect("removed");
    estate.scan();
    estate.write("fresh/flake.nix", &FLAKE.replace("A test", "b"));
    let report = estate.scan();
    assert_eq!((report.new, report.left_out.len()), (1, 0), "{report:?}");
}

#[test]
fn a_copy_of_a_forgotten_flake_is_another_flake() {
    let estate = three();
    forget_flake(&estate, "b");
    estate.write("copy/flake.nix", &FLAKE.replace("A test", "b"));
    assert_eq!(estate.scan().new, 1);
}

#[test]
fn flakes_follow_a_root_that_a_link_took_the_place_of() {
    let paths: [fn(&Estate) -> Vec<PathBuf>; 3] = [
        |_| Vec::new(),
        |estate| vec![estate.database().with_file_name("src")],
        |estate| vec![estate.database().with_file_name("else where")],
    ];
    for named in paths {
        let estate = Estate::new();
        // Alike, so that only the link tells which one went where.
        for place in ["a", "b"] {
            estate.write(&format!("{place}/flake.nix"), FLAKE);
            estate.write(&format!("{place}/m.nix"), "let unused = 1; in 2");
        }
        estate.scan();
        // A private one goes along.
        consent::share(&estate.session, &Which::All).unwrap();
        let (root, elsewhere) = (estate.root(), estate.root().with_file_name("else where"));
        let ids = || column(&estate.session, "SELECT path || id FROM v1_flakes ORDER BY path");
        let moved: Vec<String> = ids()
            .iter()
            .map(|row| row.replace(root.to_str().expect("text"), elsewhere.to_str().expect("text")))
            .collect();
        fs::rename(&root, &elsewhere).expect("renamed");
        std::os::unix::fs::symlink(&elsewhere, &root).expect("a link");
        let request = ScanRequest { paths: named(&estate), history: true, ..ScanRequest::default() };
        let report = estate.scan_with(&request);
        assert_eq!((report.new, report.removed, report.changed), (0, 0, 2), "{report:?}");
        assert_eq!(ids(), moved);
        for again in
            [estate.scan_with(&request), estate.scan_with(&ScanRequest { history: true, ..ScanRequest::default() })]
        {
            assert_eq!((again.seen, again.events), (2, 0), "{again:?}");
            let codes = Estate::codes(&again);
            assert!(!codes.contains(&"not-reachable"), "{again:?}");
            assert_eq!(codes.contains(&"root-is-a-link"), request.paths.is_empty(), "{again:?}");
            let command = format!("`cim-nix scan '{}'`", elsewhere.display());
            let advice = again.problems.iter().find(|problem| problem.code == "root-is-a-link");
            assert!(advice.is_none_or(|advice| advice.message.contains(&command)), "one word for a shell: {advice:?}");
        }
        roots::add(&estate.session, &elsewhere).expect("a root");
        assert_eq!(roots::forget(&estate.session, &root).expect("forgotten"), root, "and not where the link leads");
        let after = estate.scan_with(&ScanRequest { history: true, ..ScanRequest::default() });
        assert_eq!((after.seen, Estate::codes(&after).contains(&"root-is-a-link")), (2, false), "{after:?}");
    }
}

#[test]
fn a_root_behind_a_link_to_another_tree_is_not_that_tree() {
    let estate = three();
    let (root, away) = (estate.root(), estate.root().with_file_name("away"));
    fs::rename(&root, &away).expect("renamed");
    let other = estate.database().with_file_name("other");
    fs::create_dir_all(other.join("a")).expect("a directory");
    fs::write(other.join("a/flake.nix"), FLAKE.replace("A test", "something else")).expect("written");
    std::os::unix::fs::symlink(&other, &root).expect("a link");
    let report = estate.scan_with(&ScanRequest::default());
    assert_eq!((report.new, report.removed), (1, 3), "{report:?}");
}

#[test]
fn a_directory_that_git_ignores_is_a_root_once_a_person_names_it() {
    let estate = Estate::new();
    let git = estate.git("r");
    estate.write("r/flake.nix", FLAKE);
    estate.write("r/.gitignore", "/trees\n/lib\n");
    estate.write("r/lib/m.nix", "{ }");
    git.commit_all("first");
    git.run(&["add", "--force", "lib"]);
    estate.write("r/trees/one/flake.nix", FLAKE);
    let roots = || estate.session.store.reader().unwrap().roots().unwrap();
    assert_eq!(estate.scan().seen, 1);
    consent::share(&estate.session, &Which::All).unwrap();
    // Whoever scans unasked makes none of it.
    let trees = estate.root().join("r/trees");
    let named = |path: &Path| ScanRequest { paths: vec![path.to_owned()], ..ScanRequest::default() };
    let unasked = ScanRequest { keep_forgotten: true, ..named(&trees) };
    assert_eq!(estate.scan_with(&unasked), ScanReport::default());
    assert_eq!(roots().len(), 1);
    let report = estate.scan_with(&named(&trees));
    assert_eq!((report.seen, report.new), (1, 1), "{report:?}");
    let shared: Vec<_> = roots().into_iter().map(|root| (root.path, root.shared)).collect();
    assert_eq!(shared, [(estate.root(), true), (trees.clone(), false)]);
    // Scans of everything, and of the root around it, leave its flakes where they are.
    for request in [ScanRequest::default(), named(&estate.root()), named(&trees)] {
        let report = estate.scan_with(&request);
        assert_eq!((report.removed, report.new, report.events), (0, 0, 0), "{report:?}");
    }
    // What git tracks is part of what is around it.
    estate.scan_with(&named(&estate.root().join("r/lib")));
    assert_eq!(roots().len(), 2);
    // What a repository in an ignored directory tracks is not.
    let inner = estate.git("r/deps/inner");
    estate.write("r/.gitignore", "/trees\n/lib\n/deps\n");
    estate.write("r/deps/inner/sub/flake.nix", FLAKE);
    inner.commit_all("first");
    estate.scan_with(&named(&estate.root().join("r/deps/inner/sub")));
    assert_eq!(roots().len(), 3);
}

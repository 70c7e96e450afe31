//! Watching real directories: what is replaced, removed, brought back or made anew is seen as soon as the system tells,
//! and nothing is scanned that a scan of everything would leave out.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test that cannot build its world fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cim_domain_nix::app::forget;
use cim_domain_nix::app::roots;
use cim_domain_nix::app::scan::ScanRequest;
use cim_domain_nix::app::watch::{self, Told};
use cim_domain_nix::store::view::{self, At, Whose};

use super::git_program::Git;
use super::scan::{Estate, lock};

mod limits;

/// Long after an edit is over, and everything that follows from it is done.
const SETTLED: Duration = Duration::from_millis(1_500);

/// An estate that was scanned and is watched; no scan of everything comes but the first.
struct Watched<'a> {
    estate: &'a Estate,
    root: PathBuf,
    scans: &'a AtomicUsize,
}

/// Ends the watching, also when the test fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn while_watched(estate: &Estate, test: impl FnOnce(&Watched<'_>)) {
    estate.scan();
    let (stop, scans) = (AtomicBool::new(false), AtomicUsize::new(0));
    let tell = |what: Told<'_>| {
        if let Told::Scanned(report) = what {
            assert!(report.is_ok(), "{report:?}");
            scans.fetch_add(1, Ordering::Relaxed);
        }
    };
    let request = ScanRequest { history: true, threads: 1, ..ScanRequest::default() };
    std::thread::scope(|scope| {
        let _ending = Ending(&stop);
        scope.spawn(|| watch::run(&estate.session, &request, Duration::from_hours(1), &stop, &tell));
        let watched = Watched { estate, root: estate.root(), scans: &scans };
        watched.until("a first scan", || scans.load(Ordering::Relaxed) > 0);
        test(&watched);
    });
}

impl Watched<'_> {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(10), "no {what}: {:#?}", self.estate.types());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many scans there were when none has come for a while.
    fn scans_until_quiet(&self) -> usize {
        loop {
            let scans = self.scans.load(Ordering::Relaxed);
            std::thread::sleep(SETTLED);
            if self.scans.load(Ordering::Relaxed) == scans {
                return scans;
            }
        }
    }

    fn is_known(&self, path: &str) -> bool {
        self.estate.flakes().contains(&self.at(path))
    }

    /// Edits a flake more than once: the first edit may be seen with what was done to it before.
    fn sees_edits_of(&self, path: &str) {
        for round in ["once", "twice", "three times"] {
            describe(self.estate, path, round);
            self.until(&format!("edit of {path} {round}"), || self.description(path).as_deref() == Some(round));
        }
    }

    fn description(&self, path: &str) -> Option<String> {
        let reader = self.estate.session.store.reader().expect("a reader");
        let flakes = view::flakes(&reader, Whose::Own, At::Now).expect("flakes");
        flakes.into_iter().find(|flake| flake.path.to_path() == self.at(path)).and_then(|flake| flake.description)
    }
}

fn describe(estate: &Estate, path: &str, words: &str) {
    estate.write(&format!("{path}/flake.nix"), &format!("{{ description = \"{words}\"; outputs = _: {{ }}; }}"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a listing") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).expect("a copy");
        }
    }
}

#[test]
fn a_directory_that_is_replaced_by_another_of_its_name_is_watched_on() {
    let estate = Estate::new();
    describe(&estate, "moved", "a");
    describe(&estate, "made/again", "b");
    describe(&estate, "whole/of/one", "c");
    while_watched(&estate, |watched| {
        let beside = watched.root.parent().expect("a folder").join("beside");
        fs::rename(watched.at("moved"), &beside).expect("moved away");
        copy(&beside, &watched.at("moved"));
        watched.sees_edits_of("moved");
        // As often as not it has the number of the one that was there.
        fs::remove_dir_all(watched.at("made/again")).expect("removed");
        describe(&estate, "made/again", "b");
        watched.sees_edits_of("made/again");
        fs::rename(watched.at("whole"), beside.join("whole")).expect("moved away");
        copy(&beside.join("whole"), &watched.at("whole"));
        watched.sees_edits_of("whole/of/one");
    });
}

#[test]
fn a_work_tree_that_is_removed_and_added_again_is_watched_on() {
    let estate = Estate::new();
    let folder = estate.root().parent().expect("a folder").join("main");
    fs::create_dir(&folder).expect("a directory");
    let git = Git::init(&folder);
    fs::write(folder.join("flake.nix"), "{ outputs = _: { }; }").expect("written");
    git.commit_all("one");
    let tree = estate.root().join("tree").display().to_string();
    git.run(&["worktree", "add", "-q", &tree, "-b", "work"]);
    while_watched(&estate, |watched| {
        git.run(&["worktree", "remove", "--force", &tree]);
        git.run(&["worktree", "add", "-q", &tree, "work"]);
        watched.sees_edits_of("tree");
        // That it is a repository is still known as well.
        estate.write("tree/flake.lock", &lock('b'));
        let inside = Git::at(&watched.at("tree"));
        inside.commit_all("two");
        watched.until("commit", || estate.types().iter().any(|kind| kind == "lock_history.recorded"));
    });
}

#[test]
fn a_root_that_is_removed_and_made_again_is_watched_on() {
    for is_seen_between in [true, false] {
        let estate = Estate::new();
        describe(&estate, "one", "a");
        while_watched(&estate, |watched| {
            let root = estate.root();
            fs::remove_dir_all(&root).expect("removed");
            if is_seen_between {
                std::thread::sleep(SETTLED);
                assert!(watched.is_known("one"), "it may be on a disk that is not mounted");
            }
            fs::create_dir(&root).expect("made again");
            std::thread::sleep(SETTLED);
            describe(&estate, "two", "b");
            watched.until("new flake", || watched.is_known("two") && !watched.is_known("one"));
            watched.sees_edits_of("two");
        });
    }
}

#[test]
fn a_flake_that_comes_back_is_seen_at_once() {
    let estate = Estate::new();
    describe(&estate, "one", "a");
    describe(&estate, "deep/down/two", "b");
    let git = estate.git("three");
    describe(&estate, "three/at/last", "c");
    describe(&estate, "three", "c");
    git.commit_all("one");
    git.run(&["checkout", "-q", "--orphan", "empty"]);
    git.run(&["rm", "-rfq", "."]);
    git.commit_all("nothing");
    git.run(&["checkout", "-q", "main"]);
    while_watched(&estate, |watched| {
        fs::remove_file(watched.at("one/flake.nix")).expect("removed");
        watched.until("removal", || !watched.is_known("one"));
        watched.sees_edits_of("one");
        fs::remove_dir_all(watched.at("deep")).expect("removed");
        watched.until("removal", || !watched.is_known("deep/down/two"));
        watched.sees_edits_of("deep/down/two");
        for _ in 0..2 {
            git.run(&["checkout", "-q", "empty"]);
            watched.until("removal", || !watched.is_known("three") && !watched.is_known("three/at/last"));
            git.run(&["checkout", "-q", "main"]);
            watched.until("both back", || watched.is_known("three") && watched.is_known("three/at/last"));
        }
        watched.sees_edits_of("three/at/last");
    });
}

#[test]
fn a_flake_whose_files_are_moved_to_another_directory_that_is_there_has_moved() {
    let estate = Estate::new();
    describe(&estate, "from", "a");
    estate.write("from/flake.lock", &lock('a'));
    for path in ["from/notes", "to/notes", "to/the/notes"] {
        estate.write(path, "these stay");
    }
    while_watched(&estate, |watched| {
        for name in ["flake.nix", "flake.lock"] {
            fs::rename(watched.at("from").join(name), watched.at("to/the").join(name)).expect("moved");
        }
        watched.until("move", || watched.is_known("to/the"));
        let told = |kind: &str| estate.types().iter().filter(|told| *told == kind).count();
        assert_eq!((told("flake.moved"), told("flake.removed")), (1, 0), "{:#?}", estate.types());
        watched.sees_edits_of("to/the");
        let scans = watched.scans.load(Ordering::Relaxed);
        fs::remove_file(watched.at("to/the/flake.nix")).expect("removed");
        watched.until("removal", || told("flake.removed") == 1);
        std::thread::sleep(SETTLED);
        assert!(watched.scans.load(Ordering::Relaxed) <= scans + 3, "once it is removed, it is looked for no more");
    });
}

#[test]
fn a_flake_that_is_made_in_a_root_or_above_another_is_seen_at_once() {
    let estate = Estate::new();
    describe(&estate, "many/one", "a");
    while_watched(&estate, |watched| {
        for path in ["many", "."] {
            describe(&estate, path, "new");
            watched.until(path, || watched.is_known(path));
        }
        watched.sees_edits_of("many");
        let reader = estate.session.store.reader().expect("a reader");
        let known = view::known_flakes(&reader).expect("flakes");
        let many = known.iter().find(|flake| flake.directory.to_path() == watched.at("many")).expect("many");
        forget::forget(&estate.session, many.id).expect("forgotten");
        // Whether there is one more look is for when the watching read what is known: before it was forgotten, or after.
        describe(&estate, "many", "not for the ledger");
        let scans = watched.scans_until_quiet();
        // Its directory is watched on for the sake of the one below it, and is no reason to scan.
        describe(&estate, "many", "nor is this");
        std::thread::sleep(SETTLED);
        assert_eq!((watched.is_known("many"), watched.scans.load(Ordering::Relaxed)), (false, scans));
    });
}

#[test]
fn a_flake_that_cannot_be_read_yet_is_looked_for_when_it_can_be() {
    let estate = Estate::new();
    while_watched(&estate, |watched| {
        let scans = watched.scans.load(Ordering::Relaxed);
        fs::create_dir(watched.at("flake.nix")).expect("a directory of that name");
        for text in ["one", "two"] {
            std::thread::sleep(SETTLED);
            estate.write("beside", text);
        }
        std::thread::sleep(SETTLED);
        assert_eq!(watched.scans.load(Ordering::Relaxed), scans);
        fs::remove_dir(watched.at("flake.nix")).expect("removed");
        watched.sees_edits_of(".");
    });
}

#[test]
fn a_flake_that_is_written_some_time_after_its_directory_was_made_is_seen_at_once() {
    let estate = Estate::new();
    describe(&estate, "one", "a");
    while_watched(&estate, |watched| {
        for path in ["fresh", "x/y/z", "x/y/z/below", "one/inside"] {
            fs::create_dir_all(watched.at(path)).expect("a directory");
            std::thread::sleep(SETTLED);
            describe(&estate, path, "new");
            watched.until(path, || watched.is_known(path));
        }
        watched.sees_edits_of("x/y/z");
        // Files without a flake among them are nothing to scan.
        fs::create_dir(watched.at("build")).expect("a directory");
        std::thread::sleep(SETTLED);
        let scans = watched.scans.load(Ordering::Relaxed);
        estate.write("build/output", "text");
        std::thread::sleep(SETTLED);
        assert_eq!(watched.scans.load(Ordering::Relaxed), scans);
    });
}

#[test]
fn a_watched_flake_that_becomes_a_repository_is_looked_at_with_its_first_commit() {
    let estate = Estate::new();
    describe(&estate, "one", "a");
    estate.write("one/flake.lock", &lock('a'));
    describe(&estate, "many/two", "b");
    estate.write("many/two/flake.lock", &lock('b'));
    while_watched(&estate, |watched| {
        for (path, commits) in [("one", 1), ("many", 2)] {
            let git = estate.git(path);
            git.commit_all("first");
            let recorded = || estate.types().iter().filter(|kind| *kind == "lock_history.recorded").count();
            watched.until("commit", || recorded() == commits);
        }
    });
}

#[test]
fn what_a_scan_of_everything_leaves_out_is_not_scanned_when_it_appears() {
    let estate = Estate::new();
    describe(&estate, ".", "the root itself");
    estate.git(".");
    estate.write(".gitignore", "/ignored/\n");
    while_watched(&estate, |watched| {
        for path in ["../beside", "node_modules/x", ".direnv", "ignored"] {
            describe(&estate, path, "not for the ledger");
        }
        std::thread::sleep(SETTLED);
        watched.sees_edits_of(".");
        let known: Vec<PathBuf> =
            roots::list(&estate.session).expect("roots").into_iter().map(|root| root.path).collect();
        assert_eq!((known, estate.flakes()), (vec![estate.root()], vec![estate.root()]));
    });
}

#[test]
fn a_flake_that_git_tracks_in_an_ignored_directory_is_watched_and_what_it_does_not_track_is_not() {
    let estate = Estate::new();
    let git = estate.git("r");
    describe(&estate, "r", "a");
    describe(&estate, "r/sub", "b");
    git.commit_all("one");
    estate.write("r/.gitignore", "sub/\n");
    while_watched(&estate, |watched| {
        watched.sees_edits_of("r/sub");
        describe(&estate, "r/sub/scratch", "c");
        describe(&estate, "r/sub", "again");
        watched.until("edit", || watched.description("r/sub").as_deref() == Some("again"));
        watched.scans_until_quiet();
        assert!(!watched.is_known("r/sub/scratch"));
        git.run(&["add", "--force", "sub/scratch/flake.nix"]);
        watched.until("new flake", || watched.is_known("r/sub/scratch"));
        watched.sees_edits_of("r/sub/scratch");
    });
}

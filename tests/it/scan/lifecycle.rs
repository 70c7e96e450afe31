//! Flakes come, change, move and go.

use cim_domain_nix::app::known;
use cim_domain_nix::app::observe::EXTRACTOR;
use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::app::sync::consent;
use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::domain::flake::Facts;
use cim_domain_nix::domain::flake::event::{FlakeEvent, ObserverChanged};
use cim_domain_nix::domain::id::EventId;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::lint::Selection;
use cim_domain_nix::store::view::At;
use cim_domain_nix::store::{Append, Expected, NewEvent, StoreError, StreamWrite};

use super::*;

#[test]
fn seeing_twice_stores_nothing() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    let first = estate.scan();
    assert_eq!((first.seen, first.new, first.changed, first.removed), (1, 1, 0, 0));
    assert!(first.events > 0);
    let commands = || {
        let reader = estate.session.store.reader().expect("a reader");
        reader.query_row("SELECT count(*) FROM commands", [], |row| row.get::<_, i64>(0)).expect("a number")
    };
    let before = commands();
    let second = estate.scan();
    assert_eq!(commands(), before, "not even that it was done");
    assert_eq!((second.seen, second.new, second.changed, second.removed, second.events), (1, 0, 0, 0, 0));
}

#[test]
fn a_touched_file_is_read_again_and_still_says_nothing() {
    let estate = Estate::new();
    let path = estate.write("a/flake.nix", FLAKE);
    estate.scan();
    fs::write(&path, FLAKE).expect("the same bytes");
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_changed_lock_is_one_event() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    estate.write("a/flake.lock", &lock('b'));
    let report = estate.scan();
    assert_eq!((report.changed, report.events), (1, 1));
    assert_eq!(estate.types().last().map(String::as_str), Some("flake.updated"));
}

/// What scans record while each text in turn is in the place of a file and the whole one after it.
fn broken_and_mended(name: &str, whole: &str, texts: &[&str]) {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    let before = estate.types().len();
    for text in texts {
        for (text, raised) in [(*text, true), (*text, true), (whole, false)] {
            estate.write(&format!("a/{name}"), text);
            let report = estate.scan();
            assert_eq!(!report.problems.is_empty(), raised, "{text}: {:?}", report.problems);
        }
    }
    let kinds = estate.types().split_off(before);
    assert!(kinds.iter().all(|kind| kind == "finding.raised" || kind == "finding.resolved"), "{kinds:?}");
    assert_eq!(kinds.len(), 2 * texts.len(), "the second look at the same text says nothing: {kinds:?}");
}

#[test]
fn a_flake_that_makes_no_sense_for_a_while_has_lost_nothing() {
    let conflict =
        FLAKE.replace("  inputs", "<<<<<<< HEAD\n=======\n  inputs.b.url = \"github:b/b\";\n>>>>>>> b\n  inputs");
    let texts = ["", "garbage", "[ 1 ]", "{ inputs = { ; outputs", &FLAKE[..60], &conflict, "import ./elsewhere.nix"];
    broken_and_mended("flake.nix", FLAKE, &texts);
}

#[test]
fn a_lock_that_makes_no_sense_for_a_while_has_lost_nothing() {
    let whole = lock('a');
    let (a, b) = (format!("{}\n", "a".repeat(40)), "b".repeat(40));
    let line = whole.lines().find(|line| line.contains(a.trim())).expect("a revision");
    let sides = format!("<<<<<<< HEAD\n{}\n=======\n{line}\n>>>>>>> b", line.replace(a.trim(), &b));
    let conflict = whole.replace(line, &sides);
    broken_and_mended("flake.lock", &whole, &["", "[]", "{}", "{", &whole[..whole.len() / 2], &conflict]);
}

#[test]
fn a_flake_that_makes_no_sense_at_first_is_what_could_be_made_out_and_changes_when_it_is_mended() {
    let estate = Estate::new();
    estate.write("a/flake.nix", &FLAKE.replace("lib.one = 1;", "lib.one = ;"));
    estate.write("a/flake.lock", "");
    estate.scan();
    let first = estate.types().len();
    estate.scan();
    assert_eq!(estate.types().len(), first);
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    let mut kinds = estate.types().split_off(first);
    kinds.retain(|kind| kind.starts_with("flake."));
    assert_eq!(kinds, ["flake.updated", "flake.outputs_changed"]);
}

#[test]
fn a_flake_that_makes_no_sense_is_known_again_where_it_moved_by_its_bytes() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    estate.write("a/flake.nix", &FLAKE.replace("lib.one", "= lib.one"));
    estate.scan();
    let before = estate.types().len();
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
    estate.scan();
    let mut kinds = estate.types().split_off(before);
    kinds.retain(|kind| kind.starts_with("flake."));
    assert_eq!(kinds, ["flake.moved"]);
}

/// As if an earlier extractor had read the flake, which saw no description.
fn read_otherwise(estate: &Estate) {
    let (session, reader) = (&estate.session, estate.session.store.reader().expect("a reader"));
    let id = view::known_flakes(&reader).expect("flakes")[0].id;
    let (flake, version) = known::flake(&reader, id).expect("its stream");
    let facts = Facts { description: None, ..flake.expect("it is there").facts };
    let event = Event::Flake(FlakeEvent::ObserverChanged(Box::new(ObserverChanged { from: EXTRACTOR, to: 0, facts })));
    let id_of_event = EventId::new(session.clock.new_id());
    let event = NewEvent { id: id_of_event, occurred_at: session.clock.now(), event, undoes: None };
    let (stream, expected) = (StreamId::flake(id), Expected::Version(version));
    let writes = vec![StreamWrite { stream, expected, events: vec![event] }];
    let command = session.command("test");
    session
        .store
        .append(Append { command, received_at: session.clock.now(), writes, notes: Vec::new() })
        .expect("stored");
}

#[test]
fn a_flake_that_another_extractor_reads_otherwise_is_known_again_where_it_moved_by_its_bytes() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    read_otherwise(&estate);
    let before = estate.types().len();
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
    estate.scan();
    let mut kinds = estate.types().split_off(before);
    kinds.retain(|kind| kind.starts_with("flake."));
    assert_eq!(kinds, ["flake.moved", "flake.observer_changed"], "the user changed nothing");
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_deleted_flake_is_removed_and_seen_again_it_is_discovered_on_the_same_stream() {
    let estate = Estate::new();
    let path = estate.write("a/flake.nix", FLAKE);
    estate.scan();
    fs::remove_dir_all(path.parent().expect("a directory")).expect("removed");
    let report = estate.scan();
    assert_eq!((report.seen, report.removed), (0, 1));
    assert_eq!(estate.flakes(), Vec::<PathBuf>::new());
    assert_eq!(estate.scan().events, 0);
    estate.write("a/flake.nix", FLAKE);
    estate.scan();
    assert_eq!(estate.flakes().len(), 1);
    let types = estate.types();
    assert_eq!(types.iter().filter(|kind| *kind == "flake.discovered").count(), 2);
}

#[test]
fn thousands_of_inputs_are_recorded_one_by_one_and_not_all_for_each() {
    use std::fmt::Write;
    let estate = Estate::new();
    let mut inputs = String::new();
    for number in 0..3_000 {
        writeln!(inputs, "  inputs.input-{number}.url = \"github:somebody/repository-{number}\";").expect("text");
    }
    estate.write("a/flake.nix", &format!("{{\n{inputs}  outputs = _: {{ }};\n}}\n"));
    let begun = std::time::Instant::now();
    let report = estate.scan();
    // Half a minute when all the others are written with every input.
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(report.events > 3_000, "{report:?}");
    let reader = estate.session.store.reader().expect("a reader");
    let count: i64 = reader.query_row("SELECT count(*) FROM v1_inputs", [], |row| row.get(0)).expect("a number");
    assert_eq!(count, 3_000);
}

#[test]
fn two_scans_at_once_that_see_the_same_deletions_both_end_well() {
    let estate = Estate::new();
    for number in 0..60 {
        estate.write(&format!("gone/{number}/flake.nix"), FLAKE);
        estate.write(&format!("gone/{number}/let.nix"), "let a = 1; in 2");
        estate.write(&format!("gone/alone-{number}/flake.lock"), &lock('a'));
    }
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Warning });
    let request = ScanRequest { paths: vec![estate.root()], rules, modules: true, ..ScanRequest::default() };
    estate.scan_with(&request);
    fs::remove_dir_all(estate.root().join("gone")).expect("removed");
    let removed: u64 = std::thread::scope(|scope| {
        let one = |_| {
            scope.spawn(|| {
                let session = open(&estate.database());
                scan(&session, &request, &|_| {}, &AtomicBool::new(false)).expect("the scan works").removed
            })
        };
        let all: Vec<_> = (0..3).map(one).collect();
        all.into_iter().map(|scan| scan.join().expect("no panic")).sum()
    });
    let last = estate.scan_with(&request);
    assert_eq!((removed + last.removed, estate.flakes().len()), (60, 0), "each is removed once");
    assert_eq!(estate.scan_with(&request).events, 0);
    let reader = estate.session.store.reader().expect("a reader");
    let open: u32 = reader.query_row("SELECT count(*) FROM v1_problems", [], |row| row.get(0)).expect("a number");
    assert_eq!(open, 0);
}

/// As after a restart that numbered the devices anew: what was read of these places was on another one.
fn renumber(estate: &Estate, places: &[&str]) {
    let database = rusqlite::Connection::open(estate.database()).expect("the database");
    for place in places {
        let path = estate.root().join(place).into_os_string().into_encoded_bytes();
        let stamp = database.query_row("SELECT stamp FROM files WHERE path = ?1", [&path], |row| row.get(0));
        let mut stamp: Vec<u8> = stamp.expect("it was read");
        stamp[..8].copy_from_slice(&0x00ab_cdef_u64.to_be_bytes());
        database.execute("UPDATE files SET stamp = ?2 WHERE path = ?1", (&path, &stamp)).expect("changed");
    }
}

#[test]
fn a_flake_on_a_device_that_is_not_there_now_stays_and_on_one_that_was_only_renumbered_it_goes() {
    let estate = Estate::new();
    for place in ["disk/x", "other"] {
        estate.write(&format!("{place}/flake.nix"), FLAKE);
    }
    estate.scan();
    renumber(&estate, &["disk/x"]);
    fs::remove_dir_all(estate.root().join("disk/x")).expect("removed");
    let report = estate.scan();
    assert_eq!(report.removed, 0, "its disk is not mounted");
    assert!(Estate::codes(&report).contains(&"not-reachable"), "{report:?}");
    renumber(&estate, &["other"]);
    assert_eq!(estate.scan().removed, 1, "what was on the same device is on this one now");
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_renamed_directory_is_the_same_flake() {
    let estate = Estate::new();
    estate.write("old/flake.nix", FLAKE);
    estate.write("old/flake.lock", &lock('a'));
    estate.scan();
    fs::rename(estate.root().join("old"), estate.root().join("new")).expect("renamed");
    let report = estate.scan();
    assert_eq!((report.new, report.removed, report.changed), (0, 0, 1));
    assert_eq!(estate.flakes(), [estate.root().join("new")]);
    assert!(estate.types().contains(&"flake.moved".to_owned()));
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_flake_whose_new_place_is_named_is_the_same_flake_though_nobody_came_by_the_old_one() {
    let estate = Estate::new();
    estate.write("one/x/flake.nix", FLAKE);
    estate.write("one/x/m.nix", "{ config, ... }: { services.nginx.enable = true; }");
    estate.write("one/other/flake.nix", &FLAKE.replace("A test", "other"));
    fs::create_dir(estate.root().join("two")).expect("a directory");
    let of = |paths: &[&str], keep_forgotten| ScanRequest {
        paths: paths.iter().map(|path| estate.root().join(path)).collect(),
        keep_forgotten,
        modules: true,
        ..ScanRequest::default()
    };
    estate.scan_with(&of(&["one"], false));
    let id = column(&estate.session, "SELECT id FROM v1_flakes WHERE path LIKE '%/x'");
    for (from, to, keep_forgotten) in [("one/x", "one/y", true), ("one/y", "two/x", false)] {
        fs::rename(estate.root().join(from), estate.root().join(to)).expect("moved");
        let report = estate.scan_with(&of(&[to], keep_forgotten));
        assert_eq!((report.new, report.removed, report.changed), (0, 0, 1), "{to}: {report:?}");
        assert!(estate.flakes().contains(&estate.root().join(to)));
        assert_eq!(column(&estate.session, "SELECT path FROM v1_modules WHERE valid_to IS NULL"), ["m.nix"]);
        assert_eq!(estate.scan_with(&of(&[], false)).events, 0);
    }
    assert_eq!(column(&estate.session, "SELECT id FROM v1_flakes WHERE path LIKE '%/x'"), id);
    // Where nobody can tell that it was taken away, it is a copy: all of its disk may be elsewhere.
    estate.write("two/copy/flake.nix", FLAKE);
    fs::rename(estate.root().join("two/x"), estate.root().with_file_name("away")).expect("moved");
    fs::rename(estate.root().join("two/copy"), estate.root().join("one/copy")).expect("moved");
    assert_eq!(estate.scan_with(&of(&["one/copy"], false)).new, 1);
}

#[test]
fn the_past_of_a_flake_in_a_forgotten_root_stays_there_when_it_moves_into_another_root() {
    let estate = Estate::new();
    estate.write("private/x/flake.nix", &FLAKE.replace("A test", "a secret plan"));
    estate.write("private/y/flake.nix", &FLAKE.replace("A test", "y"));
    fs::create_dir(estate.root().join("shared")).expect("a directory");
    let named = |path: &str| ScanRequest { paths: vec![estate.root().join(path)], ..ScanRequest::default() };
    estate.scan_with(&named("private"));
    roots::forget(&estate.session, &estate.root().join("private")).expect("forgotten");
    estate.scan_with(&named("shared"));
    consent::share(&estate.session, &consent::Which::All).expect("shared");
    fs::rename(estate.root().join("private/x"), estate.root().join("shared/x")).expect("moved");
    assert_eq!(estate.scan_with(&named("shared")).new, 1);
    assert!(!estate.types().contains(&"flake.moved".to_owned()));
    let shared =
        column(&estate.session, "SELECT type FROM v1_events WHERE position IN (SELECT position FROM v1_outbox)");
    assert_eq!(shared, ["flake.discovered"], "what was recorded before stays private");
}

#[test]
fn two_candidates_for_a_move_are_two_new_flakes() {
    let estate = Estate::new();
    estate.write("old/flake.nix", FLAKE);
    estate.scan();
    fs::remove_dir_all(estate.root().join("old")).expect("removed");
    estate.write("new-1/flake.nix", FLAKE);
    estate.write("new-2/flake.nix", FLAKE);
    let report = estate.scan();
    assert_eq!((report.new, report.removed), (2, 1));
    assert!(!estate.types().contains(&"flake.moved".to_owned()));
}

#[test]
fn a_flake_that_is_only_left_out_now_is_not_removed() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.scan();
    let request = ScanRequest { paths: vec![estate.root()], excludes: vec!["a/".into()], ..ScanRequest::default() };
    let report = estate.scan_with(&request);
    assert_eq!((report.removed, report.left_out.len()), (0, 1));
    assert_eq!(Estate::codes(&report), Vec::<&str>::new());
    assert_eq!(estate.flakes().len(), 1);
}

#[test]
fn a_scan_of_one_root_leaves_the_others_alone() {
    let estate = Estate::new();
    estate.write("one/flake.nix", FLAKE);
    estate.write("two/flake.nix", FLAKE);
    estate.scan();
    fs::remove_dir_all(estate.root().join("two")).expect("removed");
    let only_one = ScanRequest { paths: vec![estate.root().join("one")], ..ScanRequest::default() };
    assert_eq!(estate.scan_with(&only_one).removed, 0);
    assert_eq!(estate.scan_with(&ScanRequest::default()).removed, 1);
}

#[test]
fn a_forgotten_flake_stays_forgotten_until_it_is_named() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.scan();
    let reader = estate.session.store.reader().expect("a reader");
    let id = view::known_flakes(&reader).expect("flakes")[0].id;
    assert!(forget::forget(&estate.session, id).expect("forgotten").is_some());
    assert!(forget::forget(&estate.session, id).expect("nothing to forget").is_none());
    assert_eq!((estate.scan().events, estate.flakes().len()), (0, 0));
    let named = ScanRequest { paths: vec![estate.root().join("a")], ..ScanRequest::default() };
    assert_eq!(estate.scan_with(&named).seen, 1);
    assert_eq!(estate.flakes().len(), 1);
}

#[test]
fn a_stopped_scan_leaves_whole_flakes_and_the_next_one_goes_on() {
    let estate = Estate::new();
    for n in 0..300 {
        estate.write(&format!("flake-{n}/flake.nix"), FLAKE);
    }
    let request = ScanRequest { paths: vec![estate.root()], ..ScanRequest::default() };
    let stop = AtomicBool::new(false);
    let progress = |at| {
        if let cim_domain_nix::app::scan::Progress::Flakes { done, .. } = at {
            stop.store(done > 0, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let report = scan(&estate.session, &request, &progress, &stop).expect("it stops in good order");
    assert!(report.interrupted && report.seen < 300 && report.removed == 0, "{report:?}");
    let rest = estate.scan_with(&request);
    assert_eq!(report.new + rest.new, 300);
}

#[test]
fn roots_are_listed_added_and_forgotten() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    let added = roots::add(&estate.session, &estate.root().join(".")).expect("added");
    assert_eq!(added, roots::Added { path: estate.root(), is_new: true, withdrawn: 0 });
    assert!(!roots::add(&estate.session, &estate.root()).expect("known").is_new);
    assert_eq!(roots::list(&estate.session).expect("roots").len(), 1);
    let forgotten = roots::forget(&estate.session, &estate.root().join(".")).expect("forgotten");
    assert_eq!(forgotten.as_os_str(), estate.root().as_os_str(), "as it is recorded, not as it was named");
    assert!(roots::list(&estate.session).expect("roots").is_empty());
    assert!(roots::forget(&estate.session, &estate.root()).is_err());
}

#[test]
fn a_root_that_cannot_be_walked_was_not_scanned() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    let scanned =
        || roots::list(&estate.session).expect("roots").iter().map(|root| root.scanned_at).collect::<Vec<_>>();
    estate.scan();
    let before = scanned();
    assert!(before.iter().all(Option::is_some), "{before:?}");
    let (root, away) = (estate.root(), estate.root().with_extension("away"));
    fs::rename(&root, &away).expect("moved");
    let report = estate.scan_with(&ScanRequest::default());
    assert!(report.problems.iter().any(|problem| problem.message.starts_with("cannot be walked")), "{report:?}");
    assert_eq!(scanned(), before);
    fs::rename(&away, &root).expect("moved back");
    estate.scan();
    assert_ne!(scanned(), before);
}

#[test]
fn a_forgotten_twin_does_not_hide_where_a_flake_went() {
    let estate = Estate::new();
    for place in ["a", "twin"] {
        estate.write(&format!("{place}/flake.nix"), FLAKE);
    }
    estate.scan();
    let reader = estate.session.store.reader().expect("a reader");
    let twin = RecordedPath::new(&estate.root().join("twin"));
    let twin = view::flake_at(&reader, &twin, At::Now).expect("the twin");
    forget::forget(&estate.session, twin.id).expect("forgotten");
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("moved");
    estate.scan();
    assert!(estate.types().contains(&"flake.moved".to_owned()), "{:?}", estate.types());
}

#[test]
fn paths_that_read_alike_and_differ_are_told_apart() {
    use std::os::unix::ffi::OsStrExt;
    let estate = Estate::new();
    let place = |name: &[u8]| estate.root().join(std::ffi::OsStr::from_bytes(name));
    for name in [b"bad\xff", b"bad\xfe"] {
        fs::create_dir(place(name)).expect("a directory");
        fs::write(place(name).join("flake.nix"), FLAKE).expect("a flake");
    }
    estate.scan();
    let reader = estate.session.store.reader().expect("a reader");
    for name in [b"bad\xff", b"bad\xfe"] {
        let found = view::flake_at(&reader, &RecordedPath::new(&place(name)), At::Now).expect("the flake");
        assert_eq!(found.path.to_path(), place(name));
    }
    let text = RecordedPath::new(&place(b"bad\xff")).text().to_owned();
    let found = view::flake(&reader, &text, At::Now);
    assert!(matches!(found, Err(StoreError::AmbiguousFlake { .. })), "{found:?}");
}

/// As a hook scans.
fn unasked(estate: &Estate, path: &str) -> ScanReport {
    let paths = vec![estate.root().join(path)];
    estate.scan_with(&ScanRequest { paths, keep_forgotten: true, ..ScanRequest::default() })
}

fn watched(estate: &Estate) -> Vec<PathBuf> {
    roots::list(&estate.session).expect("roots").into_iter().map(|root| root.path).collect()
}

#[test]
fn a_hook_leaves_a_forgotten_flake_alone_and_records_what_was_never_seen() {
    let estate = Estate::new();
    for place in ["a", "b"] {
        estate.write(&format!("{place}/flake.nix"), FLAKE);
    }
    assert_eq!(unasked(&estate, "a").new, 1);
    let reader = estate.session.store.reader().expect("a reader");
    let id = view::known_flakes(&reader).expect("flakes")[0].id;
    forget::forget(&estate.session, id).expect("forgotten");
    assert_eq!((unasked(&estate, "a").seen, estate.flakes().len()), (0, 0));
    roots::forget(&estate.session, &estate.root().join("a")).expect("forgotten");
    assert_eq!((unasked(&estate, "a").seen, watched(&estate)), (0, vec![]));
    assert_eq!(unasked(&estate, "b").new, 1);
    assert_eq!(watched(&estate), [estate.root().join("b")]);
}

#[test]
fn a_hook_makes_no_linked_work_tree_a_root_and_naming_it_does() {
    let estate = Estate::new();
    let git = estate.git("main");
    estate.write("main/flake.nix", FLAKE);
    git.commit_all("one");
    for (branch, place) in [("one", "../linked"), ("two", "inside")] {
        git.run(&["worktree", "add", "-q", "-b", branch, place]);
    }
    estate.git("linked/nested");
    estate.write("linked/nested/flake.nix", FLAKE);
    for place in ["linked", "linked/nested", "main/inside"] {
        assert_eq!((unasked(&estate, place).seen, watched(&estate)), (0, vec![]), "{place}");
    }
    assert_eq!((unasked(&estate, "main").new, watched(&estate)), (2, vec![estate.root().join("main")]));
    assert_eq!(unasked(&estate, "main/inside").seen, 1, "it lies in a root");
    assert_eq!(unasked(&estate, "linked").seen, 0);
    let named = ScanRequest { paths: vec![estate.root().join("linked")], ..ScanRequest::default() };
    assert_eq!(estate.scan_with(&named).new, 2);
    assert_eq!(unasked(&estate, "linked").seen, 2, "by now it is a root");
}

#[test]
fn a_hook_makes_no_forgotten_root_a_root_again_and_naming_it_does() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/sub/flake.nix", FLAKE);
    unasked(&estate, "a");
    let root = estate.root().join("a");
    for place in ["a", "a/sub"] {
        roots::forget(&estate.session, &root).expect("forgotten");
        assert_eq!((unasked(&estate, place).seen, watched(&estate)), (0, vec![]));
        let named = ScanRequest { paths: vec![root.clone()], ..ScanRequest::default() };
        assert_eq!(estate.scan_with(&named).seen, 2);
        assert_eq!(unasked(&estate, place).seen, if place == "a" { 2 } else { 1 });
    }
    roots::forget(&estate.session, &root).expect("forgotten");
    assert!(roots::add(&estate.session, &estate.root()).expect("added").is_new, "one around it");
    assert_eq!(unasked(&estate, "a").seen, 2);
    // It is watched with that one, as private as it was: it stays a root when that is none any more.
    assert_eq!(watched(&estate), [estate.root(), root.clone()]);
    for root in [estate.root(), root] {
        roots::forget(&estate.session, &root).expect("forgotten");
    }
    assert_eq!(unasked(&estate, "a").seen, 0);
}

#[test]
fn scanning_writes_nothing_below_a_root() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    let git = estate.git("b");
    estate.write("b/flake.nix", FLAKE);
    git.run(&["add", "."]);
    let before = tree(&estate.root());
    assert!(before.len() > 10, "a repository has many files");
    estate.scan();
    estate.scan();
    assert_eq!(tree(&estate.root()), before);
}

/// Every path below a directory, with what it holds and when it was written.
fn tree(directory: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let (path, written) = (entry.path(), entry.metadata().and_then(|it| it.modified()).expect("a time"));
        found.push((path.clone(), fs::read(&path).unwrap_or_default(), written));
        if path.is_dir() {
            found.extend(tree(&path));
        }
    }
    found.sort();
    found
}

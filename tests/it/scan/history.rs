//! The past of a lock, as git tells it.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::*;
use cim_domain_nix::app::history;
use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::id::FlakeId;
use cim_domain_nix::domain::lock_history::{LockHistoryEvent, Recorded};
use cim_domain_nix::git::{Error, Repository};
use cim_domain_nix::store::HistoryCursor;

fn recorded(estate: &Estate) -> Vec<Recorded> {
    let reader = estate.session.store.reader().expect("a reader");
    let events = reader.recorded(0, 10_000).expect("events");
    events
        .iter()
        .filter_map(|event| match event.event() {
            Ok(Event::LockHistory(LockHistoryEvent::Recorded(recorded))) => Some(recorded.clone()),
            _ => None,
        })
        .collect()
}

fn repository(estate: &Estate, revisions: &str) -> (Git, Vec<String>) {
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    let commits = revisions.chars().map(|revision| {
        estate.write("a/flake.lock", &lock(revision));
        git.commit_all(&format!("Update to {revision}"))
    });
    let commits = commits.collect();
    (git, commits)
}

fn revision(attrs: Option<&cim_domain_nix::domain::Attrs>) -> Option<&str> {
    attrs?.get("rev")?.as_str()
}

#[test]
fn every_commit_that_changed_the_lock_is_recorded_oldest_first() {
    let estate = Estate::new();
    let (_, commits) = repository(&estate, "abc");
    estate.scan();
    let recorded = recorded(&estate);
    assert_eq!(recorded.iter().map(|event| event.commit.id.clone()).collect::<Vec<_>>(), commits);
    let last = &recorded[2];
    assert_eq!(last.commit.parent.as_ref(), Some(&commits[1]));
    assert_eq!((last.commit.author.as_str(), last.commit.summary.as_str()), ("Ada", "Update to c"));
    let change = &last.changes[0];
    assert_eq!((change.input.as_str(), change.node.as_str()), ("nixpkgs", "nixpkgs"));
    assert_eq!(revision(change.from.as_ref()), Some("b".repeat(40).as_str()));
    assert_eq!(revision(change.to.as_ref()), Some("c".repeat(40).as_str()));
    assert!(recorded[0].changes[0].from.is_none());
}

#[test]
fn a_later_scan_adds_only_the_new_commits() {
    let estate = Estate::new();
    let (git, _) = repository(&estate, "ab");
    estate.scan();
    estate.write("a/flake.lock", &lock('c'));
    git.commit_all("Update to c");
    estate.scan();
    assert_eq!(recorded(&estate).len(), 3);
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn no_history_reads_none_and_a_later_scan_with_history_makes_up_for_it() {
    let estate = Estate::new();
    repository(&estate, "ab");
    estate.scan_with(&ScanRequest { paths: vec![estate.root()], history: false, ..ScanRequest::default() });
    assert_eq!(recorded(&estate).len(), 0);
    estate.scan();
    assert_eq!(recorded(&estate).len(), 2);
}

#[test]
fn what_was_committed_before_a_scan_without_history_is_made_up_for_as_well() {
    let estate = Estate::new();
    let (git, _) = repository(&estate, "ab");
    estate.scan();
    estate.write("a/flake.lock", &lock('c'));
    git.commit_all("Update to c");
    let without = ScanRequest { paths: vec![estate.root()], history: false, ..ScanRequest::default() };
    estate.scan_with(&without);
    assert_eq!((recorded(&estate).len(), estate.scan_with(&without).events), (2, 0));
    estate.scan();
    assert_eq!(recorded(&estate).len(), 3);
    assert_eq!((estate.scan_with(&without).events, estate.scan().events), (0, 0));
}

#[test]
fn a_bound_leaves_out_what_is_older_and_can_be_widened() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "ab");
    let time: i64 = git.run(&["log", "-1", "--format=%ct", &commits[1]]).parse().expect("a time");
    let bounded =
        ScanRequest { paths: vec![estate.root()], history: true, since: Some(time), ..ScanRequest::default() };
    estate.scan_with(&bounded);
    assert_eq!(recorded(&estate).iter().map(|event| event.commit.id.clone()).collect::<Vec<_>>(), commits[1..]);
    estate.scan();
    assert_eq!(recorded(&estate).len(), 2);
}

#[test]
fn rewritten_commits_are_marked_not_removed() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "abc");
    estate.scan();
    git.run(&["reset", "-q", "--hard", &commits[0]]);
    estate.write("a/flake.lock", &lock('d'));
    let new = git.commit_all("Another way");
    estate.scan();
    assert_eq!(recorded(&estate).last().map(|event| event.commit.id.clone()), Some(new));
    assert!(estate.types().contains(&"lock_history.unreachable".to_owned()));
    assert_eq!(recorded(&estate).len(), 4);
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_commit_of_another_branch_is_there_again_once_that_is_merged() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "a");
    git.run(&["checkout", "-q", "-b", "side"]);
    estate.write("a/flake.lock", &lock('b'));
    let side = git.commit_all("Update to b");
    estate.scan();
    git.run(&["checkout", "-q", "main"]);
    estate.scan();
    let reachable = || {
        let sql =
            "SELECT DISTINCT \"commit\" || reachable FROM v1_input_history WHERE source = 'git' ORDER BY position";
        column(&estate.session, sql)
    };
    assert_eq!(reachable(), [format!("{}1", commits[0]), format!("{side}0")]);
    git.run(&["merge", "-q", "--no-ff", "-m", "Merge side", "side"]);
    estate.scan();
    assert_eq!(reachable()[..2], [format!("{}1", commits[0]), format!("{side}1")]);
    assert_eq!((reachable().len(), estate.scan().events), (3, 0), "the merge is the third");
    // The branch that is left once more takes both along.
    git.run(&["reset", "-q", "--hard", &commits[0]]);
    estate.scan();
    assert_eq!(reachable()[1], format!("{side}0"));
}

/// The changes that are told of one flake, the latest first, as (from, to, whether a commit tells it); the view says the same.
fn told(estate: &Estate) -> Vec<(char, char, bool)> {
    let reader = estate.session.store.reader().expect("a reader");
    let flake = view::known_flakes(&reader).expect("flakes")[0].id;
    let rows = view::history(&reader, Some(flake), &view::HistoryFilter::default(), view::At::Now).expect("changes");
    let letter =
        |attrs: Option<&cim_domain_nix::domain::Attrs>| revision(attrs).map_or('-', |rev| rev.as_bytes()[0].into());
    let told = rows.iter().map(|row| (letter(row.from.as_ref()), letter(row.to.as_ref()), row.commit.is_some()));
    let seen = column(&estate.session, "SELECT cast(count(*) AS TEXT) FROM v1_input_history");
    let told: Vec<_> = told.collect();
    assert_eq!(seen, [told.len().to_string()]);
    told
}

#[test]
fn going_back_to_an_older_commit_and_forth_again_is_told_both_ways() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "ab");
    estate.scan();
    git.run(&["checkout", "-q", &commits[0]]);
    estate.scan();
    git.run(&["checkout", "-q", &commits[1]]);
    estate.scan();
    let of_git = [('a', 'b', true), ('-', 'a', true)];
    assert_eq!(told(&estate), [&[('a', 'b', false), ('b', 'a', false)], &of_git[..]].concat());
}

#[test]
fn a_change_that_was_seen_and_then_committed_is_told_once() {
    let estate = Estate::new();
    let (git, _) = repository(&estate, "a");
    estate.scan();
    estate.write("a/flake.lock", &lock('b'));
    estate.scan();
    assert_eq!(told(&estate), [('a', 'b', false), ('-', 'a', true)]);
    git.commit_all("Update to b");
    estate.scan();
    assert_eq!(told(&estate), [('a', 'b', true), ('-', 'a', true)]);
    for revision in ['c', 'd'] {
        estate.write("a/flake.lock", &lock(revision));
        git.commit_all("Update");
    }
    estate.scan();
    assert_eq!(told(&estate), [('c', 'd', true), ('b', 'c', true), ('a', 'b', true), ('-', 'a', true)]);
}

#[test]
fn a_lock_that_was_broken_for_one_commit_does_not_hide_the_change_across_it() {
    let estate = Estate::new();
    let (git, _) = repository(&estate, "a");
    estate.write("a/flake.lock", "neither JSON nor a lock");
    git.commit_all("Break it");
    estate.write("a/flake.lock", &lock('b'));
    git.commit_all("Mend it");
    estate.scan();
    let recorded = recorded(&estate);
    assert_eq!(recorded.len(), 2);
    assert_eq!(revision(recorded[1].changes[0].from.as_ref()), Some("a".repeat(40).as_str()));
}

#[test]
fn a_lock_that_was_broken_at_the_last_scan_does_not_hide_the_change_across_it_either() {
    let estate = Estate::new();
    let (git, _) = repository(&estate, "a");
    estate.write("a/flake.lock", "neither JSON nor a lock");
    git.commit_all("Break it");
    estate.scan();
    estate.write("a/flake.lock", &lock('b'));
    git.commit_all("Mend it");
    estate.scan();
    let recorded = recorded(&estate);
    assert_eq!(recorded.len(), 2);
    assert_eq!(revision(recorded[1].changes[0].from.as_ref()), Some("a".repeat(40).as_str()));
}

#[test]
fn moving_a_flake_inside_its_repository_changes_no_input() {
    let estate = Estate::new();
    let git = estate.git("");
    estate.write("a/flake.nix", FLAKE);
    for revision in ['a', 'b'] {
        estate.write("a/flake.lock", &lock(revision));
        git.commit_all("Update");
    }
    estate.scan();
    git.run(&["mv", "a", "c"]);
    git.commit_all("Move");
    estate.scan();
    assert!(estate.types().contains(&"flake.moved".to_owned()), "{:?}", estate.types());
    assert_eq!(recorded(&estate).len(), 2);
    estate.write("c/flake.lock", &lock('d'));
    git.commit_all("Update");
    estate.scan();
    let last = recorded(&estate).pop().expect("a third");
    assert_eq!(revision(last.changes[0].from.as_ref()), Some("b".repeat(40).as_str()));
}

#[test]
fn two_clones_are_two_flakes_of_one_lineage() {
    let estate = Estate::new();
    for place in ["a", "b"] {
        let git = estate.git(place);
        git.run(&["remote", "add", "origin", "https://user:hunter2@GitHub.com/me/project.git"]);
        estate.write(&format!("{place}/flake.nix"), FLAKE);
        git.commit_all("first");
    }
    estate.scan();
    let reader = estate.session.store.reader().expect("a reader");
    let flakes = view::flakes(&reader, view::Whose::Own, view::At::Now).expect("flakes");
    let lineages: Vec<_> = flakes.iter().map(|flake| flake.lineage.as_deref()).collect();
    assert_eq!(lineages, [Some("github.com/me/project"); 2]);
}

/// A clone of `a` as `b`, made with these options.
fn cloned(estate: &Estate, git: &Git, options: &[&str]) -> Git {
    git.run(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", estate.root().join("a").display());
    let to = estate.root().join("b").display().to_string();
    git.run(&[&["clone", "-q"], options, &[url.as_str(), to.as_str()]].concat());
    estate.git("b")
}

fn scan_clone(estate: &Estate) -> ScanReport {
    let paths = vec![estate.root().join("b")];
    estate.scan_with(&ScanRequest { paths, history: true, ..ScanRequest::default() })
}

fn problems(estate: &Estate) -> Vec<String> {
    let reader = estate.session.store.reader().expect("a reader");
    view::problems(&reader, view::Whose::Own, view::At::Now)
        .expect("problems")
        .into_iter()
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn what_a_shallow_clone_lacks_is_said_by_every_scan_and_recorded_when_it_comes() {
    let estate = Estate::new();
    let (origin, commits) = repository(&estate, "abcde");
    let clone = cloned(&estate, &origin, &["--depth", "3"]);
    assert_eq!(Estate::codes(&scan_clone(&estate)), ["history-limited"]);
    assert_eq!(recorded(&estate).len(), 2);
    let again = scan_clone(&estate);
    assert_eq!((Estate::codes(&again), again.events), (vec!["history-limited"], 0));
    assert_eq!(problems(&estate), ["history-limited"]);

    let without = ScanRequest { paths: vec![estate.root().join("b")], ..ScanRequest::default() };
    estate.write("b/flake.nix", &FLAKE.replace("A test", "Another"));
    assert_eq!(Estate::codes(&estate.scan_with(&without)), ["history-limited"], "the past was not looked at");

    clone.run(&["fetch", "-q", "--deepen", "1"]);
    assert_eq!(Estate::codes(&scan_clone(&estate)), ["history-limited"]);
    assert_eq!(recorded(&estate).len(), 3);
    clone.run(&["fetch", "-q", "--unshallow"]);
    assert_eq!(Estate::codes(&scan_clone(&estate)), Vec::<&str>::new());
    let mut found: Vec<_> = recorded(&estate).into_iter().map(|event| event.commit.id).collect();
    let mut all = commits;
    found.sort();
    all.sort();
    assert_eq!(found, all);
    assert_eq!((problems(&estate), scan_clone(&estate).events), (Vec::new(), 0));
}

/// How an input was before and after each recorded commit: the digit of its revision, `-` for none.
fn steps(estate: &Estate) -> Vec<String> {
    let digit = |attrs: Option<&cim_domain_nix::domain::Attrs>| revision(attrs).map_or("-", |rev| &rev[..1]).to_owned();
    let changes = recorded(estate).into_iter().flat_map(|commit| commit.changes);
    changes.map(|change| digit(change.from.as_ref()) + &digit(change.to.as_ref())).collect()
}

fn codes(report: &ScanReport) -> Vec<(&str, &str)> {
    report.problems.iter().map(|problem| (problem.code.as_str(), problem.message.as_str())).collect()
}

#[test]
fn locks_that_a_partial_clone_lacks_are_one_problem_and_recorded_when_they_come() {
    let estate = Estate::new();
    let (origin, _) = repository(&estate, "abcd");
    let clone = cloned(&estate, &origin, &["--filter=blob:none"]);
    let report = scan_clone(&estate);
    assert_eq!(Estate::codes(&report), ["history-limited"]);
    assert!(report.problems[0].message.contains("3 commits"), "{report:?}");
    assert_eq!(steps(&estate), Vec::<&str>::new(), "what the last commit changed is not known");
    clone.run(&["log", "-p", "--", "flake.lock"]);
    assert_eq!(Estate::codes(&scan_clone(&estate)), Vec::<&str>::new());
    assert_eq!(steps(&estate), ["-a", "ab", "bc", "cd"]);
}

#[test]
fn a_commit_after_one_that_a_partial_clone_lacks_is_recorded_when_that_comes() {
    let estate = Estate::new();
    let (origin, commits) = repository(&estate, "abcd");
    let clone = cloned(&estate, &origin, &["--filter=blob:none"]);
    clone.run(&["show", &format!("{}:flake.lock", commits[0])]);
    clone.run(&["show", &format!("{}:flake.lock", commits[2])]);
    let report = scan_clone(&estate);
    assert!(report.problems[0].message.contains(&commits[1][..12]), "{report:?}");
    assert_eq!(steps(&estate), ["-a", "cd"]);
    clone.run(&["log", "-p", "--", "flake.lock"]);
    assert_eq!(Estate::codes(&scan_clone(&estate)), Vec::<&str>::new());
    let mut all = steps(&estate);
    all.sort();
    assert_eq!(all, ["-a", "ab", "bc", "cd"]);
}

#[test]
fn what_a_bounded_reading_cannot_compare_for_want_of_a_content_waits_for_it() {
    let estate = Estate::new();
    let (origin, commits) = repository(&estate, "abc");
    let clone = cloned(&estate, &origin, &["--filter=blob:none"]);
    let time: i64 = clone.run(&["log", "-1", "--format=%ct", &commits[2]]).parse().expect("a time");
    let paths = vec![estate.root().join("b")];
    let bounded = ScanRequest { paths, history: true, since: Some(time), ..ScanRequest::default() };
    let report = estate.scan_with(&bounded);
    assert!(report.problems[0].message.contains(&commits[1][..12]), "{report:?}");
    assert_eq!(steps(&estate), Vec::<&str>::new());
    clone.run(&["log", "-p", "--", "flake.lock"]);
    assert_eq!(Estate::codes(&estate.scan_with(&bounded)), Vec::<&str>::new());
    assert_eq!(steps(&estate), ["bc"]);
}

#[test]
fn nothing_is_added_by_the_commit_after_a_first_lock_that_says_nothing() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    for text in ["neither JSON nor a lock", &lock('b'), &lock('c')] {
        estate.write("a/flake.lock", text);
        git.commit_all("Next");
    }
    let report = estate.scan();
    assert_eq!(steps(&estate), ["bc"]);
    let [(_, first), (_, second)] = codes(&report)[..] else { panic!("{report:?}") };
    assert!(first.ends_with("it cannot be read as a lock"), "{first}");
    assert!(second.ends_with("changed in flake.lock is unknown: no lock before it can be read"), "{second}");
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn a_damaged_lock_of_the_past_is_named_and_costs_no_other_commit() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "abcd");
    let blob = git.run(&["rev-parse", &format!("{}:flake.lock", commits[1])]);
    let object = estate.root().join("a/.git/objects").join(&blob[..2]).join(&blob[2..]);
    fs::remove_file(&object).expect("it was loose");
    estate.write(object.to_str().expect("UTF-8"), "this is no object");
    let report = estate.scan();
    let [(code, message)] = codes(&report)[..] else { panic!("{report:?}") };
    assert_eq!(code, "history-limited");
    assert!(message.contains(&commits[1][..12]) && message.contains(&blob[..12]), "{message}");
    assert_eq!(steps(&estate), ["-a", "ac", "cd"]);
}

#[test]
fn what_a_force_push_dropped_is_marked_once_a_shallow_clone_is_whole() {
    let estate = Estate::new();
    let (origin, commits) = repository(&estate, "abc");
    let clone = cloned(&estate, &origin, &["--depth", "2"]);
    scan_clone(&estate);
    origin.run(&["reset", "-q", "--hard", "HEAD~1"]);
    estate.write("a/flake.lock", &lock('e'));
    origin.commit_all("Another way");
    clone.run(&["fetch", "-q", "--depth", "2"]);
    clone.run(&["reset", "-q", "--hard", "origin/main"]);
    scan_clone(&estate);
    assert_eq!(unreachable(&estate), Vec::<String>::new(), "it may lie behind the edge");
    clone.run(&["fetch", "-q", "--unshallow"]);
    scan_clone(&estate);
    assert_eq!(unreachable(&estate), commits[2..]);
    assert_eq!(scan_clone(&estate).events, 0);
}

#[test]
fn what_was_dropped_before_a_wider_bound_is_marked() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "abc");
    let time: i64 = git.run(&["log", "-1", "--format=%ct", &commits[1]]).parse().expect("a time");
    let paths = vec![estate.root()];
    estate.scan_with(&ScanRequest { paths, history: true, since: Some(time), ..ScanRequest::default() });
    git.run(&["reset", "-q", "--hard", &commits[1]]);
    estate.scan();
    assert_eq!(unreachable(&estate), commits[2..]);
}

/// The commits that were said to be gone.
fn unreachable(estate: &Estate) -> Vec<String> {
    let reader = estate.session.store.reader().expect("a reader");
    let events = reader.recorded(0, 10_000).expect("events");
    let gone = events.iter().filter_map(|event| match event.event() {
        Ok(Event::LockHistory(LockHistoryEvent::Unreachable { commits, .. })) => Some(commits.clone()),
        _ => None,
    });
    gone.flatten().collect()
}

#[test]
fn a_rewritten_past_is_marked_where_it_ends_early_as_well() {
    let estate = Estate::new();
    let (origin, _) = repository(&estate, "abcd");
    let clone = cloned(&estate, &origin, &["--filter=blob:none"]);
    estate.write("b/flake.lock", &lock('e'));
    let dropped = clone.commit_all("One way");
    scan_clone(&estate);
    clone.run(&["reset", "-q", "--hard", "HEAD~1"]);
    estate.write("b/flake.lock", &lock('f'));
    clone.commit_all("Another way");
    scan_clone(&estate);
    assert_eq!(unreachable(&estate), [dropped]);
}

#[test]
fn a_reading_that_is_stopped_keeps_what_it_read_and_the_next_goes_on() {
    // Given a lock that four commits changed
    let estate = Estate::new();
    repository(&estate, "abcd");
    let repository = Repository::discover(&estate.root().join("a")).expect("it opens").expect("a repository");
    let flake = FlakeId::new(estate.session.clock.new_id());
    let read = |cursor: Option<&HistoryCursor>, times: usize| {
        let left = Cell::new(times);
        let stop = || left.replace(left.get().saturating_sub(1)) == 0;
        history::read(&repository, Path::new("flake.lock"), flake, None, cursor, &stop)
    };
    let whole = read(None, usize::MAX).expect("the whole past");
    let mut kept = Vec::new();
    for times in 0.. {
        // When it is told to stop at any moment
        let first = match read(None, times) {
            Err(Error::Stopped { .. }) => continue,
            first => first.expect("what was read"),
        };
        if !first.stopped {
            break;
        }
        // Then it ends there, and the next reading brings the rest and nothing twice
        let rest = read(Some(&first.cursor), usize::MAX).expect("the rest");
        kept.push(first.commits.len());
        assert_eq!([first.commits, rest.commits].concat(), whole.commits);
        assert_eq!(rest.cursor, whole.cursor);
    }
    assert_eq!(kept, [1, 2, 3]);
}

#[test]
fn where_history_was_rewritten_a_reading_that_is_stopped_keeps_nothing() {
    let estate = Estate::new();
    let (git, commits) = repository(&estate, "abc");
    git.run(&["reset", "-q", "--hard", &commits[0]]);
    for revision in ['d', 'e'] {
        estate.write("a/flake.lock", &lock(revision));
        git.commit_all("Another way");
    }
    let repository = Repository::discover(&estate.root().join("a")).expect("it opens").expect("a repository");
    let flake = FlakeId::new(estate.session.clock.new_id());
    let cursor = HistoryCursor { flake, head: commits[2].clone(), since: None, complete: true };
    let read = |times: usize| {
        let left = Cell::new(times);
        let stop = || left.replace(left.get().saturating_sub(1)) == 0;
        history::read(&repository, Path::new("flake.lock"), flake, None, Some(&cursor), &stop)
    };
    // A cursor on the new line would hide from the next reading that the old one is gone.
    let ended = (0..100).map(read).find(|past| !matches!(past, Err(Error::Stopped { .. })));
    let past = ended.expect("an end").expect("the past");
    assert!(past.rewritten && !past.stopped, "{past:?}");
}

/// A repository in which so many commits changed the lock, made at once.
fn long_history(estate: &Estate, commits: usize) {
    let git = estate.git("a");
    let file = |name: &str, text: &str| format!("M 644 inline {name}\ndata {}\n{text}\n", text.len());
    let mut stream = String::new();
    for (number, revision) in (0..commits).zip(['a', 'b'].into_iter().cycle()) {
        let (at, files) = (1_700_000_000 + number, file("flake.nix", FLAKE) + &file("flake.lock", &lock(revision)));
        let _ =
            write!(stream, "commit refs/heads/main\ncommitter Ada <ada@example.org> {at} +0000\ndata 1\n.\n{files}");
    }
    let stream = estate.write("stream", &stream);
    let mut import = std::process::Command::new("git");
    import.args(["-C", &estate.root().join("a").display().to_string(), "fast-import", "--quiet"]);
    let ended = import.stdin(fs::File::open(stream).expect("the stream")).status().expect("git runs");
    assert!(ended.success());
    git.run(&["reset", "-q", "--hard", "main"]);
}

#[test]
fn whenever_a_scan_is_stopped_the_next_one_brings_the_rest_of_the_past() {
    const COMMITS: usize = 200;
    let estate = Estate::new();
    long_history(&estate, COMMITS);
    let request = ScanRequest { paths: vec![estate.root()], history: true, ..ScanRequest::default() };
    let began = Instant::now();
    estate.scan_with(&request);
    let whole = began.elapsed();
    for part in 1..8 {
        // Given a scan that is stopped on its way
        let session = open(&estate.database().with_file_name(format!("{part}.db")));
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                std::thread::sleep(whole * part / 8);
                stop.store(true, Ordering::Relaxed);
            });
            scan(&session, &request, &|_| {}, &stop).expect("what was read by then");
        });
        // When the next one comes by
        scan(&session, &request, &|_| {}, &AtomicBool::new(false)).expect("the rest");
        // Then nothing is missing, and nothing is there twice
        let told =
            column(&session, "SELECT CAST(COUNT(*) AS TEXT) FROM v1_events WHERE type = 'lock_history.recorded'");
        assert_eq!(told, [COMMITS.to_string()], "stopped after {part} parts of 8 of {whole:?}");
    }
}

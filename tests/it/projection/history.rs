//! The history of inputs: commits and what scans saw, each told once.

use cim_domain_nix::domain::flake::event::Updated;
use cim_domain_nix::domain::lineage::Lineage;
use cim_domain_nix::domain::lock::PathChange;
use cim_domain_nix::domain::lock_history::{self, Commit, LockHistoryEvent};
use cim_domain_nix::store::view::{self, At, HistoryFilter, HistoryRow, Source};

use super::*;

fn change(from: &str, to: &str) -> PathChange {
    let attrs = |rev: &str| (!rev.is_empty()).then(|| json!({ "rev": rev }).as_object().cloned()).flatten();
    PathChange { input: "nixpkgs".into(), node: "nixpkgs".into(), from: attrs(from), to: attrs(to) }
}

/// Written in one order and committed in another: what was committed last counts as last.
fn commit(id: &str, minute: i64) -> Commit {
    Commit {
        id: id.into(),
        parent: None,
        author: "Ada".into(),
        authored_at: BEGIN - 2_000 * SECOND - minute * 60 * SECOND,
        committed_at: BEGIN - 1_000 * SECOND + minute * 60 * SECOND,
        summary: "update".into(),
    }
}

fn record(ledger: &mut Ledger, flake: FlakeId, id: &str, minute: i64, change: PathChange) {
    let events = lock_history::record(flake, &commit(id, minute), vec![change]);
    ledger.append(StreamId::lock_history(flake), events.into_iter().map(Event::LockHistory));
}

fn saw(ledger: &mut Ledger, flake: FlakeId, change: PathChange) {
    let updated = Updated { from: None, to: None, nodes: Vec::new(), changes: vec![change], part: 1, parts: 1 };
    ledger.flake(flake, [FlakeEvent::Updated(updated)]);
}

fn discover(ledger: &mut Ledger, flake: FlakeId, directory: &str) {
    let lineage = LineageSeen::Known(Some(Lineage::recorded("example.org/p".into())));
    ledger.see(flake, &mut None, &Observation { lineage, ..seen(directory, Facts::default()) });
}

fn history(ledger: &Ledger, flake: Option<FlakeId>) -> Vec<HistoryRow> {
    view::history(&ledger.store.reader().unwrap(), flake, &HistoryFilter::default(), At::Now).unwrap()
}

/// The revisions before and after, and who tells, the latest first.
fn told(rows: &[HistoryRow]) -> Vec<(String, Source)> {
    let rev = |attrs: &Option<serde_json::Map<String, Value>>| match attrs {
        Some(attrs) => attrs["rev"].as_str().unwrap_or_default().to_owned(),
        None => "-".to_owned(),
    };
    rows.iter().map(|row| (format!("{}{}", rev(&row.from), rev(&row.to)), row.source)).collect()
}

#[test]
fn what_a_commit_tells_is_not_told_again_by_the_scan_that_saw_it() {
    let mut ledger = Ledger::new();
    let flake = flake_id(1);
    discover(&mut ledger, flake, "/a");
    saw(&mut ledger, flake, change("a", "b"));
    assert_eq!(told(&history(&ledger, Some(flake))), [("ab".to_owned(), Source::Seen)]);
    record(&mut ledger, flake, "c1", 1, change("a", "b"));
    assert_eq!(told(&history(&ledger, Some(flake))), [("ab".to_owned(), Source::Git)]);
}

#[test]
fn several_commits_that_a_scan_saw_as_one_change_replace_it_but_not_a_change_back() {
    let mut ledger = Ledger::new();
    let flake = flake_id(1);
    discover(&mut ledger, flake, "/a");
    record(&mut ledger, flake, "c1", 0, change("", "a"));
    // A scan records what it sees before what git tells.
    saw(&mut ledger, flake, change("a", "c"));
    record(&mut ledger, flake, "c2", 1, change("a", "b"));
    record(&mut ledger, flake, "c3", 2, change("b", "c"));
    saw(&mut ledger, flake, change("c", "b"));
    let expected = [("cb", Source::Seen), ("bc", Source::Git), ("ab", Source::Git), ("-a", Source::Git)];
    assert_eq!(told(&history(&ledger, Some(flake))), expected.map(|(change, source)| (change.to_owned(), source)));
}

#[test]
fn changes_are_told_by_the_time_they_happened_and_at_the_same_time_by_the_log() {
    let mut ledger = Ledger::new();
    let flake = flake_id(1);
    discover(&mut ledger, flake, "/a");
    saw(&mut ledger, flake, change("d", "e"));
    // The past is read later, its older part last.
    for (id, minute, from, to) in [("c3", 2, "b", "c"), ("c4", 2, "c", "d"), ("c1", 0, "", "a"), ("c2", 1, "a", "b")] {
        record(&mut ledger, flake, id, minute, change(from, to));
    }
    let changes: Vec<String> = told(&history(&ledger, Some(flake))).into_iter().map(|(change, _)| change).collect();
    assert_eq!(changes, ["de", "cd", "bc", "ab", "-a"]);
}

#[test]
fn a_commit_in_two_clones_counts_once_and_each_clone_still_has_it() {
    let mut ledger = Ledger::new();
    for (number, directory) in [(1, "/a"), (2, "/b")] {
        discover(&mut ledger, flake_id(number), directory);
        record(&mut ledger, flake_id(number), "c1", 1, change("a", "b"));
    }
    assert_eq!(history(&ledger, None).len(), 1);
    assert_eq!(history(&ledger, Some(flake_id(1))).len(), 1);
    assert_eq!(history(&ledger, Some(flake_id(2))).len(), 1);
    let other = Some(Lineage::recorded("example.org/q".into()));
    ledger.flake(flake_id(2), [FlakeEvent::LineageChanged { from: None, to: other }]);
    assert_eq!(history(&ledger, None).len(), 2, "another project is another history");
}

#[test]
fn a_commit_that_one_clone_lost_is_told_of_the_clone_that_still_has_it() {
    let mut ledger = Ledger::new();
    for (number, directory) in [(1, "/a"), (2, "/b")] {
        discover(&mut ledger, flake_id(number), directory);
        record(&mut ledger, flake_id(number), "c1", 1, change("a", "b"));
    }
    let mut lose = |number| {
        let lost = LockHistoryEvent::Unreachable { flake: flake_id(number), commits: vec!["c1".into()] };
        ledger.append(StreamId::lock_history(flake_id(number)), [Event::LockHistory(lost)]);
        let reader = ledger.store.reader().unwrap();
        let mut view = reader.prepare("SELECT flake, reachable FROM v1_input_history").unwrap();
        let view = view.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let view: Vec<(String, bool)> = view.collect::<Result<_, _>>().unwrap();
        let rows: Vec<_> = history(&ledger, None).iter().map(|row| (row.flake.to_string(), row.reachable)).collect();
        assert_eq!(view, rows);
        rows
    };
    assert_eq!(lose(1), [(flake_id(2).to_string(), true)]);
    assert_eq!(lose(2), [(flake_id(1).to_string(), false)], "lost everywhere, the first tells it again");
}

#[test]
fn lost_commits_are_marked_and_those_that_come_back_are_not() {
    let mut ledger = Ledger::new();
    let flake = flake_id(1);
    discover(&mut ledger, flake, "/a");
    record(&mut ledger, flake, "c1", 1, change("a", "b"));
    let lost = LockHistoryEvent::Unreachable { flake, commits: vec!["c1".into()] };
    ledger.append(StreamId::lock_history(flake), [Event::LockHistory(lost)]);
    assert!(!history(&ledger, Some(flake))[0].reachable);
    record(&mut ledger, flake, "c1", 1, change("a", "b"));
    let rows = history(&ledger, Some(flake));
    assert_eq!((rows.len(), rows[0].reachable), (1, true));
    // At every moment it is told what was so then.
    let reader = ledger.store.reader().unwrap();
    let then = |flake, at| view::history(&reader, flake, &HistoryFilter::default(), at).unwrap()[0].reachable;
    for flake in [Some(flake), None] {
        assert_eq!([2, 3, 4].map(|position| then(flake, At::Position(position))), [true, false, true], "{flake:?}");
    }
    assert!(then(Some(flake), At::Occurred(commit("c1", 1).committed_at)));
    assert_eq!(ledger.store.compare(None).unwrap(), []);
}

#[test]
fn the_filter_and_the_moment_choose() {
    let mut ledger = Ledger::new();
    let flake = flake_id(1);
    discover(&mut ledger, flake, "/a");
    record(&mut ledger, flake, "c1", 1, change("", "a"));
    record(&mut ledger, flake, "c2", 2, change("a", "b"));
    let reader = ledger.store.reader().unwrap();
    let all = HistoryFilter::default();
    let count = |filter: &HistoryFilter, at| view::history(&reader, Some(flake), filter, at).unwrap().len();
    assert_eq!(count(&all, At::Now), 2);
    assert_eq!(count(&all, At::Position(2)), 1);
    assert_eq!(count(&all, At::Occurred(commit("", 1).committed_at)), 1);
    assert_eq!(count(&HistoryFilter { since: Some(commit("", 2).committed_at), ..all.clone() }, At::Now), 1);
    assert_eq!(count(&HistoryFilter { until: Some(commit("", 2).committed_at), ..all.clone() }, At::Now), 1);
    assert_eq!(count(&HistoryFilter { input: Some("other".into()), ..all.clone() }, At::Now), 0);
    assert_eq!(count(&HistoryFilter { limit: Some(1), ..all }, At::Now), 1);
}

//! The queries that faces use: selectors, pages, causes, differences, moments.

use cim_domain_nix::domain::lock_history::{self, Commit};
use cim_domain_nix::store::StoreError;
use cim_domain_nix::store::view::{self, Alike, At, EventFilter, Moment, Page, Subject as Differs, TimePage};

use super::*;

fn nixpkgs(rev: &str) -> Facts {
    Facts {
        inputs: [("nixpkgs".to_owned(), input("nixpkgs"))].into(),
        lock: Some(lock(&[("nixpkgs", "nixpkgs")], &[("nixpkgs", node("NixOS", "nixpkgs", rev, &[]))])),
        ..Facts::default()
    }
}

/// Two flakes, the first of which was updated once; seven events.
fn estate() -> Ledger {
    let mut ledger = Ledger::new();
    let mut first = None;
    ledger.see(flake_id(1), &mut first, &seen("/home/me/one", nixpkgs("1")));
    ledger.see(flake_id(2), &mut None, &seen("/home/me/two", Facts::default()));
    ledger.see(flake_id(1), &mut first, &seen("/home/me/one", nixpkgs("2")));
    ledger.append(
        StreamId::finding(Uuid::from_u128(9)),
        [Event::Finding(raised(Some(flake_id(1)), "/home/me/one/flake.nix", &["a", "b"]))],
    );
    ledger
}

#[test]
fn a_flake_is_found_by_path_id_and_unique_beginning() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    let id = flake_id(1).to_string();
    for selector in ["/home/me/one", "/home/me/one/", "/home/me/one/flake.nix", &id, &id.to_uppercase()] {
        assert_eq!(view::flake(&reader, selector, At::Now).unwrap().id, flake_id(1), "{selector}");
    }
    let missing = view::flake(&reader, "/home/me", At::Now);
    assert!(matches!(missing, Err(StoreError::NoFlake { selector }) if selector == "/home/me"));
    assert!(matches!(view::flake(&reader, "", At::Now), Err(StoreError::NoFlake { .. })));
    let both = view::flake(&reader, &id[..8], At::Now);
    assert!(matches!(both, Err(StoreError::AmbiguousFlake { candidates, .. }) if candidates.len() == 2));
}

#[test]
fn a_flake_counts_its_parts() {
    let ledger = estate();
    let row = view::flake(&ledger.store.reader().unwrap(), "/home/me/one", At::Now).unwrap();
    assert_eq!((row.inputs, row.lock_nodes, row.problems), (1, 1, Some(2)));
    assert_eq!((row.lock_version, row.nixpkgs_last_modified), (Some(7), Some(1_700_000_000)));
    assert_eq!((row.discovered_at, row.changed_at), (BEGIN + SECOND, BEGIN + 3 * SECOND));
    assert_eq!(row.origin, ledger.store.origin().public_key);
    let counts = view::counts(&ledger.store.reader().unwrap(), At::Now).unwrap();
    assert_eq!((counts.events, counts.flakes, counts.inputs, counts.lock_nodes, counts.problems), (4, 2, 1, 1, 2));
}

#[test]
fn problems_of_a_flake_that_is_gone_are_not_shown() {
    let mut ledger = estate();
    let directory = RecordedPath::new("/home/me/one".as_ref());
    ledger.flake(flake_id(1), [FlakeEvent::Removed { directory }]);
    let reader = ledger.store.reader().unwrap();
    assert_eq!(view::problems(&reader, view::Whose::Own, At::Now).unwrap(), []);
    assert_eq!(view::problems(&reader, view::Whose::Own, At::Position(4)).unwrap().len(), 2);
    let known = view::known_flakes(&reader).unwrap();
    assert_eq!(known.iter().map(|row| row.removed).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn pages_of_events_follow_each_other_without_gap_or_overlap() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    let page = |filter: &EventFilter, page, limit| -> Vec<i64> {
        view::events(&reader, filter, page, limit, At::Now).unwrap().iter().map(|row| row.position).collect()
    };
    let all = EventFilter::default();
    assert_eq!(page(&all, Page::Newest, 3), [4, 3, 2]);
    assert_eq!(page(&all, Page::Before(2), 3), [1]);
    assert_eq!(page(&all, Page::After(2), 9), [3, 4]);
    let filter = |kind: &str| EventFilter { kind: Some(kind.into()), ..all.clone() };
    assert_eq!(page(&filter("flake.updated"), Page::Newest, 9), [3]);
    assert_eq!(page(&filter("flake"), Page::Newest, 9), [3, 2, 1]);
    let stream = EventFilter { stream: Some(StreamId::flake(flake_id(2)).to_string()), ..all.clone() };
    assert_eq!(page(&stream, Page::Newest, 9), [2]);
    let flake = |number| EventFilter { flake: Some(flake_id(number)), ..all.clone() };
    assert_eq!(page(&flake(1), Page::Newest, 9), [4, 3, 1], "with the problems of its files");
    assert_eq!(page(&flake(2), Page::Newest, 9), [2]);
    let since = EventFilter { since: Some(BEGIN + 2 * SECOND), until: Some(BEGIN + 4 * SECOND), ..all.clone() };
    assert_eq!(page(&since, Page::Newest, 9), [3, 2]);
    let text = EventFilter { text: Some("COMMIT IT".into()), ..all.clone() };
    assert_eq!(page(&text, Page::Newest, 9), [4]);
    let key = &ledger.store.origin().public_key;
    let origin = |beginning: &str| EventFilter { origin: Some(beginning.into()), ..all.clone() };
    assert_eq!(page(&origin(&key[..6]), Page::Newest, 9).len(), 4);
    assert_eq!(page(&origin("nobody"), Page::Newest, 9).len(), 0);
    let then = view::events(&reader, &all, Page::Newest, 9, At::Position(2)).unwrap();
    assert_eq!(then.first().map(|row| row.position), Some(2));
}

#[test]
fn a_text_finds_what_is_as_good_as_itself() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    let found = |alike: Alike| -> Vec<i64> {
        let filter = EventFilter { text: Some("no such text".into()), alike, ..EventFilter::default() };
        let rows = view::events(&reader, &filter, Page::Newest, 9, At::Now).unwrap();
        assert_eq!(view::events_by_time(&reader, &filter, TimePage::Latest, 9, At::Now).unwrap(), rows);
        rows.iter().map(|row| row.position).collect()
    };
    let (flakes, kinds, words) = (vec![flake_id(2)], vec!["flake.updated".to_owned()], vec!["commit it".to_owned()]);
    assert_eq!(found(Alike::default()), [0_i64; 0]);
    assert_eq!(found(Alike { flakes: flakes.clone(), ..Alike::default() }), [2]);
    assert_eq!(found(Alike { kinds: kinds.clone(), ..Alike::default() }), [3]);
    assert_eq!(found(Alike { words: words.clone(), ..Alike::default() }), [4]);
    assert_eq!(found(Alike { flakes, kinds, words }), [4, 3, 2]);
    let filter = EventFilter { alike: Alike { words: vec!["x".into()], ..Alike::default() }, ..EventFilter::default() };
    assert_eq!(view::events(&reader, &filter, Page::Newest, 9, At::Now).unwrap().len(), 4, "no text is asked for");
}

/// The estate, then two commits that happened before anything was seen, the second of them at the time of the first.
fn estate_with_a_past() -> Ledger {
    let mut ledger = estate();
    for id in ["c1", "c2"] {
        let commit = Commit {
            id: id.into(),
            parent: None,
            author: "Ada".into(),
            authored_at: BEGIN - SECOND,
            committed_at: BEGIN - SECOND,
            summary: "update".into(),
        };
        let events = lock_history::record(flake_id(2), &commit, Vec::new()).into_iter().map(Event::LockHistory);
        ledger.append_at(BEGIN - SECOND, StreamId::lock_history(flake_id(2)), events);
    }
    ledger
}

#[test]
fn pages_in_the_order_of_time_follow_each_other_whatever_was_recorded_when() {
    let ledger = estate_with_a_past();
    let reader = ledger.store.reader().unwrap();
    let page = |filter: &EventFilter, page, limit, at| -> Vec<(i64, i64)> {
        let rows = view::events_by_time(&reader, filter, page, limit, at).unwrap();
        rows.iter().map(|row| (row.position, row.occurred_at)).collect()
    };
    let positions = |filter: &EventFilter, which, limit| -> Vec<i64> {
        page(filter, which, limit, At::Now).into_iter().map(|(position, _)| position).collect()
    };
    let all = EventFilter::default();
    assert_eq!(positions(&all, TimePage::Latest, 9), [4, 3, 2, 1, 6, 5], "at the same time, by position");
    let (mut walked, mut which) = (Vec::new(), TimePage::Latest);
    while let Some(&(position, occurred_at)) = page(&all, which, 2, At::Now).last() {
        walked.extend(positions(&all, which, 2));
        which = TimePage::Before(Moment { occurred_at, position });
    }
    assert_eq!(walked, [4, 3, 2, 1, 6, 5]);
    let sixth = Moment { occurred_at: BEGIN - SECOND, position: 6 };
    assert_eq!(positions(&all, TimePage::After(sixth), 9), [1, 2, 3, 4]);
    assert_eq!(positions(&all, TimePage::UpTo(sixth), 9), [6, 5]);
    assert_eq!(positions(&all, TimePage::Earliest, 3), [5, 6, 1]);
    let kind = |kind: &str| EventFilter { kind: Some(kind.into()), ..all.clone() };
    assert_eq!(positions(&kind("lock_history.recorded"), TimePage::Latest, 9), [6, 5]);
    assert_eq!(positions(&kind("flake"), TimePage::Latest, 9), [3, 2, 1]);
    let flake = EventFilter { flake: Some(flake_id(2)), ..all.clone() };
    assert_eq!(positions(&flake, TimePage::Latest, 9), [2, 6, 5]);
    let since = EventFilter { since: Some(BEGIN + 2 * SECOND), ..all.clone() };
    assert_eq!(positions(&since, TimePage::Latest, 9), [4, 3, 2]);
    let at = |at| page(&all, TimePage::Latest, 9, at).into_iter().map(|(position, _)| position).collect::<Vec<_>>();
    assert_eq!(at(At::Position(5)), [4, 3, 2, 1, 5]);
    assert_eq!(at(At::Occurred(BEGIN + SECOND)), [1, 6, 5]);
}

#[test]
fn events_are_counted_to_a_moment() {
    let ledger = estate_with_a_past();
    let reader = ledger.store.reader().unwrap();
    let count = |at| view::events_at(&reader, at).unwrap();
    assert_eq!([At::Now, At::Position(4), At::Position(99), At::Position(0)].map(count), [6, 4, 6, 0]);
    assert_eq!([BEGIN + SECOND, BEGIN - SECOND, 0].map(|time| count(At::Occurred(time))), [3, 2, 0]);
}

#[test]
fn a_type_is_there_when_an_event_has_it() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    for (kind, there) in [
        ("flake.updated", true),
        ("flake", true),
        ("finding", true),
        ("flake.update", false),
        ("fl", false),
        ("lock_history", false),
        ("", false),
    ] {
        assert_eq!(view::has_kind(&reader, kind).unwrap(), there, "{kind}");
    }
}

#[test]
fn an_event_is_found_by_position_and_id_and_knows_its_causes() {
    let mut ledger = Ledger::new();
    let mut known = None;
    ledger.see(flake_id(1), &mut known, &seen("/f", nixpkgs("1")));
    ledger.see(flake_id(1), &mut known, &seen("/f", Facts { description: Some("x".into()), ..nixpkgs("2") }));
    let reader = ledger.store.reader().unwrap();
    let causes = view::event_causes(&reader, "2").unwrap();
    assert_eq!(causes.command.as_deref(), Some("test"));
    assert_eq!(causes.siblings.iter().map(|row| row.position).collect::<Vec<_>>(), [3]);
    assert_eq!(causes.conversation, []);
    for selector in ["#2".to_owned(), causes.event.event_id.to_string()] {
        assert_eq!(view::event(&reader, &selector).unwrap(), causes.event);
    }
    for selector in ["0", "99", "nonsense", &Uuid::nil().to_string()] {
        assert!(matches!(view::event(&reader, selector), Err(StoreError::NoSuchEvent { .. })), "{selector}");
    }
}

#[test]
fn what_differs_between_two_moments() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    let diff = |from, to| view::diff(&reader, from, to, None).unwrap();
    assert_eq!(diff(At::Now, At::Now), []);
    assert_eq!(diff(At::Position(4), At::Now), []);
    let found = diff(At::Position(1), At::Now);
    let kinds = found.iter().map(|found| {
        (
            found.path.as_str(),
            match &found.subject {
                Differs::Flake { from: None, to: Some(_) } => "new flake",
                Differs::Input { from: Some(_), to: Some(_) } => "input",
                Differs::Node { from: Some(_), to: Some(_) } => "node",
                _ => "other",
            },
        )
    });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [("/home/me/one", "input"), ("/home/me/one", "node"), ("/home/me/two", "new flake")]
    );
    assert_eq!(view::diff(&reader, At::Position(1), At::Now, Some(flake_id(2))).unwrap().len(), 1);
}

#[test]
fn what_the_ledger_knew_is_found_by_when_it_was_recorded() {
    let ledger = estate();
    let reader = ledger.store.reader().unwrap();
    for (time, position) in [(BEGIN, 0), (BEGIN + SECOND, 1), (BEGIN + 2 * SECOND + 1, 2), (i64::MAX, 4)] {
        assert_eq!(view::seen(&reader, time).unwrap(), At::Position(position));
    }
}

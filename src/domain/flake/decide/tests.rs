//! Given what is known, when this is seen, then these events happened.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::flake::{Input, Outputs};
use crate::domain::lock::LockNode;

fn given(events: &[FlakeEvent]) -> Option<Flake> {
    Flake::fold(events)
}

fn seen(facts: Facts) -> Observation {
    Observation {
        directory: RecordedPath::new(Path::new("/home/me/flake")),
        lineage: LineageSeen::Known(None),
        extractor: 1,
        same_files: false,
        facts,
        not_understood: NotUnderstood::default(),
        lock_changes: Vec::new(),
    }
}

fn input(name: &str, url: &str) -> Input {
    Input {
        name: name.into(),
        url: Some(url.into()),
        attrs: None,
        follows: None,
        flake: true,
        overrides: [].into(),
        declared: true,
    }
}

fn facts(inputs: &[(&str, &str)], revisions: &[(&str, &str)]) -> Facts {
    let node = |(key, rev): &(&str, &str)| {
        let locked = json!({ "type": "github", "rev": rev }).as_object().cloned();
        ((*key).to_owned(), LockNode { locked, flake: true, ..LockNode::default() })
    };
    Facts {
        inputs: inputs.iter().map(|(name, url)| ((*name).to_owned(), input(name, url))).collect(),
        lock: (!revisions.is_empty()).then(|| Lock {
            version: Some(7),
            root: "root".into(),
            nodes: revisions.iter().map(node).collect(),
        }),
        ..Facts::default()
    }
}

#[test]
fn given_nothing_when_a_flake_is_seen_then_it_was_discovered_whole() {
    let events = observe(None, &seen(facts(&[("nixpkgs", "github:a/b")], &[("nixpkgs", "1")])));
    assert!(matches!(&events[..], [FlakeEvent::Discovered(found)] if found.facts.inputs.len() == 1));
}

#[test]
fn given_a_flake_when_it_is_seen_again_then_nothing_happened() {
    let observation = seen(facts(&[("nixpkgs", "github:a/b")], &[("nixpkgs", "1")]));
    let known = given(&observe(None, &observation));
    assert_eq!(observe(known.as_ref(), &observation), []);
}

#[test]
fn given_a_flake_when_a_file_makes_no_sense_then_what_it_held_before_stays() {
    let whole = seen(facts(&[("a", "github:a/a")], &[("a", "1")]));
    let known = given(&observe(None, &whole));
    let broken = |nix, lock, facts| Observation { not_understood: NotUnderstood { nix, lock }, ..seen(facts) };
    assert_eq!(observe(known.as_ref(), &broken(true, true, Facts::default())), []);
    let lock_alone = observe(known.as_ref(), &broken(true, false, facts(&[], &[("a", "2")])));
    assert!(matches!(&lock_alone[..], [FlakeEvent::Updated(_)]), "{lock_alone:?}");
    let nix_alone =
        observe(known.as_ref(), &broken(false, true, facts(&[("b", "github:b/b"), ("a", "github:a/a")], &[])));
    assert_eq!(nix_alone, [FlakeEvent::InputAdded(input("b", "github:b/b"))]);
    let newer = Observation { extractor: 2, same_files: true, ..broken(true, true, Facts::default()) };
    assert_eq!(observe(known.as_ref(), &newer), [], "nor does a newer extractor see anything in it");
}

#[test]
fn given_a_lineage_when_it_cannot_be_told_then_it_stays_and_when_there_is_none_it_changes() {
    use crate::domain::lineage::Lineage;
    let of = |lineage| Observation { lineage, ..seen(Facts::default()) };
    let lineage = Some(Lineage::recorded("github.com/a/b".into()));
    let known = given(&observe(None, &of(LineageSeen::Known(lineage.clone()))));
    assert_eq!(observe(known.as_ref(), &of(LineageSeen::Unknown)), []);
    let gone = observe(known.as_ref(), &of(LineageSeen::Known(None)));
    assert_eq!(gone, [FlakeEvent::LineageChanged { from: lineage.clone(), to: None }]);
    let first = given(&observe(None, &of(LineageSeen::Unknown)));
    let told = observe(first.as_ref(), &of(LineageSeen::Known(lineage.clone())));
    assert_eq!(told, [FlakeEvent::LineageChanged { from: None, to: lineage }]);
}

#[test]
fn given_nothing_when_a_file_makes_no_sense_then_it_is_discovered_with_what_could_be_made_out() {
    let mut first = seen(facts(&[("a", "github:a/a")], &[]));
    first.not_understood.nix = true;
    let known = given(&observe(None, &first));
    assert_eq!(known.as_ref().map(|flake| flake.facts.inputs.len()), Some(1));
    assert_eq!(observe(known.as_ref(), &first), []);
}

#[test]
fn given_inputs_when_one_goes_one_comes_and_one_changes_then_there_are_three_events() {
    let known = given(&observe(None, &seen(facts(&[("a", "github:a/a"), ("b", "github:b/b")], &[]))));
    let events = observe(known.as_ref(), &seen(facts(&[("b", "github:b/c"), ("c", "github:c/c")], &[])));
    assert_eq!(
        events,
        [
            FlakeEvent::InputRemoved(input("a", "github:a/a")),
            FlakeEvent::InputChanged {
                from: Box::new(input("b", "github:b/b")),
                to: Box::new(input("b", "github:b/c")),
            },
            FlakeEvent::InputAdded(input("c", "github:c/c")),
        ]
    );
}

#[test]
fn given_a_lock_when_one_revision_changes_then_one_event_carries_that_node_alone() {
    let known = given(&observe(None, &seen(facts(&[], &[("a", "1"), ("b", "1")]))));
    let events = observe(known.as_ref(), &seen(facts(&[], &[("a", "1"), ("b", "2")])));
    assert!(matches!(&events[..], [FlakeEvent::Updated(updated)]
        if updated.nodes.len() == 1 && updated.nodes[0].key == "b" && updated.parts == 1));
}

#[test]
fn given_a_lock_when_it_is_deleted_then_the_state_has_none() {
    let known = given(&observe(None, &seen(facts(&[], &[("a", "1")]))));
    let events = observe(known.as_ref(), &seen(facts(&[], &[])));
    let after = events.iter().fold(known, Flake::apply);
    assert_eq!(after.and_then(|flake| flake.facts.lock), None);
}

#[test]
fn given_unchanged_files_when_a_newer_extractor_sees_more_then_the_observer_changed() {
    let known = given(&observe(None, &seen(facts(&[("a", "github:a/a")], &[]))));
    let mut later = seen(Facts {
        outputs: Outputs { known: vec!["lib".into()], unknown: Vec::new() },
        ..facts(&[("a", "github:a/a")], &[])
    });
    later.extractor = 2;
    later.same_files = true;
    let events = observe(known.as_ref(), &later);
    assert!(matches!(&events[..], [FlakeEvent::ObserverChanged(change)] if change.from == 1 && change.to == 2));
    let after = events.iter().fold(known, Flake::apply);
    assert_eq!(observe(after.as_ref(), &later), []);
}

#[test]
fn given_a_removed_flake_when_it_is_seen_again_then_it_is_discovered_again() {
    let observation = seen(facts(&[("a", "github:a/a")], &[]));
    let known = given(&observe(None, &observation)).expect("discovered");
    let gone = remove(&known).iter().fold(Some(known), Flake::apply).expect("still a flake");
    assert!(gone.removed);
    assert_eq!(remove(&gone), []);
    assert!(matches!(&observe(Some(&gone), &observation)[..], [FlakeEvent::Discovered(_)]));
}

#[test]
fn a_lock_too_large_for_one_event_arrives_in_parts_and_whole() {
    let many: Vec<(String, String)> = (0..4000).map(|n| (format!("node_{n}"), "r".repeat(40))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, rev)| (key.as_str(), rev.as_str())).collect();
    let observation = seen(facts(&[], &many));
    let events = observe(None, &observation);
    assert!(events.len() > 2);
    assert_eq!(given(&events).map(|flake| flake.facts), Some(observation.facts.clone()));
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let names = proptest::collection::btree_map("[a-d]", "[a-c]", 0..4);
    let locks = proptest::collection::btree_map("[a-d]", "[0-3]", 0..4);
    (names, locks, proptest::option::of("[xyz]")).prop_map(|(inputs, nodes, description)| {
        let inputs: Vec<_> = inputs.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        let nodes: Vec<_> = nodes.iter().map(|(key, rev)| (key.as_str(), rev.as_str())).collect();
        Facts { description, ..facts(&inputs, &nodes) }
    })
}

proptest! {
    #[test]
    fn folding_the_events_gives_what_was_seen(history in proptest::collection::vec(any_facts(), 1..6)) {
        let mut known = None;
        for facts in history {
            let observation = seen(facts);
            known = observe(known.as_ref(), &observation).iter().fold(known, Flake::apply);
            prop_assert_eq!(known.as_ref().map(|flake: &Flake| &flake.facts), Some(&observation.facts));
            prop_assert_eq!(observe(known.as_ref(), &observation), []);
        }
    }
}

//! Whatever happens to flakes: folding their events gives what the views show, now and at every moment before.

use std::collections::BTreeMap;

use cim_domain_nix::domain::flake::{Outputs, Override, UnknownOutput};
use cim_domain_nix::domain::lineage::Lineage;
use cim_domain_nix::store::view::{self, At};
use cim_domain_nix::store::{Reader, Store};
use cim_domain_nix::syntax::{graph, lock as syntax};
use proptest::prelude::*;

use super::*;

/// What happens to one of two flakes.
#[derive(Debug, Clone)]
pub(super) enum Step {
    See { facts: Facts, directory: u8, lineage: Option<u8>, extractor: u32, same_files: bool },
    Remove,
    Forget,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<(u128, Step)>> {
    let see = (facts(), 0..3_u8, proptest::option::of(0..2_u8), 1..3_u32, any::<bool>()).prop_map(
        |(facts, directory, lineage, extractor, same_files)| Step::See {
            facts,
            directory,
            lineage,
            extractor,
            same_files,
        },
    );
    let step = prop_oneof![8 => see, 1 => Just(Step::Remove), 1 => Just(Step::Forget)];
    proptest::collection::vec((0..2_u128, step), 1..8)
}

fn facts() -> impl Strategy<Value = Facts> {
    let inputs = proptest::collection::btree_map(prop_oneof![Just("nixpkgs"), Just("a"), Just("b")], any_input(), 0..3);
    let outputs = proptest::collection::btree_map("[a-c]", proptest::option::of("[xy]"), 0..3);
    (proptest::option::of("[a-c]"), inputs, proptest::option::of(any_lock()), outputs, any::<bool>()).prop_map(
        |(description, inputs, lock, outputs, config)| Facts {
            description,
            inputs: inputs
                .into_iter()
                .map(|(name, input)| (name.into(), Input { name: name.into(), ..input }))
                .collect(),
            lock,
            outputs: outputs_of(outputs),
            nix_config: config.then(|| ("allow".to_owned(), "\"x\"".to_owned())).into_iter().collect(),
        },
    )
}

fn outputs_of(paths: BTreeMap<String, Option<String>>) -> Outputs {
    let (unknown, known): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(_, reason)| reason.is_some());
    let unknown = unknown.into_iter().map(|(path, reason)| UnknownOutput { path, reason: reason.unwrap_or_default() });
    Outputs { known: known.into_iter().map(|(path, _)| path).collect(), unknown: unknown.collect() }
}

fn any_input() -> impl Strategy<Value = Input> {
    (any::<bool>(), any::<bool>(), proptest::option::of("[ab]"), any::<bool>()).prop_map(
        |(attrs, flake, follows, overridden)| Input {
            url: (!attrs).then(|| "github:a/b".to_owned()),
            attrs: attrs.then(|| json!({ "type": "path", "path": "./x", "n": 3 }).as_object().cloned()).flatten(),
            flake,
            overrides: overridden
                .then(|| ("x/y".to_owned(), Override { url: None, follows: follows.clone() }))
                .into_iter()
                .collect(),
            follows,
            ..input("")
        },
    )
}

fn any_lock() -> impl Strategy<Value = Lock> {
    let edge = prop_oneof![
        4 => "[a-d]".prop_map(Edge::Node),
        1 => proptest::collection::vec("[a-c]", 0..3).prop_map(Edge::Follows),
    ];
    let edges = proptest::collection::btree_map(prop_oneof![Just("nixpkgs".to_owned()), "[a-c]"], edge, 0..3);
    let node = (edges.clone(), 0..3_u8, 0..2_u8, any::<bool>()).prop_map(|(inputs, repo, rev, flake)| LockNode {
        inputs,
        flake,
        ..node("me", &format!("r{repo}"), &format!("{rev}"), &[])
    });
    (edges, proptest::collection::btree_map("[a-d]", node, 0..5)).prop_map(|(root, mut nodes)| {
        nodes.insert("root".into(), LockNode { inputs: root, flake: true, ..LockNode::default() });
        Lock { version: Some(7), root: "root".into(), nodes }
    })
}

/// One event that was stored: its flake, what it says, when it happened.
pub(super) type Told = (FlakeId, FlakeEvent, i64);

fn tell(ledger: &mut Ledger, steps: &[(u128, Step)]) -> Vec<Told> {
    let mut told = Vec::new();
    tell_more(ledger, &mut told, steps);
    told
}

/// The same after what was told already, as far as it is still known.
pub(super) fn tell_more(ledger: &mut Ledger, told: &mut Vec<Told>, steps: &[(u128, Step)]) {
    let mut known = states(told.iter());
    for (number, step) in steps {
        let id = flake_id(*number);
        let state = known.entry(id).or_default();
        let events = match step {
            Step::See { facts, directory, lineage, extractor, same_files } => {
                let lineage = lineage.map(|n| Lineage::recorded(format!("example.org/p{n}")));
                let lineage = LineageSeen::Known(lineage);
                let observation = seen(&format!("/f{number}/{directory}"), facts.clone());
                let (extractor, same_files) = (*extractor, *same_files);
                decide::observe(state.as_ref(), &Observation { lineage, extractor, same_files, ..observation })
            }
            Step::Remove => state.as_ref().map(decide::remove).unwrap_or_default(),
            Step::Forget => state.as_ref().map(decide::forget).unwrap_or_default(),
        };
        *state = events.iter().fold(state.take(), Flake::apply);
        ledger.flake(id, events.clone());
        told.extend(events.into_iter().map(|event| (id, event, ledger.now())));
    }
}

pub(super) fn fold<'a>(told: impl Iterator<Item = &'a Told>) -> BTreeMap<FlakeId, Flake> {
    states(told).into_iter().filter_map(|(id, state)| Some((id, state.filter(|flake| !flake.removed)?))).collect()
}

fn states<'a>(told: impl Iterator<Item = &'a Told>) -> BTreeMap<FlakeId, Option<Flake>> {
    let mut states: BTreeMap<FlakeId, Option<Flake>> = BTreeMap::new();
    for (id, event, _) in told {
        let state = states.entry(*id).or_default();
        *state = Flake::apply(state.take(), event);
    }
    states
}

/// The views at a moment show exactly these flakes.
pub(super) fn check(reader: &Reader, at: At, expected: &BTreeMap<FlakeId, Flake>) {
    let flakes = view::flakes(reader, view::Whose::Own, at).unwrap();
    assert_eq!(
        flakes.iter().map(|row| row.id).collect::<std::collections::BTreeSet<_>>(),
        expected.keys().copied().collect()
    );
    for row in flakes {
        let flake = &expected[&row.id];
        assert_eq!((&row.path, &row.description), (&flake.directory, &flake.facts.description));
        assert_eq!(row.lineage.as_deref(), flake.lineage.as_ref().map(Lineage::as_str));
        assert_eq!((row.extractor, &row.nix_config), (flake.extractor, &flake.facts.nix_config));
        assert_eq!(row.inputs, flake.facts.inputs.len() as u64);
        assert_eq!(view::flake(reader, row.path.text(), at).unwrap().id, row.id);
        let lock = view::lock(reader, row.id, at).unwrap();
        assert_eq!(lock, flake.facts.lock);
        check_inputs(reader, at, row.id, flake);
        check_outputs(reader, at, row.id, &flake.facts.outputs);
        check_graph(reader, at, row.id, &view_of(flake.facts.lock.as_ref()));
        assert_eq!(row.nixpkgs_last_modified, graph::nixpkgs(&view_of(lock.as_ref())).map(|(_, modified)| modified));
    }
}

fn check_inputs(reader: &Reader, at: At, id: FlakeId, flake: &Flake) {
    let lock = view_of(flake.facts.lock.as_ref());
    let rows = view::inputs(reader, id, at).unwrap();
    let shown = rows.iter().map(|row| Input {
        name: row.name.clone(),
        url: row.url.clone(),
        attrs: row.attrs.clone(),
        follows: row.follows.clone(),
        flake: row.flake,
        overrides: row.overrides.clone(),
        declared: row.declared,
    });
    assert_eq!(shown.map(|input| (input.name.clone(), input)).collect::<BTreeMap<_, _>>(), flake.facts.inputs);
    for row in rows {
        let node = graph::resolve(&lock, &[&row.name]).ok();
        assert_eq!(row.node.as_deref(), node.filter(|_| flake.facts.lock.is_some()), "{}", row.name);
        assert_eq!(row.locked, node.and_then(|key| lock.nodes.get(key)?.locked.clone()));
    }
}

fn check_outputs(reader: &Reader, at: At, id: FlakeId, outputs: &Outputs) {
    let rows = view::outputs(reader, id, at).unwrap();
    let known = rows.iter().filter(|row| row.unknown.is_none()).map(|row| row.path.clone()).collect::<Vec<_>>();
    assert_eq!(known, outputs.known);
    let unknown = rows.into_iter().filter_map(|row| Some(UnknownOutput { path: row.path, reason: row.unknown? }));
    assert_eq!(unknown.collect::<Vec<_>>(), outputs.unknown);
}

fn check_graph(reader: &Reader, at: At, id: FlakeId, lock: &syntax::LockFile) {
    let shown: BTreeMap<_, _> =
        view::lock_nodes(reader, id, at).unwrap().into_iter().filter_map(|row| Some((row.path?, row.key))).collect();
    let paths = graph::paths(lock).into_iter().map(|(path, key)| (path, key.to_owned())).collect();
    assert_eq!(shown, paths);
    let groups = view::duplicates(reader, Some(id), at).unwrap().into_iter().flat_map(|row| row.groups);
    let groups: Vec<_> = groups.map(|group| (group.key, group.nodes)).collect();
    assert_eq!(groups, graph::duplicates(lock).into_iter().map(|group| (group.key, group.nodes)).collect::<Vec<_>>());
}

fn view_of(lock: Option<&Lock>) -> syntax::LockFile {
    let edge = |edge: &Edge| match edge {
        Edge::Node(key) => syntax::Edge::Node(key.clone()),
        Edge::Follows(path) => syntax::Edge::Follows(path.clone()),
    };
    let node = |node: &LockNode| syntax::Node {
        inputs: node.inputs.iter().map(|(name, to)| (name.clone(), edge(to))).collect(),
        locked: node.locked.clone(),
        original: node.original.clone(),
        flake: node.flake,
        parent: node.parent.clone(),
        extra: serde_json::Map::new(),
        span: None,
    };
    lock.map(|lock| syntax::LockFile {
        version: lock.version,
        root: lock.root.clone(),
        nodes: lock.nodes.iter().map(|(key, at)| (key.clone(), node(at))).collect(),
        problems: Vec::new(),
    })
    .unwrap_or_default()
}

fn check_every_moment(store: &Store, told: &[Told]) {
    let reader = store.reader().unwrap();
    check(&reader, At::Now, &fold(told.iter()));
    for position in 0..=told.len() {
        let at = At::Position(i64::try_from(position).unwrap());
        check(&reader, at, &fold(told.iter().take(position)));
    }
    for time in told.iter().flat_map(|(_, _, at)| [*at - 1, *at]) {
        check(&reader, At::Occurred(time), &fold(told.iter().filter(|(_, _, at)| *at <= time)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn folding_the_events_gives_what_the_views_show_and_so_does_a_rebuild(steps in steps()) {
        let mut ledger = Ledger::new();
        let told = tell(&mut ledger, &steps);
        check_every_moment(&ledger.store, &told);
        prop_assert_eq!(ledger.store.compare(None).unwrap(), []);
        ledger.store.rebuild(None, &false.into(), &mut |_| {}).unwrap();
        check_every_moment(&ledger.store, &told);
        prop_assert_eq!(ledger.store.compare(None).unwrap(), []);
    }
}

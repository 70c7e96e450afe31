//! Whatever event is erased, and whatever comes after it: the views show what the other events say, and agree with each other.

use std::collections::BTreeSet;

use cim_domain_nix::domain::module::{self, Module, ModuleKind};
use cim_domain_nix::domain::nix_file::NixFile;
use cim_domain_nix::domain::overlay::{self, Overlay};
use cim_domain_nix::domain::pins::{self, Manager, Pins};
use cim_domain_nix::store::StoreError;
use cim_domain_nix::store::erase::Erasure;
use cim_domain_nix::store::view::{self, At};
use proptest::prelude::*;

use super::fold::{check, fold, steps, tell_more};
use super::*;

/// Erases the event at a position; whether it may be: a flake that was forgotten does not come back by it.
fn erase(ledger: &mut Ledger, position: i64) -> bool {
    let sql = "SELECT event_id FROM events WHERE position = ?1";
    let event = ledger.store.reader().unwrap().query_row(sql, [position], |row| row.get(0)).unwrap();
    let (id, record) = (ledger.id(), EventId::new(ledger.id()));
    let command = Command {
        id,
        name: "erase",
        identity: MessageIdentity::root(id),
        actor: "me@here".into(),
        result: Value::Null,
    };
    let event = EventId::new(Uuid::from_bytes(event));
    let at = ledger.now();
    match ledger.store.erase(Erasure { command, at, event, record, reason: "a test".into() }) {
        Err(StoreError::NotErasable { .. }) => false,
        erased => erased.is_ok(),
    }
}

fn count(ledger: &Ledger, sql: &str) -> i64 {
    ledger.store.reader().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// No row of a part without the row of the whole, live as after a rebuild.
fn assert_whole(ledger: &Ledger) {
    for view in ["v1_outputs", "v1_inputs", "v1_lock_nodes", "v1_duplicates", "v1_problems"] {
        let sql = "WHERE flake IS NOT NULL AND flake NOT IN (SELECT id FROM v1_flakes)";
        assert_eq!(count(ledger, &format!("SELECT count(*) FROM {view} {sql}")), 0, "{view}");
    }
    let sql = "SELECT count(*) FROM v1_modules m WHERE valid_to IS NULL AND (declared, defined) <> (
        SELECT count(*) FILTER (WHERE how = 'declared'), count(*) FILTER (WHERE how = 'defined')
        FROM v1_module_options o WHERE o.path = m.path AND o.flake IS m.flake AND o.valid_to IS NULL)";
    assert_eq!(count(ledger, sql), 0, "modules and their options");
    let sql = "SELECT count(*) FROM v1_module_options o WHERE valid_to IS NULL AND NOT EXISTS (
        SELECT 1 FROM v1_modules m WHERE o.path = m.path AND o.flake IS m.flake AND m.valid_to IS NULL)";
    assert_eq!(count(ledger, sql), 0, "options and their modules");
    assert_eq!(count(ledger, "SELECT count(*) FROM v1_pins WHERE origin IS NULL"), 0, "pins and their files");
    assert_eq!(ledger.store.compare(None).unwrap(), []);
}

/// What one file says at one look.
#[derive(Debug, Clone)]
struct File {
    module: Option<Module>,
    overlay: Option<Overlay>,
    pins: Option<Pins>,
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let names = || proptest::collection::btree_set("[a-c]", 0..3);
    let kind = prop_oneof![Just(ModuleKind::Unknown), Just(ModuleKind::Nixos)];
    let module = (kind, names(), names(), names(), 0..2_u32)
        .prop_map(|(kind, declared, defined, imports, left_out)| Module { kind, declared, defined, imports, left_out });
    let overlay = names().prop_map(|adds| Overlay { adds, left_out: 0 });
    let pin = "[12]".prop_map(|rev| json!({ "type": "git", "rev": rev }).as_object().cloned().unwrap_or_default());
    let pins = proptest::collection::btree_map("[a-c]", pin, 0..3);
    let often = |weight| proptest::option::weighted(weight, Just(()));
    let file = (module, overlay, pins, often(0.8), often(0.8), often(0.8)).prop_map(
        |(module, overlay, pins, has_module, has_overlay, has_pins)| File {
            module: has_module.map(|()| module),
            overlay: has_overlay.map(|()| overlay),
            pins: has_pins.map(|()| pins),
        },
    );
    proptest::collection::vec(file, 1..6)
}

const PINNED: &str = "/x/nix/sources.json";

/// Looks at the file; what is known of it is what the events that are not erased say.
fn look(ledger: &mut Ledger, told: &mut Vec<(i64, Event)>, seen: &File) {
    let path = RecordedPath::new("/x/a.nix".as_ref());
    let file = NixFile { flake: None, path };
    let of = |told: &[(i64, Event)]| {
        let events = told.iter().map(|(_, event)| event);
        let module = module::fold(
            events.clone().filter_map(|event| if let Event::Module(it) = event { Some(it) } else { None }),
        );
        let overlay = overlay::fold(
            events.clone().filter_map(|event| if let Event::Overlay(it) = event { Some(it) } else { None }),
        );
        let pins = pins::fold(events.filter_map(|event| if let Event::Pins(it) = event { Some(it) } else { None }));
        File { module, overlay, pins }
    };
    let known = of(told);
    let pinned = RecordedPath::new(PINNED.as_ref());
    let events = [
        module::observe(known.module.as_ref(), &file, seen.module.as_ref(), false).map(Event::Module),
        overlay::observe(known.overlay.as_ref(), &file, seen.overlay.as_ref(), false).map(Event::Overlay),
        pins::observe(known.pins.as_ref(), &pinned, Manager::Niv, seen.pins.as_ref()).map(Event::Pins),
    ];
    let key = Uuid::from_u128(7);
    let streams = [StreamId::module(key), StreamId::overlay(key), StreamId::pins(key)];
    for (event, stream) in events.into_iter().zip(streams) {
        if let Some(event) = event {
            ledger.append(stream, [event.clone()]);
            told.push((count(ledger, "SELECT max(position) FROM events"), event));
        }
    }
    assert_shown(ledger, &of(told));
}

fn assert_shown(ledger: &Ledger, known: &File) {
    let reader = ledger.store.reader().unwrap();
    let shown = view::modules(&reader, None, At::Now).unwrap();
    let shown: Vec<_> = shown.iter().map(|row| (row.kind.as_str(), row.declared, row.defined, row.imports)).collect();
    let module = known.module.iter().map(|it| {
        let [declared, defined, imports] = [&it.declared, &it.defined, &it.imports].map(|names| names.len() as u64);
        (it.kind.name(), declared, defined, imports)
    });
    assert_eq!(shown, module.collect::<Vec<_>>());
    let shown = view::overlays(&reader, None, At::Now).unwrap();
    let shown: Vec<BTreeSet<String>> = shown.into_iter().map(|row| row.adds.into_iter().collect()).collect();
    assert_eq!(shown, known.overlay.iter().map(|it| it.adds.clone()).collect::<Vec<_>>());
    let shown = view::pins(&reader, At::Now).unwrap();
    assert!(shown.iter().all(|row| row.manager == "niv"));
    let shown: Pins = shown.into_iter().map(|row| (row.name, row.attrs)).collect();
    assert_eq!(shown, known.pins.clone().unwrap_or_default());
    let files = view::pin_files(&reader).unwrap();
    assert_eq!(files.len(), usize::from(known.pins.is_some()), "a file that is gone later has to be known");
    assert_whole(ledger);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_views_of_flakes_agree_after_any_event_was_erased(
        before in steps(), after in steps(), which in any::<prop::sample::Index>()
    ) {
        let mut ledger = Ledger::new();
        let mut told = Vec::new();
        tell_more(&mut ledger, &mut told, &before);
        if !told.is_empty() {
            let erased = which.index(told.len());
            let is_last_word = matches!(told[erased].1, FlakeEvent::Forgotten { .. });
            if erase(&mut ledger, i64::try_from(erased).unwrap() + 1) {
                told.remove(erased);
            } else {
                assert!(is_last_word, "{:?}", told[erased]);
            }
            check(&ledger.store.reader().unwrap(), At::Now, &fold(told.iter()));
            assert_whole(&ledger);
        }
        tell_more(&mut ledger, &mut told, &after);
        check(&ledger.store.reader().unwrap(), At::Now, &fold(told.iter()));
        assert_whole(&ledger);
    }

    #[test]
    fn the_views_of_files_agree_after_any_event_was_erased(
        before in files(), after in files(), which in any::<prop::sample::Index>()
    ) {
        let mut ledger = Ledger::new();
        let mut told = Vec::new();
        for file in &before {
            look(&mut ledger, &mut told, file);
        }
        if !told.is_empty() {
            let (position, _) = told.remove(which.index(told.len()));
            assert!(erase(&mut ledger, position));
        }
        for file in &after {
            look(&mut ledger, &mut told, file);
        }
    }
}

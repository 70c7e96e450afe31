//! Events as property tests make them up: every variant, odd texts, odd paths, odd numbers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::Attrs;
use crate::domain::catalogue::Event;
use crate::domain::config::host::{Host, HostChange, HostKind, HostName};
use crate::domain::config::{ConfigEvent, Generation};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Severity, Subject, Suppressed};
use crate::domain::flake::event::{Discovered, FlakeEvent, ObserverChanged, Succeeded, Updated};
use crate::domain::flake::{Facts, Input, Outputs, Override, UnknownOutput};
use crate::domain::id::{EventId, FlakeId};
use crate::domain::ledger::LedgerEvent;
use crate::domain::lineage::Lineage;
use crate::domain::lock::{Edge, Lock, LockHead, LockNode, NodeChange, PathChange};
use crate::domain::lock_history::{Commit, LockHistoryEvent, Recorded};
use crate::domain::module::{Module, ModuleChange, ModuleEvent, ModuleKind};
use crate::domain::nix_file::{Names, NamesChange, NixFile};
use crate::domain::overlay::{Overlay, OverlayEvent};
use crate::domain::path::RecordedPath;
use crate::domain::pins::{Manager, PinChange, PinsEvent};

pub(in crate::store) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => flake_event().prop_map(Event::Flake),
        1 => finding_event().prop_map(Event::Finding),
        1 => lock_history_event().prop_map(Event::LockHistory),
        1 => config_event().prop_map(Event::Config),
        1 => host_event().prop_map(Event::Config),
        1 => pins_event().prop_map(Event::Pins),
        1 => module_event().prop_map(Event::Module),
        1 => overlay_event().prop_map(Event::Overlay),
        1 => erased().prop_map(Event::Ledger),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/]{0,8}", "\\PC{0,6}", any::<String>().prop_map(|text| text.chars().take(6).collect())]
}

fn path() -> impl Strategy<Value = RecordedPath> {
    vec(any::<u8>(), 1..12).prop_map(|bytes| RecordedPath::new(&PathBuf::from(OsString::from_vec(bytes))))
}

fn id() -> impl Strategy<Value = FlakeId> {
    any::<u128>().prop_map(|number| FlakeId::new(Uuid::from_u128(number)))
}

fn attrs() -> impl Strategy<Value = Attrs> {
    let value = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    vec((text(), value), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn input() -> impl Strategy<Value = Input> {
    let over = (option::of(text()), option::of(text())).prop_map(|(url, follows)| Override { url, follows });
    let overrides = btree_map(text(), over, 0..3);
    let parts = (text(), option::of(text()), option::of(attrs()), option::of(text()), any::<bool>(), overrides);
    (parts, any::<bool>()).prop_map(|((name, url, attrs, follows, flake, overrides), declared)| Input {
        name,
        url,
        attrs,
        follows,
        flake,
        overrides,
        declared,
    })
}

fn outputs() -> impl Strategy<Value = Outputs> {
    let unknown = (text(), text()).prop_map(|(path, reason)| UnknownOutput { path, reason });
    (vec(text(), 0..3), vec(unknown, 0..2)).prop_map(|(known, unknown)| Outputs { known, unknown })
}

fn node() -> impl Strategy<Value = LockNode> {
    let edge = prop_oneof![text().prop_map(Edge::Node), vec(text(), 0..3).prop_map(Edge::Follows)];
    let sources = (option::of(attrs()), option::of(attrs()));
    (btree_map(text(), edge, 0..3), sources, any::<bool>(), option::of(vec(text(), 0..2)))
        .prop_map(|(inputs, (locked, original), flake, parent)| LockNode { inputs, locked, original, flake, parent })
}

fn facts() -> impl Strategy<Value = Facts> {
    let lock = (option::of(any::<u64>()), text(), btree_map(text(), node(), 0..3))
        .prop_map(|(version, root, nodes)| Lock { version, root, nodes });
    (option::of(text()), btree_map(text(), input(), 0..3), outputs(), settings(), option::of(lock)).prop_map(
        |(description, inputs, outputs, nix_config, lock)| Facts { description, inputs, outputs, nix_config, lock },
    )
}

fn settings() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..3)
}

fn lineage() -> impl Strategy<Value = Option<Lineage>> {
    option::of(text().prop_map(Lineage::recorded))
}

fn path_changes() -> impl Strategy<Value = Vec<PathChange>> {
    let change = (text(), text(), option::of(attrs()), option::of(attrs()))
        .prop_map(|(input, node, from, to)| PathChange { input, node, from, to });
    vec(change, 0..3)
}

fn updated() -> impl Strategy<Value = Updated> {
    let head = || {
        // As locks have it, and what can only be written as text.
        let version = prop_oneof![0..10_u64, any::<u64>()];
        option::of((option::of(version), text()).prop_map(|(version, root)| LockHead { version, root }))
    };
    let change =
        (text(), option::of(node()), option::of(node())).prop_map(|(key, from, to)| NodeChange { key, from, to });
    (head(), head(), vec(change, 0..3), path_changes(), any::<u32>(), any::<u32>())
        .prop_map(|(from, to, nodes, changes, part, parts)| Updated { from, to, nodes, changes, part, parts })
}

fn succeeded() -> impl Strategy<Value = FlakeEvent> {
    (text(), text(), any::<u32>().prop_map(u64::from), any::<[u8; 32]>(), option::of(vec(any::<u8>(), 64))).prop_map(
        |(origin, stream, version, chain, signature)| {
            FlakeEvent::Succeeded(Box::new(Succeeded { origin, stream, version, chain, signature }))
        },
    )
}

fn flake_event() -> BoxedStrategy<FlakeEvent> {
    let discovered = (path(), lineage(), any::<u32>(), facts()).prop_map(|(directory, lineage, extractor, facts)| {
        FlakeEvent::Discovered(Box::new(Discovered { directory, lineage, extractor, facts }))
    });
    let observer = (any::<u32>(), any::<u32>(), facts())
        .prop_map(|(from, to, facts)| FlakeEvent::ObserverChanged(Box::new(ObserverChanged { from, to, facts })));
    prop_oneof![
        discovered,
        (option::of(text()), option::of(text())).prop_map(|(from, to)| FlakeEvent::DescriptionChanged { from, to }),
        input().prop_map(FlakeEvent::InputAdded),
        input().prop_map(FlakeEvent::InputRemoved),
        (input(), input()).prop_map(|(from, to)| FlakeEvent::InputChanged { from: Box::new(from), to: Box::new(to) }),
        updated().prop_map(FlakeEvent::Updated),
        (outputs(), outputs()).prop_map(|(from, to)| FlakeEvent::OutputsChanged { from, to }),
        (settings(), settings()).prop_map(|(from, to)| FlakeEvent::NixConfigChanged { from, to }),
        (lineage(), lineage()).prop_map(|(from, to)| FlakeEvent::LineageChanged { from, to }),
        (path(), path()).prop_map(|(from, to)| FlakeEvent::Moved { from, to }),
        path().prop_map(|directory| FlakeEvent::Removed { directory }),
        path().prop_map(|directory| FlakeEvent::Forgotten { directory }),
        succeeded(),
        observer,
    ]
    .boxed()
}

fn finding_event() -> impl Strategy<Value = FindingEvent> {
    let subject = (option::of(id()), path()).prop_map(|(flake, file)| Subject { flake, file });
    let severity = prop_oneof![Just(Severity::Info), Just(Severity::Warning), Just(Severity::Error)];
    let finding = (text(), text(), severity, option::of(any::<u32>()), text()).prop_map(
        |(fingerprint, code, severity, line, message)| Finding { fingerprint, code, severity, line, message },
    );
    let meant = (text(), text(), option::of(text())).prop_map(|(fingerprint, why, until)| Suppressed {
        fingerprint,
        why,
        until,
    });
    let all = (subject, vec(finding, 0..3), vec(text(), 0..3), vec(meant, 0..3), 0..4_u8);
    all.prop_map(|(subject, findings, fingerprints, meant, what)| match what {
        0 => FindingEvent::Raised { subject, findings },
        1 => FindingEvent::Changed { subject, findings },
        2 => FindingEvent::Resolved { subject, fingerprints },
        _ => FindingEvent::Suppressed { subject, findings: meant },
    })
}

fn lock_history_event() -> impl Strategy<Value = LockHistoryEvent> {
    let committed_at = prop_oneof![any::<i64>(), 0..1_000_000_i64];
    let commit = (text(), option::of(text()), text(), any::<i64>(), committed_at, text()).prop_map(
        |(id, parent, author, authored_at, committed_at, summary)| Commit {
            id,
            parent,
            author,
            authored_at,
            committed_at,
            summary,
        },
    );
    prop_oneof![
        (id(), commit, path_changes(), any::<u32>(), any::<u32>()).prop_map(|(flake, commit, changes, part, parts)| {
            LockHistoryEvent::Recorded(Recorded { flake, commit, changes, part, parts })
        }),
        (id(), vec(text(), 0..3)).prop_map(|(flake, commits)| LockHistoryEvent::Unreachable { flake, commits }),
    ]
}

fn config_event() -> impl Strategy<Value = ConfigEvent> {
    let generation = (any::<u64>(), text(), option::of(text()), option::of(text()), option::of(text())).prop_map(
        |(number, store_path, version, revision, configuration)| Generation {
            number,
            store_path,
            version,
            revision,
            configuration,
        },
    );
    (path(), generation, option::of(any::<u64>())).prop_map(|(profile, generation, from)| match from {
        None => ConfigEvent::Activated { profile, generation },
        Some(from) => ConfigEvent::RolledBack { profile, from, to: generation },
    })
}

fn pins_event() -> impl Strategy<Value = PinsEvent> {
    let manager = prop_oneof![Just(Manager::Npins), Just(Manager::Niv), Just(Manager::Channels)];
    let change =
        (text(), option::of(attrs()), option::of(attrs())).prop_map(|(name, from, to)| PinChange { name, from, to });
    prop_oneof![
        (path(), manager, btree_map(text(), attrs(), 0..3)).prop_map(|(file, manager, pins)| PinsEvent::Discovered {
            file,
            manager,
            pins
        }),
        (path(), vec(change, 0..3)).prop_map(|(file, changes)| PinsEvent::Updated { file, changes }),
        path().prop_map(|file| PinsEvent::Removed { file }),
    ]
}

fn names() -> impl Strategy<Value = Names> {
    btree_set(text(), 0..3)
}

fn names_change() -> impl Strategy<Value = NamesChange> {
    (names(), names()).prop_map(|(added, removed)| NamesChange { added, removed })
}

fn nix_file() -> impl Strategy<Value = NixFile> {
    (option::of(id()), path()).prop_map(|(flake, path)| NixFile { flake, path })
}

fn module_event() -> impl Strategy<Value = ModuleEvent> {
    let kind = || proptest::sample::select(&ModuleKind::ALL[..]);
    let module = (kind(), names(), names(), names(), any::<u32>())
        .prop_map(|(kind, declared, defined, imports, left_out)| Module { kind, declared, defined, imports, left_out });
    let kinds = option::of((kind(), kind()));
    let parts = (kinds, names_change(), names_change(), names_change(), any::<u32>(), any::<bool>());
    let change = parts.prop_map(|(kind, declared, defined, imports, left_out, same_file)| ModuleChange {
        kind,
        declared,
        defined,
        imports,
        left_out,
        same_file,
    });
    prop_oneof![
        (nix_file(), module).prop_map(|(file, module)| ModuleEvent::Discovered { file, module }),
        (nix_file(), change).prop_map(|(file, change)| ModuleEvent::Updated { file, change }),
        nix_file().prop_map(|file| ModuleEvent::Deleted { file }),
    ]
}

fn overlay_event() -> impl Strategy<Value = OverlayEvent> {
    let overlay = (names(), any::<u32>()).prop_map(|(adds, left_out)| Overlay { adds, left_out });
    prop_oneof![
        (nix_file(), overlay).prop_map(|(file, overlay)| OverlayEvent::Discovered { file, overlay }),
        (nix_file(), names_change(), any::<u32>(), any::<bool>())
            .prop_map(|(file, adds, left_out, same_file)| OverlayEvent::Updated { file, adds, left_out, same_file }),
        nix_file().prop_map(|file| OverlayEvent::Deleted { file }),
    ]
}

fn host_event() -> impl Strategy<Value = ConfigEvent> {
    let kind = proptest::sample::select(&HostKind::ALL[..]);
    let name = || (id(), kind.clone(), text()).prop_map(|(flake, kind, name)| HostName { flake, kind, name });
    let host = (option::of(text()), names(), names(), names(), names(), any::<u32>()).prop_map(
        |(system, modules, users, services, unknown, left_out)| Host {
            system,
            modules,
            users,
            services,
            unknown,
            left_out,
        },
    );
    let system = option::of((option::of(text()), option::of(text())));
    let changes = (names_change(), names_change(), names_change(), names_change());
    let change = (system, changes, any::<u32>(), any::<bool>()).prop_map(
        |(system, (modules, users, services, unknown), left_out, same_files)| HostChange {
            system,
            modules,
            users,
            services,
            unknown,
            left_out,
            same_files,
        },
    );
    prop_oneof![
        (name(), host).prop_map(|(name, host)| ConfigEvent::Discovered { name, host: Box::new(host) }),
        (name(), change).prop_map(|(name, change)| ConfigEvent::Updated { name, change: Box::new(change) }),
        name().prop_map(|name| ConfigEvent::Deleted { name }),
    ]
}

fn erased() -> impl Strategy<Value = LedgerEvent> {
    (any::<u128>(), text(), text(), text()).prop_map(|(event, stream, content, reason)| LedgerEvent::Erased {
        event: EventId::new(Uuid::from_u128(event)),
        stream,
        content,
        reason,
    })
}

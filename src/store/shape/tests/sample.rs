//! One telling event of every kind: what the golden files hold.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::Attrs;
use crate::domain::catalogue::{self, Event, Kind};
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

/// The sample of one kind.
pub(super) fn event(kind: Kind) -> Event {
    let name = kind.name();
    all().into_iter().find(|event| event.kind() == kind).unwrap_or_else(|| panic!("no sample of {name}"))
}

fn all() -> Vec<Event> {
    let mut events: Vec<Event> = flake_events().into_iter().map(Event::Flake).collect();
    events.extend(finding_events().into_iter().map(Event::Finding));
    events.extend(lock_history_events().into_iter().map(Event::LockHistory));
    events.extend(config_events().into_iter().map(Event::Config));
    events.extend(host_events().into_iter().map(Event::Config));
    events.extend(pins_events().into_iter().map(Event::Pins));
    events.extend(module_events().into_iter().map(Event::Module));
    events.extend(overlay_events().into_iter().map(Event::Overlay));
    events.push(Event::Ledger(LedgerEvent::Erased {
        event: EventId::new(Uuid::from_u128(0x0193_5c1e_0000_7000_8000_0000_0000_0001)),
        stream: format!("flake/{}", flake_id()),
        content: "bafkr4idoi3orbxx4tnlmfgtoyvvvbdbb6vgaqgjbstsn6jn7g3ymtq6cpe".to_owned(),
        reason: "a customer's name".to_owned(),
    }));
    assert!(events.iter().all(|event| catalogue::EVENTS.contains(&event.kind())));
    events
}

fn flake_events() -> Vec<FlakeEvent> {
    let odd = RecordedPath::new(Path::new(OsStr::from_bytes(b"/home/ann/caf\xe9")));
    vec![
        FlakeEvent::Discovered(Box::new(Discovered {
            directory: path("/home/ann/infra"),
            lineage: Some(lineage()),
            extractor: 1,
            facts: facts(),
        })),
        FlakeEvent::DescriptionChanged { from: None, to: Some("Everything at home".to_owned()) },
        FlakeEvent::InputAdded(nixpkgs()),
        FlakeEvent::InputRemoved(home_manager()),
        FlakeEvent::InputChanged {
            from: Box::new(nixpkgs()),
            to: Box::new(Input { url: Some("github:NixOS/nixpkgs/nixos-25.11".to_owned()), ..nixpkgs() }),
        },
        FlakeEvent::Updated(updated()),
        FlakeEvent::OutputsChanged { from: Outputs::default(), to: outputs() },
        FlakeEvent::NixConfigChanged { from: BTreeMap::new(), to: nix_config() },
        FlakeEvent::LineageChanged { from: Some(lineage()), to: None },
        FlakeEvent::Moved { from: path("/home/ann/infra"), to: odd.clone() },
        FlakeEvent::Removed { directory: odd },
        FlakeEvent::Forgotten { directory: path("/home/ann/infra") },
        FlakeEvent::ObserverChanged(Box::new(ObserverChanged { from: 1, to: 2, facts: facts() })),
        FlakeEvent::Succeeded(Box::new(Succeeded {
            origin: "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4".to_owned(),
            stream: format!("flake/{}", flake_id()),
            version: 7,
            chain: [0xa5; 32],
            signature: Some(vec![0x5a; 64]),
        })),
    ]
}

fn finding_events() -> Vec<FindingEvent> {
    let subject = Subject { flake: Some(flake_id()), file: path("/home/ann/infra/flake.lock") };
    let finding = Finding {
        fingerprint: "dirty-lock:nixpkgs:1".to_owned(),
        code: "dirty-lock".to_owned(),
        severity: Severity::Warning,
        line: Some(12),
        message: "nixpkgs is locked to a dirty tree; commit it and lock again".to_owned(),
    };
    let suppressed = Suppressed {
        fingerprint: "dirty-lock:nixpkgs:1".to_owned(),
        why: "a worktree of its own".to_owned(),
        until: Some("2027-01-01".to_owned()),
    };
    vec![
        FindingEvent::Raised { subject: subject.clone(), findings: vec![finding.clone()] },
        FindingEvent::Changed { subject: subject.clone(), findings: vec![Finding { line: Some(14), ..finding }] },
        FindingEvent::Resolved { subject: subject.clone(), fingerprints: vec!["dirty-lock:nixpkgs:1".to_owned()] },
        FindingEvent::Suppressed { subject, findings: vec![suppressed] },
    ]
}

fn lock_history_events() -> Vec<LockHistoryEvent> {
    let commit = Commit {
        id: "9f2c1a".repeat(7).chars().take(40).collect(),
        parent: Some("0".repeat(40)),
        author: "Ann".to_owned(),
        authored_at: 1_764_000_000_000_000,
        committed_at: 1_764_000_000_000_000,
        summary: "flake.lock: update".to_owned(),
    };
    let recorded = Recorded { flake: flake_id(), commit, changes: vec![path_change()], part: 1, parts: 2 };
    vec![
        LockHistoryEvent::Recorded(recorded),
        LockHistoryEvent::Unreachable { flake: flake_id(), commits: vec!["0".repeat(40)] },
    ]
}

fn config_events() -> Vec<ConfigEvent> {
    let profile = path("/nix/var/nix/profiles/system");
    let generation = |number: u64| Generation {
        number,
        store_path: format!("/nix/store/{}-nixos-system-desk-26.05", "a".repeat(32)),
        version: Some("26.05.20261101.647b2b7".to_owned()),
        revision: Some("647b2b7c".repeat(5)),
        configuration: Some(format!("{}-dirty", "9f2c1a0d".repeat(5))),
    };
    vec![
        ConfigEvent::Activated { profile: profile.clone(), generation: generation(42) },
        ConfigEvent::RolledBack { profile, from: 42, to: generation(41) },
    ]
}

fn pins_events() -> Vec<PinsEvent> {
    let file = path("/home/ann/infra/npins/sources.json");
    let pin = |rev: &str| {
        attrs(&json!({
            "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": rev.repeat(40), "ref": "nixos-unstable",
            "hash": "sha256-AAAA"
        }))
    };
    let pins = [("nixpkgs".to_owned(), pin("a"))].into();
    let change = PinChange { name: "nixpkgs".to_owned(), from: Some(pin("a")), to: Some(pin("b")) };
    vec![
        PinsEvent::Discovered { file: file.clone(), manager: Manager::Npins, pins },
        PinsEvent::Updated { file: file.clone(), changes: vec![change] },
        PinsEvent::Removed { file },
    ]
}

fn names(all: &[&str]) -> Names {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn change(added: &[&str], removed: &[&str]) -> NamesChange {
    NamesChange { added: names(added), removed: names(removed) }
}

fn host_events() -> Vec<ConfigEvent> {
    let name = HostName { flake: flake_id(), kind: HostKind::Nixos, name: "desk".to_owned() };
    let host = Host {
        system: Some("x86_64-linux".to_owned()),
        modules: names(&["hosts/desk.nix", "modules/web.nix"]),
        users: names(&["ann"]),
        services: names(&["nginx"]),
        unknown: names(&["`agenix.nixosModules.default`, a module from outside"]),
        left_out: 0,
    };
    let changed = HostChange {
        system: Some((Some("x86_64-linux".to_owned()), None)),
        modules: change(&["modules/mail.nix"], &["modules/web.nix"]),
        users: change(&["bob"], &[]),
        services: change(&["postfix"], &["nginx"]),
        unknown: change(&[], &["`agenix.nixosModules.default`, a module from outside"]),
        left_out: 0,
        same_files: true,
    };
    vec![
        ConfigEvent::Discovered { name: name.clone(), host: Box::new(host) },
        ConfigEvent::Updated { name: name.clone(), change: Box::new(changed) },
        ConfigEvent::Deleted { name },
    ]
}

fn module_events() -> Vec<ModuleEvent> {
    let file = NixFile { flake: Some(flake_id()), path: path("modules/web.nix") };
    let module = Module {
        kind: ModuleKind::Unknown,
        declared: names(&["services.site.enable"]),
        defined: names(&["services.nginx.enable", "services.nginx.virtualHosts.*"]),
        imports: names(&["./certificates.nix"]),
        left_out: 0,
    };
    let changed = ModuleChange {
        kind: Some((ModuleKind::Unknown, ModuleKind::Nixos)),
        declared: change(&["services.site.port"], &[]),
        defined: change(&["networking.firewall.allowedTCPPorts"], &["services.nginx.enable"]),
        imports: change(&[], &["./certificates.nix"]),
        left_out: 3,
        same_file: true,
    };
    vec![
        ModuleEvent::Discovered { file: file.clone(), module },
        ModuleEvent::Updated { file: file.clone(), change: changed },
        ModuleEvent::Deleted { file },
    ]
}

fn overlay_events() -> Vec<OverlayEvent> {
    let file = NixFile { flake: None, path: path("/home/ann/.config/nixpkgs/overlays/tools.nix") };
    let overlay = Overlay { adds: names(&["hello", "my-tool"]), left_out: 0 };
    let adds = change(&["other-tool"], &["hello"]);
    vec![
        OverlayEvent::Discovered { file: file.clone(), overlay },
        OverlayEvent::Updated { file: file.clone(), adds, left_out: 0, same_file: true },
        OverlayEvent::Deleted { file },
    ]
}

fn flake_id() -> FlakeId {
    FlakeId::new(Uuid::from_u128(0x0193_5c1d_ffff_7000_8000_0000_0000_0002))
}

fn path(text: &str) -> RecordedPath {
    RecordedPath::new(Path::new(text))
}

fn lineage() -> Lineage {
    Lineage::recorded("github.com/ann/infra".to_owned())
}

fn attrs(value: &Value) -> Attrs {
    value.as_object().unwrap().clone()
}

fn nixpkgs() -> Input {
    Input {
        name: "nixpkgs".to_owned(),
        url: Some("github:NixOS/nixpkgs/nixos-unstable".to_owned()),
        attrs: None,
        follows: None,
        flake: true,
        overrides: BTreeMap::new(),
        declared: true,
    }
}

fn home_manager() -> Input {
    let follows = Override { url: None, follows: Some("nixpkgs".to_owned()) };
    Input {
        name: "home-manager".to_owned(),
        url: None,
        attrs: Some(attrs(&json!({"type": "github", "owner": "nix-community", "repo": "home-manager"}))),
        follows: None,
        flake: false,
        overrides: [("nixpkgs".to_owned(), follows)].into(),
        declared: false,
    }
}

fn outputs() -> Outputs {
    let unknown = UnknownOutput { path: "packages".to_owned(), reason: "computed by eachSystem".to_owned() };
    Outputs { known: vec!["nixosConfigurations.desk".to_owned()], unknown: vec![unknown] }
}

fn nix_config() -> BTreeMap<String, String> {
    [("extra-substituters".to_owned(), "https://cache.example.org".to_owned())].into()
}

fn node() -> LockNode {
    LockNode {
        inputs: [
            ("nixpkgs".to_owned(), Edge::Node("nixpkgs_2".to_owned())),
            ("systems".to_owned(), Edge::Follows(vec!["flake-utils".to_owned(), "systems".to_owned()])),
        ]
        .into(),
        locked: Some(attrs(&json!({
            "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "a".repeat(40),
            "narHash": "sha256-AAAA", "lastModified": 1_764_000_000, "odd": 1.5
        }))),
        original: Some(attrs(&json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable"}))),
        flake: false,
        parent: Some(Vec::new()),
    }
}

fn facts() -> Facts {
    let root = LockNode { flake: true, ..LockNode::default() };
    let lock = Lock {
        version: Some(7),
        root: "root".to_owned(),
        nodes: [("root".to_owned(), root), ("nixpkgs".to_owned(), node())].into(),
    };
    Facts {
        description: Some("Everything at home".to_owned()),
        inputs: [("nixpkgs".to_owned(), nixpkgs()), ("home-manager".to_owned(), home_manager())].into(),
        outputs: outputs(),
        nix_config: nix_config(),
        lock: Some(lock),
    }
}

fn path_change() -> PathChange {
    PathChange {
        input: "home-manager/nixpkgs".to_owned(),
        node: "nixpkgs_2".to_owned(),
        from: None,
        to: Some(attrs(&json!({"type": "github", "rev": "b".repeat(40)}))),
    }
}

fn updated() -> Updated {
    Updated {
        from: Some(LockHead { version: Some(7), root: "root".to_owned() }),
        to: None,
        nodes: vec![NodeChange { key: "nixpkgs_2".to_owned(), from: None, to: Some(node()) }],
        changes: vec![path_change()],
        part: 2,
        parts: 3,
    }
}

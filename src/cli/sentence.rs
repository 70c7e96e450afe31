//! What an event says, in one line for people.

use crate::domain::Attrs;
use crate::domain::catalogue::Event;
use crate::domain::config::host::{HostChange, HostName};
use crate::domain::config::{ConfigEvent, Generation};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Suppressed};
use crate::domain::flake::event::FlakeEvent;
use crate::domain::ledger::LedgerEvent;
use crate::domain::lock::PathChange;
use crate::domain::lock_history::LockHistoryEvent;
use crate::domain::module::{ModuleChange, ModuleEvent};
use crate::domain::nix_file::NamesChange;
use crate::domain::overlay::OverlayEvent;
use crate::domain::pins::{PinChange, PinsEvent};

use super::text::{plural, short, source};

/// The sentence of an event.
pub(crate) fn of(event: &Event) -> String {
    match event {
        Event::Flake(event) => flake(event),
        Event::Finding(FindingEvent::Raised { findings, .. }) => {
            findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        Event::Finding(FindingEvent::Changed { findings, .. }) => {
            findings.iter().map(now).collect::<Vec<_>>().join("; ")
        }
        Event::Finding(FindingEvent::Resolved { fingerprints, .. }) => {
            format!("gone: {}", fingerprints.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "))
        }
        Event::Finding(FindingEvent::Suppressed { findings, .. }) => {
            let tell = |finding: &Suppressed| format!("{}{}", code(&finding.fingerprint), reason(finding));
            format!("meant: {}", findings.iter().map(tell).collect::<Vec<_>>().join(", "))
        }
        Event::LockHistory(LockHistoryEvent::Recorded(recorded)) => {
            format!("{} {}: {}", short(&recorded.commit.id), recorded.commit.summary, changes(&recorded.changes))
        }
        Event::LockHistory(LockHistoryEvent::Unreachable { commits, .. }) => {
            format!("{} no longer reachable", plural(count(commits.len()), "commit"))
        }
        Event::Config(ConfigEvent::Activated { generation: to, .. }) => generation(to),
        Event::Config(ConfigEvent::RolledBack { from, to, .. }) => format!("from {from} back to {}", generation(to)),
        Event::Config(ConfigEvent::Discovered { name, host: found }) => {
            let modules = plural(count(found.modules.len()), "module");
            let services = plural(count(found.services.len()), "service");
            format!("{} with {modules}, {}, {services}", host(name), plural(count(found.users.len()), "user"))
        }
        Event::Config(ConfigEvent::Updated { name, change }) => format!("{}: {}", host(name), host_change(change)),
        Event::Config(ConfigEvent::Deleted { name }) => host(name),
        Event::Pins(event) => pins(event),
        Event::Module(event) => module(event),
        Event::Overlay(OverlayEvent::Discovered { file, overlay }) => {
            format!("{} with {}", file.path, plural(count(overlay.adds.len()), "name"))
        }
        Event::Overlay(OverlayEvent::Updated { file, adds, .. }) => format!("{}: {}", file.path, names("", adds)),
        Event::Overlay(OverlayEvent::Deleted { file }) => file.path.to_string(),
        Event::Ledger(LedgerEvent::Erased { event, reason, .. }) => format!("{event}: {reason}"),
    }
}

/// Why a finding is meant, and until when: ` (the name is public, until 2027-01-01)`.
fn reason(finding: &Suppressed) -> String {
    let until = finding.until.as_ref().map(|day| format!("until {day}"));
    let parts: Vec<_> =
        [Some(finding.why.clone()), until].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// `generation 42, 26.05.20261101.647b2b7`.
fn generation(generation: &Generation) -> String {
    let version = generation.version.as_deref().unwrap_or("of unknown version");
    format!("generation {}, {version}", generation.number)
}

fn pins(event: &PinsEvent) -> String {
    match event {
        PinsEvent::Discovered { file, manager, pins } => {
            format!("{file} of {} with {}", manager.name(), plural(count(pins.len()), "pin"))
        }
        PinsEvent::Updated { file, changes } => {
            let tell = |one: &PinChange| change(&one.name, one.from.as_ref(), one.to.as_ref());
            format!("{file}: {}", changes.iter().map(tell).collect::<Vec<_>>().join(", "))
        }
        PinsEvent::Removed { file } => file.to_string(),
    }
}

/// `nixosConfigurations.desk`.
fn host(name: &HostName) -> String {
    format!("{}.{}", name.kind.output(), name.name)
}

fn host_change(change: &HostChange) -> String {
    let system = change.system.as_ref().map(|(_, to)| format!("system {}", to.as_deref().unwrap_or("not known")));
    let told = [
        names("modules ", &change.modules),
        names("users ", &change.users),
        names("services ", &change.services),
        names("unknown ", &change.unknown),
    ];
    told_of(system.into_iter().chain(told))
}

fn module(event: &ModuleEvent) -> String {
    match event {
        ModuleEvent::Discovered { file, module } => {
            let declared = plural(count(module.declared.len()), "option");
            format!("{} for {}: declares {declared}, defines {}", file.path, module.kind.name(), module.defined.len())
        }
        ModuleEvent::Updated { file, change } => format!("{}: {}", file.path, module_change(change)),
        ModuleEvent::Deleted { file } => file.path.to_string(),
    }
}

fn module_change(change: &ModuleChange) -> String {
    let kind = change.kind.map(|(from, to)| format!("{} → {}", from.name(), to.name()));
    let told =
        [names("declares ", &change.declared), names("defines ", &change.defined), names("imports ", &change.imports)];
    told_of(kind.into_iter().chain(told))
}

fn told_of(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "what was left out is otherwise".to_owned() } else { parts.join("; ") }
}

/// The first names of a change, and how many more there are: `services +nginx -apache`; nothing when nothing changed.
fn names(what: &str, change: &NamesChange) -> String {
    const SHOWN: usize = 4;
    let added = change.added.iter().map(|name| format!("+{name}"));
    let all: Vec<String> = added.chain(change.removed.iter().map(|name| format!("-{name}"))).collect();
    let more = all.len().saturating_sub(SHOWN);
    let shown = all.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(" ");
    match (all.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!("{what}{shown}"),
        _ => format!("{what}{shown} and {more} more"),
    }
}

/// The change of one locked input: `nixpkgs github:NixOS/nixpkgs/0a → github:NixOS/nixpkgs/0b`.
pub(crate) fn change(input: &str, from: Option<&Attrs>, to: Option<&Attrs>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{input} {} → {}", source(from), source(to)),
        (None, Some(to)) => format!("{input} added: {}", source(to)),
        (Some(from), None) => format!("{input} removed: {}", source(from)),
        (None, None) => input.to_owned(),
    }
}

fn flake(event: &FlakeEvent) -> String {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    match event {
        FlakeEvent::Discovered(found) => {
            let lineage = found.lineage.as_ref().map(|lineage| format!(" of {lineage}")).unwrap_or_default();
            format!("with {}{lineage}", plural(count(found.facts.inputs.len()), "input"))
        }
        FlakeEvent::DescriptionChanged { from, to } => format!("{} → {}", text(from), text(to)),
        FlakeEvent::InputAdded(input) | FlakeEvent::InputRemoved(input) => input.name.clone(),
        FlakeEvent::InputChanged { to, .. } => to.name.clone(),
        FlakeEvent::Updated(updated) => changes(&updated.changes),
        FlakeEvent::OutputsChanged { from, to } => {
            format!("{} → {} known", from.known.len(), plural(count(to.known.len()), "output"))
        }
        FlakeEvent::NixConfigChanged { to, .. } => to.keys().cloned().collect::<Vec<_>>().join(", "),
        FlakeEvent::LineageChanged { from, to } => {
            text(&from.as_ref().map(ToString::to_string)) + " → " + &text(&to.as_ref().map(ToString::to_string))
        }
        FlakeEvent::Moved { from, to } => format!("{from} → {to}"),
        FlakeEvent::Removed { directory } | FlakeEvent::Forgotten { directory } => directory.to_string(),
        FlakeEvent::ObserverChanged(change) => format!("extractor {} → {}", change.from, change.to),
        FlakeEvent::Succeeded(old) => format!("goes on from {}, event {}", old.stream, old.version),
    }
}

/// A problem that reads otherwise than before: where it is now.
fn now(finding: &Finding) -> String {
    finding.line.map_or_else(|| finding.message.clone(), |line| format!("now line {line}: {}", finding.message))
}

/// The first change, and how many more there are.
fn changes(all: &[PathChange]) -> String {
    let Some(first) = all.first() else { return "nothing that an input path leads to".to_owned() };
    let first = change(&first.input, first.from.as_ref(), first.to.as_ref());
    if all.len() == 1 { first } else { format!("{first}, and {} more", all.len() - 1) }
}

/// The kind of a problem out of its fingerprint: `dirty-lock:4f1b…` is a `dirty-lock`.
fn code(fingerprint: &str) -> &str {
    fingerprint.split_once(':').map_or(fingerprint, |(code, _)| code)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

//! What an event says, in one line for people.

use crate::domain::Attrs;
use crate::domain::catalogue::Event;
use crate::domain::config::{ConfigEvent, Generation};
use crate::domain::finding::Finding;
use crate::domain::finding::event::FindingEvent;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::ledger::LedgerEvent;
use crate::domain::lock::PathChange;
use crate::domain::lock_history::LockHistoryEvent;
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
        Event::LockHistory(LockHistoryEvent::Recorded(recorded)) => {
            format!("{} {}: {}", short(&recorded.commit.id), recorded.commit.summary, changes(&recorded.changes))
        }
        Event::LockHistory(LockHistoryEvent::Unreachable { commits, .. }) => {
            format!("{} no longer reachable", plural(count(commits.len()), "commit"))
        }
        Event::Config(ConfigEvent::Activated { generation: to, .. }) => generation(to),
        Event::Config(ConfigEvent::RolledBack { from, to, .. }) => format!("from {from} back to {}", generation(to)),
        Event::Pins(event) => pins(event),
        Event::Ledger(LedgerEvent::Erased { event, reason, .. }) => format!("{event}: {reason}"),
    }
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

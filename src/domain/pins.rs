//! Pins: sources that a file names without a flake. One stream a file.

use std::collections::BTreeMap;
use std::path::Path;

use super::Attrs;
use super::path::RecordedPath;

/// Which tool's file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// `npins/sources.json`.
    Npins,
    /// `nix/sources.json` of niv.
    Niv,
    /// Channels of Nix: `.nix-channels`, or a profile with channels in it.
    Channels,
}

impl Manager {
    /// Every tool.
    pub const ALL: [Self; 3] = [Self::Npins, Self::Niv, Self::Channels];

    /// Whose file it is, by its name alone.
    pub fn of(file: &Path) -> Option<Self> {
        match file {
            _ if file.ends_with("npins/sources.json") => Some(Self::Npins),
            _ if file.ends_with("nix/sources.json") => Some(Self::Niv),
            _ if file.ends_with(".nix-channels") => Some(Self::Channels),
            _ => None,
        }
    }

    /// The name used in events, views and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npins => "npins",
            Self::Niv => "niv",
            Self::Channels => "channels",
        }
    }
}

/// What a file pins, by name, with attributes as a lock would write them.
pub type Pins = BTreeMap<String, Attrs>;

/// How one pin changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinChange {
    /// Its name.
    pub name: String,
    /// What it was; absent when it is new.
    pub from: Option<Attrs>,
    /// What it is; absent when it is gone.
    pub to: Option<Attrs>,
}

/// An event of a pins stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinsEvent {
    /// A file with pins was seen for the first time, or again after it was removed.
    Discovered {
        /// The file.
        file: RecordedPath,
        /// Whose file it is.
        manager: Manager,
        /// What it pins.
        pins: Pins,
    },
    /// Some of its pins are others.
    Updated {
        /// The file.
        file: RecordedPath,
        /// What changed, in name order.
        changes: Vec<PinChange>,
    },
    /// The file is gone; its directory was looked at.
    Removed {
        /// The file.
        file: RecordedPath,
    },
}

/// What a file pins after a stream of events; none when it is not there.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a PinsEvent>) -> Option<Pins> {
    let mut state = None;
    for event in events {
        match event {
            PinsEvent::Discovered { pins, .. } => state = Some(pins.clone()),
            PinsEvent::Removed { .. } => state = None,
            PinsEvent::Updated { changes, .. } => {
                let pins: &mut Pins = state.get_or_insert_default();
                for change in changes {
                    match &change.to {
                        Some(attrs) => drop(pins.insert(change.name.clone(), attrs.clone())),
                        None => drop(pins.remove(&change.name)),
                    }
                }
            }
        }
    }
    state
}

/// What happened to a file since it pinned `known`; `seen` is what it pins now, or none when it is gone.
pub fn observe(known: Option<&Pins>, file: &RecordedPath, manager: Manager, seen: Option<&Pins>) -> Option<PinsEvent> {
    match (known, seen) {
        (None, None) => None,
        (None, Some(pins)) => Some(PinsEvent::Discovered { file: file.clone(), manager, pins: pins.clone() }),
        (Some(_), None) => Some(PinsEvent::Removed { file: file.clone() }),
        (Some(known), Some(seen)) => {
            let changes = changes(known, seen);
            (!changes.is_empty()).then(|| PinsEvent::Updated { file: file.clone(), changes })
        }
    }
}

fn changes(from: &Pins, to: &Pins) -> Vec<PinChange> {
    let gone = from.keys().filter(|name| !to.contains_key(*name));
    let mut names: Vec<&String> = to.keys().chain(gone).collect();
    names.sort();
    let change =
        |name: &String| PinChange { name: name.clone(), from: from.get(name).cloned(), to: to.get(name).cloned() };
    names.into_iter().map(change).filter(|change| change.from != change.to).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pins(all: &[(&str, &str)]) -> Pins {
        let attrs = |rev: &str| json!({ "type": "git", "rev": rev }).as_object().unwrap().clone();
        all.iter().map(|(name, rev)| ((*name).to_owned(), attrs(rev))).collect()
    }

    fn step(known: Option<&Pins>, seen: Option<&Pins>) -> Option<PinsEvent> {
        observe(known, &RecordedPath::new(Path::new("/x/npins/sources.json")), Manager::Npins, seen)
    }

    #[test]
    fn events_lead_from_what_was_known_to_what_is_seen() {
        let states = [
            None,
            Some(pins(&[("a", "1"), ("b", "1")])),
            Some(pins(&[("b", "2"), ("c", "1")])),
            None,
            Some(Pins::new()),
        ];
        let mut events = Vec::new();
        for pair in states.windows(2) {
            let event = step(pair[0].as_ref(), pair[1].as_ref()).unwrap();
            events.push(event);
            assert_eq!(fold(&events), pair[1]);
            assert_eq!(step(pair[1].as_ref(), pair[1].as_ref()), None, "seeing the same twice says nothing");
        }
        let told = |event: &PinsEvent| match event {
            PinsEvent::Discovered { pins, .. } => format!("+{}", pins.len()),
            PinsEvent::Updated { changes, .. } => {
                changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>().join(",")
            }
            PinsEvent::Removed { .. } => "-".to_owned(),
        };
        assert_eq!(events.iter().map(told).collect::<Vec<_>>(), ["+2", "a,b,c", "-", "+0"]);
    }
}

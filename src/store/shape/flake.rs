//! Stored shapes of a flake's events.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use self::facts::{StoredFacts, StoredInput, StoredOutputs};
use super::lock::{StoredHead, StoredNodeChange, StoredPathChange, all, all_owned};
use super::value::{PathBytes, join_path, split_path};
use super::{read, unread, write};
use crate::domain::flake::Input;
use crate::domain::flake::event::{Discovered, FlakeEvent, ObserverChanged, Succeeded, Updated};
use crate::domain::lineage::Lineage;
use crate::domain::path::RecordedPath;

mod facts;

#[derive(Serialize, Deserialize)]
struct StoredDiscovered<'a> {
    #[serde(flatten)]
    place: Place,
    extractor: u32,
    facts: StoredFacts<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lineage: Option<String>,
}

/// Where a flake is.
#[derive(Serialize, Deserialize)]
struct Place {
    directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory_bytes: Option<PathBytes>,
}

/// Old and new of something.
#[derive(Serialize, Deserialize)]
struct Change<T> {
    from: T,
    to: T,
}

/// Old and new of something that may be missing.
#[derive(Serialize, Deserialize)]
struct MaybeChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredInputEvent<'a> {
    input: StoredInput<'a>,
}

#[derive(Serialize, Deserialize)]
struct StoredUpdated<'a> {
    #[serde(default)]
    changes: Vec<StoredPathChange<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<StoredHead>,
    #[serde(default)]
    nodes: Vec<StoredNodeChange<'a>>,
    #[serde(default = "one")]
    part: u32,
    #[serde(default = "one")]
    parts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StoredHead>,
}

#[derive(Serialize, Deserialize)]
struct StoredMoved {
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_bytes: Option<PathBytes>,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_bytes: Option<PathBytes>,
}

#[derive(Serialize, Deserialize)]
struct StoredObserverChanged<'a> {
    facts: StoredFacts<'a>,
    from: u32,
    to: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredSucceeded {
    chain: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    stream: String,
    version: u64,
}

type Settings = BTreeMap<String, String>;

pub(super) fn encode(event: &FlakeEvent) -> serde_json::Result<String> {
    match event {
        FlakeEvent::Discovered(found) => write(StoredDiscovered::from(&**found)),
        FlakeEvent::DescriptionChanged { from, to } => write(MaybeChange { from: from.clone(), to: to.clone() }),
        FlakeEvent::InputAdded(input) | FlakeEvent::InputRemoved(input) => {
            write(StoredInputEvent { input: input.into() })
        }
        FlakeEvent::InputChanged { from, to } => {
            write(Change { from: StoredInput::from(&**from), to: StoredInput::from(&**to) })
        }
        FlakeEvent::Updated(updated) => write(StoredUpdated::from(updated)),
        FlakeEvent::OutputsChanged { from, to } => {
            write(Change { from: StoredOutputs::from(from), to: StoredOutputs::from(to) })
        }
        FlakeEvent::NixConfigChanged { from, to } => write(Change { from, to }),
        FlakeEvent::LineageChanged { from, to } => {
            write(MaybeChange { from: lineage(from.as_ref()), to: lineage(to.as_ref()) })
        }
        FlakeEvent::Moved { from, to } => write(StoredMoved::new(from, to)),
        FlakeEvent::Removed { directory } | FlakeEvent::Forgotten { directory } => write(Place::from(directory)),
        FlakeEvent::ObserverChanged(change) => {
            write(StoredObserverChanged { from: change.from, to: change.to, facts: (&change.facts).into() })
        }
        FlakeEvent::Succeeded(old) => write(StoredSucceeded::from(&**old)),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<FlakeEvent> {
    match action {
        "discovered" => read::<StoredDiscovered, _>(payload),
        "description_changed" => {
            serde_json::from_str(payload).map(|MaybeChange { from, to }| FlakeEvent::DescriptionChanged { from, to })
        }
        "input_added" => input(payload).map(FlakeEvent::InputAdded),
        "input_removed" => input(payload).map(FlakeEvent::InputRemoved),
        "input_changed" => read::<Change<StoredInput>, _>(payload),
        "updated" => read::<StoredUpdated, _>(payload),
        "outputs_changed" => read::<Change<StoredOutputs>, _>(payload),
        "nix_config_changed" => serde_json::from_str(payload)
            .map(|Change::<Settings> { from, to }| FlakeEvent::NixConfigChanged { from, to }),
        "lineage_changed" => serde_json::from_str(payload).map(|MaybeChange { from, to }| FlakeEvent::LineageChanged {
            from: from.map(Lineage::recorded),
            to: to.map(Lineage::recorded),
        }),
        "moved" => read::<StoredMoved, _>(payload),
        "removed" => place(payload).map(|directory| FlakeEvent::Removed { directory }),
        "forgotten" => place(payload).map(|directory| FlakeEvent::Forgotten { directory }),
        "observer_changed" => read::<StoredObserverChanged, _>(payload),
        "succeeded" => succeeded(payload),
        other => unread(other),
    }
}

const fn one() -> u32 {
    1
}

fn lineage(lineage: Option<&Lineage>) -> Option<String> {
    lineage.map(|lineage| lineage.as_str().to_owned())
}

fn input(payload: &str) -> serde_json::Result<Input> {
    serde_json::from_str::<StoredInputEvent>(payload).map(|stored| stored.input.into())
}

fn place(payload: &str) -> serde_json::Result<RecordedPath> {
    read::<Place, _>(payload)
}

fn succeeded(payload: &str) -> serde_json::Result<FlakeEvent> {
    let stored: StoredSucceeded = serde_json::from_str(payload)?;
    let chain = HEXLOWER.decode(stored.chain.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let signature = stored.signature.map(|text| BASE64.decode(text.as_bytes()).map_err(serde_json::Error::custom));
    Ok(FlakeEvent::Succeeded(Box::new(Succeeded {
        origin: stored.origin,
        stream: stored.stream,
        version: stored.version,
        chain: chain.ok_or_else(|| serde_json::Error::custom("its link is no hash"))?,
        signature: signature.transpose()?,
    })))
}

impl From<&Succeeded> for StoredSucceeded {
    fn from(old: &Succeeded) -> Self {
        Self {
            origin: old.origin.clone(),
            stream: old.stream.clone(),
            version: old.version,
            chain: HEXLOWER.encode(&old.chain),
            signature: old.signature.as_ref().map(|signature| BASE64.encode(signature)),
        }
    }
}

impl From<&RecordedPath> for Place {
    fn from(path: &RecordedPath) -> Self {
        let (directory, directory_bytes) = split_path(path);
        Self { directory, directory_bytes }
    }
}

impl From<Place> for RecordedPath {
    fn from(stored: Place) -> Self {
        join_path(stored.directory, stored.directory_bytes)
    }
}

impl<'a> From<&'a Discovered> for StoredDiscovered<'a> {
    fn from(found: &'a Discovered) -> Self {
        Self {
            place: (&found.directory).into(),
            lineage: lineage(found.lineage.as_ref()),
            extractor: found.extractor,
            facts: (&found.facts).into(),
        }
    }
}

impl From<StoredDiscovered<'_>> for FlakeEvent {
    fn from(stored: StoredDiscovered<'_>) -> Self {
        Self::Discovered(Box::new(Discovered {
            directory: stored.place.into(),
            lineage: stored.lineage.map(Lineage::recorded),
            extractor: stored.extractor,
            facts: stored.facts.into(),
        }))
    }
}

impl From<Change<StoredInput<'_>>> for FlakeEvent {
    fn from(stored: Change<StoredInput<'_>>) -> Self {
        Self::InputChanged { from: Box::new(stored.from.into()), to: Box::new(stored.to.into()) }
    }
}

impl From<Change<StoredOutputs>> for FlakeEvent {
    fn from(stored: Change<StoredOutputs>) -> Self {
        Self::OutputsChanged { from: stored.from.into(), to: stored.to.into() }
    }
}

impl<'a> From<&'a Updated> for StoredUpdated<'a> {
    fn from(updated: &'a Updated) -> Self {
        Self {
            from: updated.from.as_ref().map(Into::into),
            to: updated.to.as_ref().map(Into::into),
            nodes: all(&updated.nodes),
            changes: all(&updated.changes),
            part: updated.part,
            parts: updated.parts,
        }
    }
}

impl From<StoredUpdated<'_>> for FlakeEvent {
    fn from(stored: StoredUpdated<'_>) -> Self {
        Self::Updated(Updated {
            from: stored.from.map(Into::into),
            to: stored.to.map(Into::into),
            nodes: all_owned(stored.nodes),
            changes: all_owned(stored.changes),
            part: stored.part,
            parts: stored.parts,
        })
    }
}

impl StoredMoved {
    fn new(from: &RecordedPath, to: &RecordedPath) -> Self {
        let ((from, from_bytes), (to, to_bytes)) = (split_path(from), split_path(to));
        Self { from, from_bytes, to, to_bytes }
    }
}

impl From<StoredMoved> for FlakeEvent {
    fn from(stored: StoredMoved) -> Self {
        Self::Moved { from: join_path(stored.from, stored.from_bytes), to: join_path(stored.to, stored.to_bytes) }
    }
}

impl From<StoredObserverChanged<'_>> for FlakeEvent {
    fn from(stored: StoredObserverChanged<'_>) -> Self {
        Self::ObserverChanged(Box::new(ObserverChanged {
            from: stored.from,
            to: stored.to,
            facts: stored.facts.into(),
        }))
    }
}

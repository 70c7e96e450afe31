//! Stored shapes of what happened to files with pins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lock::{all, all_owned};
use super::value::{PathBytes, StoredAttrs, join_path, split_path};
use super::{read, unread, write};
use crate::domain::path::RecordedPath;
use crate::domain::pins::{Manager, PinChange, PinsEvent};

#[derive(Serialize, Deserialize)]
struct Discovered<'a> {
    #[serde(flatten)]
    file: StoredFile,
    manager: StoredManager,
    #[serde(default)]
    pins: BTreeMap<String, StoredAttrs<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Updated<'a> {
    #[serde(default)]
    changes: Vec<StoredChange<'a>>,
    #[serde(flatten)]
    file: StoredFile,
}

#[derive(Serialize, Deserialize)]
struct Removed {
    #[serde(flatten)]
    file: StoredFile,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredManager {
    Npins,
    Niv,
    Channels,
}

#[derive(Serialize, Deserialize)]
struct StoredChange<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<StoredAttrs<'a>>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StoredAttrs<'a>>,
}

pub(super) fn encode(event: &PinsEvent) -> serde_json::Result<String> {
    match event {
        PinsEvent::Discovered { file, manager, pins } => write(Discovered {
            file: file.into(),
            manager: (*manager).into(),
            pins: pins.iter().map(|(name, attrs)| (name.clone(), attrs.into())).collect(),
        }),
        PinsEvent::Updated { file, changes } => write(Updated { file: file.into(), changes: all(changes) }),
        PinsEvent::Removed { file } => write(Removed { file: file.into() }),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<PinsEvent> {
    match action {
        "discovered" => read::<Discovered, _>(payload),
        "updated" => read::<Updated, _>(payload),
        "removed" => read::<Removed, _>(payload),
        other => unread(other),
    }
}

impl From<&RecordedPath> for StoredFile {
    fn from(path: &RecordedPath) -> Self {
        let (file, file_bytes) = split_path(path);
        Self { file, file_bytes }
    }
}

impl From<StoredFile> for RecordedPath {
    fn from(stored: StoredFile) -> Self {
        join_path(stored.file, stored.file_bytes)
    }
}

impl From<Manager> for StoredManager {
    fn from(manager: Manager) -> Self {
        match manager {
            Manager::Npins => Self::Npins,
            Manager::Niv => Self::Niv,
            Manager::Channels => Self::Channels,
        }
    }
}

impl From<StoredManager> for Manager {
    fn from(stored: StoredManager) -> Self {
        match stored {
            StoredManager::Npins => Self::Npins,
            StoredManager::Niv => Self::Niv,
            StoredManager::Channels => Self::Channels,
        }
    }
}

impl<'a> From<&'a PinChange> for StoredChange<'a> {
    fn from(change: &'a PinChange) -> Self {
        let (from, to) = (change.from.as_ref().map(Into::into), change.to.as_ref().map(Into::into));
        Self { name: change.name.clone(), from, to }
    }
}

impl From<StoredChange<'_>> for PinChange {
    fn from(stored: StoredChange<'_>) -> Self {
        Self { name: stored.name, from: stored.from.map(Into::into), to: stored.to.map(Into::into) }
    }
}

impl From<Discovered<'_>> for PinsEvent {
    fn from(stored: Discovered<'_>) -> Self {
        Self::Discovered {
            file: stored.file.into(),
            manager: stored.manager.into(),
            pins: stored.pins.into_iter().map(|(name, attrs)| (name, attrs.into())).collect(),
        }
    }
}

impl From<Updated<'_>> for PinsEvent {
    fn from(stored: Updated<'_>) -> Self {
        Self::Updated { file: stored.file.into(), changes: all_owned(stored.changes) }
    }
}

impl From<Removed> for PinsEvent {
    fn from(stored: Removed) -> Self {
        Self::Removed { file: stored.file.into() }
    }
}

//! Stored shapes of what happened to overlays.

use serde::{Deserialize, Serialize};

use super::nix_file::{StoredNames, StoredNixFile};
use super::{read, unread, write};
use crate::domain::nix_file::Names;
use crate::domain::overlay::{Overlay, OverlayEvent};

#[derive(Serialize, Deserialize)]
struct Discovered {
    #[serde(default)]
    adds: Names,
    #[serde(flatten)]
    file: StoredNixFile,
    #[serde(default)]
    left_out: u32,
}

#[derive(Serialize, Deserialize)]
struct Updated {
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    adds: StoredNames,
    #[serde(flatten)]
    file: StoredNixFile,
    #[serde(default)]
    left_out: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    same_file: bool,
}

#[derive(Serialize, Deserialize)]
struct Deleted {
    #[serde(flatten)]
    file: StoredNixFile,
}

pub(super) fn encode(event: &OverlayEvent) -> serde_json::Result<String> {
    match event {
        OverlayEvent::Discovered { file, overlay } => {
            write(Discovered { file: file.into(), adds: overlay.adds.clone(), left_out: overlay.left_out })
        }
        OverlayEvent::Updated { file, adds, left_out, same_file } => {
            write(Updated { file: file.into(), adds: adds.into(), left_out: *left_out, same_file: *same_file })
        }
        OverlayEvent::Deleted { file } => write(Deleted { file: file.into() }),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<OverlayEvent> {
    match action {
        "discovered" => read::<Discovered, _>(payload),
        "updated" => read::<Updated, _>(payload),
        "deleted" => read::<Deleted, _>(payload),
        other => unread(other),
    }
}

impl From<Discovered> for OverlayEvent {
    fn from(stored: Discovered) -> Self {
        let overlay = Overlay { adds: stored.adds, left_out: stored.left_out };
        Self::Discovered { file: stored.file.into(), overlay }
    }
}

impl From<Updated> for OverlayEvent {
    fn from(stored: Updated) -> Self {
        let Updated { file, adds, left_out, same_file } = stored;
        Self::Updated { file: file.into(), adds: adds.into(), left_out, same_file }
    }
}

impl From<Deleted> for OverlayEvent {
    fn from(stored: Deleted) -> Self {
        Self::Deleted { file: stored.file.into() }
    }
}

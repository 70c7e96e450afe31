//! Stored shapes of what a profile of a machine went through; those of configurations of flakes lie beside.

use serde::{Deserialize, Serialize};

use super::value::{PathBytes, Whole, join_path, split_path};
use super::{read, unread, write};
use crate::domain::config::{ConfigEvent, Generation};
use crate::domain::path::RecordedPath;

mod host;

#[derive(Serialize, Deserialize)]
struct Activated {
    #[serde(flatten)]
    generation: StoredGeneration,
    #[serde(flatten)]
    profile: StoredProfile,
}

#[derive(Serialize, Deserialize)]
struct RolledBack {
    from: Whole,
    #[serde(flatten)]
    profile: StoredProfile,
    #[serde(flatten)]
    to: StoredGeneration,
}

#[derive(Serialize, Deserialize)]
struct StoredProfile {
    profile: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile_bytes: Option<PathBytes>,
}

#[derive(Serialize, Deserialize)]
struct StoredGeneration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
    generation: Whole,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    store_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

pub(super) fn encode(event: &ConfigEvent) -> serde_json::Result<String> {
    match event {
        ConfigEvent::Activated { profile, generation } => {
            write(Activated { profile: profile.into(), generation: generation.into() })
        }
        ConfigEvent::RolledBack { profile, from, to } => {
            write(RolledBack { profile: profile.into(), from: Whole((*from).into()), to: to.into() })
        }
        ConfigEvent::Discovered { name, host } => host::discovered(name, host),
        ConfigEvent::Updated { name, change } => host::updated(name, change),
        ConfigEvent::Deleted { name } => host::deleted(name),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<ConfigEvent> {
    match action {
        "activated" => read::<Activated, _>(payload),
        "rolled_back" => read::<RolledBack, _>(payload),
        "discovered" => read::<host::Discovered, _>(payload),
        "updated" => read::<host::Updated, _>(payload),
        "deleted" => read::<host::Deleted, _>(payload),
        other => unread(other),
    }
}

impl From<&RecordedPath> for StoredProfile {
    fn from(path: &RecordedPath) -> Self {
        let (profile, profile_bytes) = split_path(path);
        Self { profile, profile_bytes }
    }
}

impl From<StoredProfile> for RecordedPath {
    fn from(stored: StoredProfile) -> Self {
        join_path(stored.profile, stored.profile_bytes)
    }
}

impl From<&Generation> for StoredGeneration {
    fn from(generation: &Generation) -> Self {
        Self {
            generation: Whole(generation.number.into()),
            store_path: generation.store_path.clone(),
            version: generation.version.clone(),
            revision: generation.revision.clone(),
            configuration: generation.configuration.clone(),
        }
    }
}

impl From<StoredGeneration> for Generation {
    fn from(stored: StoredGeneration) -> Self {
        Self {
            number: stored.generation.saturating_u64(),
            store_path: stored.store_path,
            version: stored.version,
            revision: stored.revision,
            configuration: stored.configuration,
        }
    }
}

impl From<Activated> for ConfigEvent {
    fn from(stored: Activated) -> Self {
        Self::Activated { profile: stored.profile.into(), generation: stored.generation.into() }
    }
}

impl From<RolledBack> for ConfigEvent {
    fn from(stored: RolledBack) -> Self {
        Self::RolledBack { profile: stored.profile.into(), from: stored.from.saturating_u64(), to: stored.to.into() }
    }
}

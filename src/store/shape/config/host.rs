//! Stored shapes of what happened to configurations of flakes.

use serde::{Deserialize, Serialize};

use super::super::id::StoredId;
use super::super::nix_file::StoredNames;
use super::super::write;
use crate::domain::config::ConfigEvent;
use crate::domain::config::host::{Host, HostChange, HostKind, HostName};
use crate::domain::id::FlakeId;
use crate::domain::nix_file::Names;

#[derive(Serialize, Deserialize)]
pub(super) struct Discovered {
    #[serde(default)]
    left_out: u32,
    #[serde(default)]
    modules: Names,
    #[serde(flatten)]
    name: StoredName,
    #[serde(default)]
    services: Names,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(default)]
    unknown: Names,
    #[serde(default)]
    users: Names,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Updated {
    #[serde(default)]
    left_out: u32,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    modules: StoredNames,
    #[serde(flatten)]
    name: StoredName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    same_files: bool,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    services: StoredNames,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system: Option<StoredSystems>,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    unknown: StoredNames,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    users: StoredNames,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Deleted {
    #[serde(flatten)]
    name: StoredName,
}

#[derive(Serialize, Deserialize)]
struct StoredName {
    flake: StoredId,
    kind: StoredKind,
    name: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredKind {
    Nixos,
    Darwin,
    Home,
}

#[derive(Serialize, Deserialize)]
struct StoredSystems {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

pub(super) fn discovered(name: &HostName, host: &Host) -> serde_json::Result<String> {
    write(Discovered {
        name: name.into(),
        system: host.system.clone(),
        modules: host.modules.clone(),
        users: host.users.clone(),
        services: host.services.clone(),
        unknown: host.unknown.clone(),
        left_out: host.left_out,
    })
}

pub(super) fn updated(name: &HostName, change: &HostChange) -> serde_json::Result<String> {
    write(Updated {
        name: name.into(),
        system: change.system.clone().map(|(from, to)| StoredSystems { from, to }),
        modules: (&change.modules).into(),
        users: (&change.users).into(),
        services: (&change.services).into(),
        unknown: (&change.unknown).into(),
        left_out: change.left_out,
        same_files: change.same_files,
    })
}

pub(super) fn deleted(name: &HostName) -> serde_json::Result<String> {
    write(Deleted { name: name.into() })
}

impl From<&HostName> for StoredName {
    fn from(name: &HostName) -> Self {
        let kind = match name.kind {
            HostKind::Nixos => StoredKind::Nixos,
            HostKind::Darwin => StoredKind::Darwin,
            HostKind::Home => StoredKind::Home,
        };
        Self { flake: StoredId(name.flake.uuid()), kind, name: name.name.clone() }
    }
}

impl From<StoredName> for HostName {
    fn from(stored: StoredName) -> Self {
        let kind = match stored.kind {
            StoredKind::Nixos => HostKind::Nixos,
            StoredKind::Darwin => HostKind::Darwin,
            StoredKind::Home => HostKind::Home,
        };
        Self { flake: FlakeId::new(stored.flake.0), kind, name: stored.name }
    }
}

impl From<Discovered> for ConfigEvent {
    fn from(stored: Discovered) -> Self {
        let Discovered { name, system, modules, users, services, unknown, left_out } = stored;
        let host = Box::new(Host { system, modules, users, services, unknown, left_out });
        Self::Discovered { name: name.into(), host }
    }
}

impl From<Updated> for ConfigEvent {
    fn from(stored: Updated) -> Self {
        let change = HostChange {
            system: stored.system.map(|systems| (systems.from, systems.to)),
            modules: stored.modules.into(),
            users: stored.users.into(),
            services: stored.services.into(),
            unknown: stored.unknown.into(),
            left_out: stored.left_out,
            same_files: stored.same_files,
        };
        Self::Updated { name: stored.name.into(), change: Box::new(change) }
    }
}

impl From<Deleted> for ConfigEvent {
    fn from(stored: Deleted) -> Self {
        Self::Deleted { name: stored.name.into() }
    }
}

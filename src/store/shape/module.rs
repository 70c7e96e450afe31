//! Stored shapes of what happened to modules.

use serde::{Deserialize, Serialize};

use super::nix_file::{StoredNames, StoredNixFile};
use super::{read, unread, write};
use crate::domain::module::{Module, ModuleChange, ModuleEvent, ModuleKind};
use crate::domain::nix_file::Names;

#[derive(Serialize, Deserialize)]
struct Discovered {
    #[serde(default)]
    declared: Names,
    #[serde(default)]
    defined: Names,
    #[serde(flatten)]
    file: StoredNixFile,
    #[serde(default)]
    imports: Names,
    kind: StoredKind,
    #[serde(default)]
    left_out: u32,
}

#[derive(Serialize, Deserialize)]
struct Updated {
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    declared: StoredNames,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    defined: StoredNames,
    #[serde(flatten)]
    file: StoredNixFile,
    #[serde(default, skip_serializing_if = "StoredNames::is_empty")]
    imports: StoredNames,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<StoredKinds>,
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

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredKind {
    Nixos,
    Home,
    Darwin,
    FlakeParts,
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct StoredKinds {
    from: StoredKind,
    to: StoredKind,
}

pub(super) fn encode(event: &ModuleEvent) -> serde_json::Result<String> {
    match event {
        ModuleEvent::Discovered { file, module } => write(Discovered {
            file: file.into(),
            kind: module.kind.into(),
            declared: module.declared.clone(),
            defined: module.defined.clone(),
            imports: module.imports.clone(),
            left_out: module.left_out,
        }),
        ModuleEvent::Updated { file, change } => write(Updated {
            file: file.into(),
            kind: change.kind.map(|(from, to)| StoredKinds { from: from.into(), to: to.into() }),
            declared: (&change.declared).into(),
            defined: (&change.defined).into(),
            imports: (&change.imports).into(),
            left_out: change.left_out,
            same_file: change.same_file,
        }),
        ModuleEvent::Deleted { file } => write(Deleted { file: file.into() }),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<ModuleEvent> {
    match action {
        "discovered" => read::<Discovered, _>(payload),
        "updated" => read::<Updated, _>(payload),
        "deleted" => read::<Deleted, _>(payload),
        other => unread(other),
    }
}

impl From<ModuleKind> for StoredKind {
    fn from(kind: ModuleKind) -> Self {
        match kind {
            ModuleKind::Nixos => Self::Nixos,
            ModuleKind::Home => Self::Home,
            ModuleKind::Darwin => Self::Darwin,
            ModuleKind::FlakeParts => Self::FlakeParts,
            ModuleKind::Unknown => Self::Unknown,
        }
    }
}

impl From<StoredKind> for ModuleKind {
    fn from(stored: StoredKind) -> Self {
        match stored {
            StoredKind::Nixos => Self::Nixos,
            StoredKind::Home => Self::Home,
            StoredKind::Darwin => Self::Darwin,
            StoredKind::FlakeParts => Self::FlakeParts,
            StoredKind::Unknown => Self::Unknown,
        }
    }
}

impl From<Discovered> for ModuleEvent {
    fn from(stored: Discovered) -> Self {
        let Discovered { file, kind, declared, defined, imports, left_out } = stored;
        let module = Module { kind: kind.into(), declared, defined, imports, left_out };
        Self::Discovered { file: file.into(), module }
    }
}

impl From<Updated> for ModuleEvent {
    fn from(stored: Updated) -> Self {
        let change = ModuleChange {
            kind: stored.kind.map(|kinds| (kinds.from.into(), kinds.to.into())),
            declared: stored.declared.into(),
            defined: stored.defined.into(),
            imports: stored.imports.into(),
            left_out: stored.left_out,
            same_file: stored.same_file,
        };
        Self::Updated { file: stored.file.into(), change }
    }
}

impl From<Deleted> for ModuleEvent {
    fn from(stored: Deleted) -> Self {
        Self::Deleted { file: stored.file.into() }
    }
}

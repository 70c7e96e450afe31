//! Stored shapes of a Nix file, and of names that are told of it.

use serde::{Deserialize, Serialize};

use super::id::StoredId;
use super::value::{PathBytes, join_path, split_path};
use crate::domain::id::FlakeId;
use crate::domain::nix_file::{Names, NamesChange, NixFile};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredNixFile {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct StoredNames {
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    added: Names,
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    removed: Names,
}

impl StoredNames {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl From<&NixFile> for StoredNixFile {
    fn from(file: &NixFile) -> Self {
        let (path, file_bytes) = split_path(&file.path);
        Self { flake: file.flake.map(|flake| StoredId(flake.uuid())), file: path, file_bytes }
    }
}

impl From<StoredNixFile> for NixFile {
    fn from(stored: StoredNixFile) -> Self {
        let flake = stored.flake.map(|id| FlakeId::new(id.0));
        Self { flake, path: join_path(stored.file, stored.file_bytes) }
    }
}

impl From<&NamesChange> for StoredNames {
    fn from(change: &NamesChange) -> Self {
        Self { added: change.added.clone(), removed: change.removed.clone() }
    }
}

impl From<StoredNames> for NamesChange {
    fn from(stored: StoredNames) -> Self {
        Self { added: stored.added, removed: stored.removed }
    }
}

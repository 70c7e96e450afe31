//! Where a Nix file of a flake lies now: answers show whole paths, the ledger keeps those inside the flake.

use std::collections::HashMap;

use serde::Serialize;

use super::context::Reading;
use super::failure::Failure;
use super::path::PathFields;
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::store::view::{self, Whose};

/// The directories of all flakes at the moment that is looked at.
#[derive(Debug)]
pub(crate) struct Places(HashMap<FlakeId, RecordedPath>);

/// A file: its flake, when it is in one, and where it lies.
#[derive(Debug, Serialize)]
pub(crate) struct FilePlace {
    /// The flake whose file it is; none for a file without one.
    flake: Option<String>,
    flake_path: Option<String>,
    #[serde(flatten)]
    pub(crate) path: PathFields,
}

impl Places {
    /// Reads them.
    pub(crate) fn of(reading: &Reading) -> Result<Self, Failure> {
        let rows = view::flakes(&reading.ledger.reader, Whose::All, reading.at)?;
        Ok(Self(rows.into_iter().map(|flake| (flake.id, flake.path)).collect()))
    }

    /// Where a flake lies.
    pub(crate) fn flake(&self, flake: FlakeId) -> Option<&RecordedPath> {
        self.0.get(&flake)
    }

    /// Where a file lies whose path inside its flake is known.
    pub(crate) fn file(&self, flake: Option<FlakeId>, inside: &RecordedPath) -> FilePlace {
        let directory = flake.and_then(|flake| self.flake(flake));
        let whole = directory.map(|directory| RecordedPath::new(&directory.to_path().join(inside.to_path())));
        FilePlace {
            flake: flake.map(|flake| flake.to_string()),
            flake_path: directory.map(|directory| directory.text().to_owned()),
            path: PathFields::from(whole.as_ref().unwrap_or(inside)),
        }
    }
}

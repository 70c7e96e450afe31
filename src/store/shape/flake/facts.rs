//! Stored shapes of what was read from a flake.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::lock::{StoredLock, all, all_owned};
use super::super::value::{StoredAttrs, is_true, yes};
use crate::domain::flake::{Facts, Input, Outputs, Override, UnknownOutput};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFacts<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default)]
    inputs: BTreeMap<String, StoredInput<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock: Option<StoredLock<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    nix_config: BTreeMap<String, String>,
    #[serde(default)]
    outputs: StoredOutputs,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredInput<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attrs: Option<StoredAttrs<'a>>,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    declared: bool,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    flake: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
    name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    overrides: BTreeMap<String, StoredOverride>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredOverride {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct StoredOutputs {
    #[serde(default)]
    known: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<StoredUnknown>,
}

#[derive(Serialize, Deserialize)]
struct StoredUnknown {
    path: String,
    reason: String,
}

impl<'a> From<&'a Facts> for StoredFacts<'a> {
    fn from(facts: &'a Facts) -> Self {
        Self {
            description: facts.description.clone(),
            inputs: facts.inputs.iter().map(|(name, input)| (name.clone(), input.into())).collect(),
            outputs: (&facts.outputs).into(),
            nix_config: facts.nix_config.clone(),
            lock: facts.lock.as_ref().map(Into::into),
        }
    }
}

impl From<StoredFacts<'_>> for Facts {
    fn from(stored: StoredFacts<'_>) -> Self {
        Self {
            description: stored.description,
            inputs: stored.inputs.into_iter().map(|(name, input)| (name, input.into())).collect(),
            outputs: stored.outputs.into(),
            nix_config: stored.nix_config,
            lock: stored.lock.map(Into::into),
        }
    }
}

impl<'a> From<&'a Input> for StoredInput<'a> {
    fn from(input: &'a Input) -> Self {
        let overrides = input.overrides.iter().map(|(path, over)| (path.clone(), over.into()));
        Self {
            name: input.name.clone(),
            url: input.url.clone(),
            attrs: input.attrs.as_ref().map(Into::into),
            follows: input.follows.clone(),
            flake: input.flake,
            overrides: overrides.collect(),
            declared: input.declared,
        }
    }
}

impl From<StoredInput<'_>> for Input {
    fn from(stored: StoredInput<'_>) -> Self {
        Self {
            name: stored.name,
            url: stored.url,
            attrs: stored.attrs.map(Into::into),
            follows: stored.follows,
            flake: stored.flake,
            overrides: stored.overrides.into_iter().map(|(path, over)| (path, over.into())).collect(),
            declared: stored.declared,
        }
    }
}

impl From<&Override> for StoredOverride {
    fn from(over: &Override) -> Self {
        Self { url: over.url.clone(), follows: over.follows.clone() }
    }
}

impl From<StoredOverride> for Override {
    fn from(stored: StoredOverride) -> Self {
        Self { url: stored.url, follows: stored.follows }
    }
}

impl From<&Outputs> for StoredOutputs {
    fn from(outputs: &Outputs) -> Self {
        Self { known: outputs.known.clone(), unknown: all(&outputs.unknown) }
    }
}

impl From<StoredOutputs> for Outputs {
    fn from(stored: StoredOutputs) -> Self {
        Self { known: stored.known, unknown: all_owned(stored.unknown) }
    }
}

impl From<&UnknownOutput> for StoredUnknown {
    fn from(unknown: &UnknownOutput) -> Self {
        Self { path: unknown.path.clone(), reason: unknown.reason.clone() }
    }
}

impl From<StoredUnknown> for UnknownOutput {
    fn from(stored: StoredUnknown) -> Self {
        Self { path: stored.path, reason: stored.reason }
    }
}

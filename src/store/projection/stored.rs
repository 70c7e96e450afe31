//! Values inside columns of the read model, as JSON: the same words as in `flake.lock` and in the events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::Attrs;
use crate::domain::flake::Override;
use crate::domain::lock;

/// Where an input of a lock node leads: a key, or the path that it follows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::store) enum Edge {
    Node(String),
    Follows(Vec<String>),
}

/// What is said about an input of an input.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct StoredOverride {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
}

impl From<Edge> for lock::Edge {
    fn from(edge: Edge) -> Self {
        match edge {
            Edge::Node(key) => Self::Node(key),
            Edge::Follows(path) => Self::Follows(path),
        }
    }
}

impl From<&lock::Edge> for Edge {
    fn from(edge: &lock::Edge) -> Self {
        match edge {
            lock::Edge::Node(key) => Self::Node(key.clone()),
            lock::Edge::Follows(path) => Self::Follows(path.clone()),
        }
    }
}

impl From<StoredOverride> for Override {
    fn from(stored: StoredOverride) -> Self {
        Self { url: stored.url, follows: stored.follows }
    }
}

impl From<&Override> for StoredOverride {
    fn from(over: &Override) -> Self {
        Self { url: over.url.clone(), follows: over.follows.clone() }
    }
}

/// Attributes as JSON text.
pub(in crate::store) fn attrs_text(attrs: Option<&Attrs>) -> serde_json::Result<Option<String>> {
    attrs.map(serde_json::to_string).transpose()
}

/// A map whose values have a stored form, as JSON text.
pub(in crate::store) fn map_text<'a, V, S>(map: &'a BTreeMap<String, V>) -> serde_json::Result<String>
where
    S: From<&'a V> + Serialize,
{
    let stored: BTreeMap<&str, S> = map.iter().map(|(name, value)| (name.as_str(), S::from(value))).collect();
    serde_json::to_string(&stored)
}

/// A map whose values have a stored form, out of JSON text.
pub(in crate::store) fn map_read<V, S>(text: &str) -> serde_json::Result<BTreeMap<String, V>>
where
    S: serde::de::DeserializeOwned + Into<V>,
{
    let stored: BTreeMap<String, S> = serde_json::from_str(text)?;
    Ok(stored.into_iter().map(|(name, value)| (name, value.into())).collect())
}

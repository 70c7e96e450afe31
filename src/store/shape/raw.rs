//! The parts of frequent payloads that the read model stores as they are, borrowed from the text.
//!
//! A payload that is not written as this release writes it gives nothing here, and is read the long way.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::lock::StoredHead;
use super::value::{NUMBER, yes};
use crate::domain::lock::LockHead;

/// What changed of the locked inputs, and in which commit.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct Changes<'a> {
    #[serde(borrow, default)]
    pub(in crate::store) commit: Option<Commit<'a>>,
    #[serde(borrow, default)]
    pub(in crate::store) changes: Vec<Change<'a>>,
}

/// A commit.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct Commit<'a> {
    #[serde(borrow)]
    pub(in crate::store) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(in crate::store) author: Cow<'a, str>,
    authored_at: i64,
    committed_at: Option<i64>,
    #[serde(borrow)]
    pub(in crate::store) summary: Cow<'a, str>,
}

/// A change of one locked input: its source before and after, as JSON.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct Change<'a> {
    #[serde(borrow)]
    pub(in crate::store) input: Cow<'a, str>,
    #[serde(borrow)]
    pub(in crate::store) node: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::store) from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::store) to: Option<&'a RawValue>,
}

/// A change of a lock, node by node.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct LockChange<'a> {
    #[serde(borrow, default)]
    from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::store) nodes: Vec<NodeChange<'a>>,
}

/// A node before and after.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct NodeChange<'a> {
    #[serde(borrow)]
    pub(in crate::store) key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::store) from: Option<Node<'a>>,
    #[serde(borrow, default)]
    pub(in crate::store) to: Option<Node<'a>>,
}

/// A node, its parts as JSON.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct Node<'a> {
    #[serde(borrow, default)]
    pub(in crate::store) inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::store) locked: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in crate::store) original: Option<&'a RawValue>,
    #[serde(default = "yes")]
    pub(in crate::store) flake: bool,
    #[serde(borrow, default)]
    pub(in crate::store) parent: Option<&'a RawValue>,
}

/// Fields of a locked source that are others with every update of the same repository.
const OF_REVISION: [&str; 4] = ["lastModified", "narHash", "rev", "revCount"];

/// The changes that a payload tells of; none when it has to be read the long way.
pub(in crate::store) fn changes(payload: &str) -> Option<Changes<'_>> {
    read(payload)
}

/// The changes of nodes that a payload tells of; none when it has to be read the long way.
pub(in crate::store) fn nodes(payload: &str) -> Option<LockChange<'_>> {
    read(payload)
}

/// A number that is stored as text has another form here than in the read model.
fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> Option<T> {
    if payload.contains(NUMBER) { None } else { serde_json::from_str(payload).ok() }
}

impl Commit<'_> {
    /// When it was committed, in microseconds since 1970.
    pub(in crate::store) fn committed_at(&self) -> i64 {
        self.committed_at.unwrap_or(self.authored_at)
    }
}

impl LockChange<'_> {
    /// What the lock says of itself afterwards.
    pub(in crate::store) fn head(&self) -> Option<LockHead> {
        serde_json::from_str::<StoredHead>(self.to?.get()).ok().map(LockHead::from)
    }

    /// Whether the nodes stayed where they are, with the inputs they had, and are of the same repositories.
    pub(in crate::store) fn only_revisions(&self) -> bool {
        let same_head = self.from.is_some_and(|from| self.to.is_some_and(|to| from.get() == to.get()));
        same_head && self.nodes.iter().all(|change| change.is_revision().unwrap_or(false))
    }
}

impl NodeChange<'_> {
    fn is_revision(&self) -> Option<bool> {
        let (from, to) = (self.from.as_ref()?, self.to.as_ref()?);
        let same = text(from.inputs) == text(to.inputs) && text(from.original) == text(to.original);
        Some(same && repository(from.locked?)? == repository(to.locked?)?)
    }
}

impl Node<'_> {
    /// When its source was last modified, in seconds since 1970.
    pub(in crate::store) fn last_modified(&self) -> Option<i64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Modified {
            last_modified: Option<i64>,
        }
        serde_json::from_str::<Modified>(self.locked?.get()).ok()?.last_modified
    }
}

/// JSON as text.
pub(in crate::store) fn text(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get)
}

/// The fields of a locked source that stay while only its revision changes, in the order of the text.
fn repository(locked: &RawValue) -> Option<Vec<(Cow<'_, str>, &str)>> {
    serde_json::from_str::<Repository<'_>>(locked.get()).ok().map(|Repository(fields)| fields)
}

struct Repository<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Repository<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Repository<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a locked source")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(4);
        while let Some(Key(name)) = map.next_key()? {
            if OF_REVISION.contains(&name.as_ref()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                fields.push((name, map.next_value::<&RawValue>()?.get()));
            }
        }
        Ok(Repository(fields))
    }
}

/// A name that is borrowed where it can be.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

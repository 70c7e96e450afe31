//! Ids as others may write them. What is stored and sent is always the bare UUID.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::id::read_id;

/// An id in a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredId(pub(super) Uuid);

impl Serialize for StoredId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.hyphenated())
    }
}

impl<'de> Deserialize<'de> for StoredId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read_id(&value).map(Self).ok_or_else(|| D::Error::custom(format!("`{value}` is not an id")))
    }
}

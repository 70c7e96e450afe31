//! Ids as others may write them. What is stored and sent is always the bare UUID.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

/// Reads an id: a bare text, `{"Uuid": …}`, `{"kind": …, "value": …}`, or a text behind `correlation:` and the like.
pub fn read_id(value: &Value) -> Option<Uuid> {
    match value {
        Value::String(text) => {
            let bare = ["correlation:", "causation:", "message:", "event:", "urn:uuid:"]
                .iter()
                .find_map(|prefix| text.trim().strip_prefix(prefix))
                .unwrap_or(text);
            Uuid::parse_str(bare.trim()).ok()
        }
        Value::Object(fields) => {
            let inner = ["Uuid", "uuid", "value", "id"].iter().find_map(|name| fields.get(*name))?;
            inner.as_str().is_some().then(|| read_id(inner))?
        }
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_write_an_id_is_read() {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for value in [
            json!(id.hyphenated().to_string()),
            json!(id.simple().to_string()),
            json!(format!("correlation:{id}")),
            json!(format!("causation: {id}")),
            json!({ "Uuid": id.to_string() }),
            json!({ "kind": "Uuid", "value": id.to_string() }),
        ] {
            assert_eq!(read_id(&value), Some(id), "{value}");
        }
        for value in [json!(null), json!(7), json!("x"), json!({}), json!({ "value": { "value": id.to_string() } })] {
            assert_eq!(read_id(&value), None, "{value}");
        }
    }
}

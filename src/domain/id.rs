//! Identities: every id is a UUID behind a name of its own, so that one cannot stand in for another.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Names an existing UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// One event, for ever.
    EventId,
    /// One flake on one machine: one canonical directory that holds a `flake.nix`.
    FlakeId,
    /// One message: a command, a query or an event.
    MessageId,
    /// What a message belongs to: the id of the message that began the conversation.
    CorrelationId,
    /// What brought a message about: the id of its parent message.
    CausationId,
}

/// Reads an id as others may write it: a bare text, `{"Uuid": …}`, `{"kind": …, "value": …}`, or a text behind `correlation:` and the like.
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

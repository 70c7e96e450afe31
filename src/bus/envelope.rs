//! An event on the wire: the whole envelope as JSON, its own fields under `payload`, and the same facts in headers.
//!
//! Times are RFC 3339 in UTC (a bare number of microseconds beyond its years), ids bare UUIDs, hashes hexadecimal. What
//! is read is read tolerantly: fields that are not known are passed over, ids may be written as other domains do.

use async_nats::{HeaderMap, HeaderName};
use chrono::{DateTime, SecondsFormat};
use data_encoding::{BASE64, HEXLOWER};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{header, subject};
use crate::domain::id::read_id;

/// An event as it is sent, and as it comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    /// The event.
    #[serde(deserialize_with = "id")]
    pub event_id: Uuid,
    /// Its stream, as in `flake/<uuid>`.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// Its type, as in `flake.updated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// When it happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The conversation.
    #[serde(deserialize_with = "id")]
    pub correlation_id: Uuid,
    /// The command; others leave it out for a root, whose conversation is its own cause.
    #[serde(default, deserialize_with = "optional_id")]
    pub causation_id: Option<Uuid>,
    /// Who: `user@host`.
    pub actor: String,
    /// The public key of its origin.
    pub origin: String,
    /// Its place in what its origin has shared, from 1.
    pub origin_sequence: i64,
    /// Its link in its origin's shared chain, hexadecimal.
    pub origin_chain: String,
    /// The command that it undoes.
    #[serde(default, deserialize_with = "optional_id", skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Uuid>,
    /// The content id of its payload.
    pub content_id: String,
    /// What it says: canonical JSON, or `null` once erased.
    pub payload: Box<RawValue>,
}

/// A field of the body, for the reference.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is: `id`, `time`, `text`, `count`, `hash` or `any`.
    pub kind: &'static str,
    /// Whether it is always written.
    pub always: bool,
    /// What it holds.
    pub doc: &'static str,
}

macro_rules! fields {
    ($($name:literal $kind:ident $always:literal $doc:literal;)+) => {
        /// Every field of the body, in the order in which they are written; a test holds it against what is written.
        pub const FIELDS: &[Field] =
            &[$(Field { name: $name, kind: stringify!($kind), always: $always, doc: $doc }),+];
    };
}

fields! {
    "event_id" id true "The event.";
    "stream" text true "Whose event it is: `flake/<uuid>`.";
    "version" count true "Its place in the stream, from 1.";
    "type" text true "What happened: `flake.updated`.";
    "schema_version" count true "The version of its payload's shape.";
    "occurred_at" time true "When it happened.";
    "recorded_at" time true "When it was recorded.";
    "correlation_id" id true "The conversation.";
    "causation_id" id true "The command that caused it.";
    "actor" text true "Who: `user@host`.";
    "origin" text true "The public key of its origin.";
    "origin_sequence" count true "Its place in what its origin has shared, from 1.";
    "origin_chain" hash true "Its link in its origin's shared chain.";
    "undoes" id false "The command that it undoes.";
    "content_id" text true "The content id of its payload: CIDv1, BLAKE3-256.";
    "payload" any true "What it says, as `events.md` describes; `null` once erased.";
}

/// A moment, in microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub i64);

impl Envelope {
    /// The headers of the message that carries it.
    pub fn headers(&self, signature: Option<&[u8]>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let id = self.event_id.hyphenated().to_string();
        let mut set = |name, value: String| headers.insert(HeaderName::from_static(name), one_line(value));
        set(header::NATS_MSG_ID, id.clone());
        set(header::MESSAGE_ID, id.clone());
        set(header::EVENT_ID, id);
        set(header::EVENT_TYPE, self.kind.clone());
        set(header::CORRELATION_ID, self.correlation_id.to_string());
        set(header::CAUSATION_ID, self.causation_id.unwrap_or(self.correlation_id).to_string());
        set(header::AGGREGATE_ID, self.aggregate_id().to_owned());
        set(header::TIMESTAMP, self.occurred_at.text());
        set(header::DOMAIN, "nix".to_owned());
        set(header::SEQUENCE, self.version.to_string());
        set(header::SCHEMA_VERSION, self.schema_version.to_string());
        set(header::EVENT_CID, self.content_id.clone());
        set(header::ACTOR, self.actor.clone());
        set(header::ORIGIN, self.origin.clone());
        set(header::ORIGIN_SEQUENCE, self.origin_sequence.to_string());
        set(header::ORIGIN_CHAIN, self.origin_chain.clone());
        if let Some(signature) = signature {
            set(header::SIGNATURE, BASE64.encode(signature));
        }
        headers
    }

    /// Whose event it is: the key of its stream.
    pub fn aggregate_id(&self) -> &str {
        self.stream.split_once('/').map_or(&self.stream, |(_, key)| key)
    }

    /// Its body on the wire.
    ///
    /// # Errors
    /// Says what cannot be written; nothing that was read or recorded before is such.
    pub fn body(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| error.to_string())
    }

    /// Its origin's signature that it erased the payload, as the headers carry it; what is not base64 is none.
    pub fn erasure(headers: Option<&HeaderMap>) -> Option<Vec<u8>> {
        BASE64.decode(headers?.get(header::ERASURE)?.as_str().as_bytes()).ok()
    }

    /// Reads a message of the exchange: body, subject and headers must tell the same story.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn read(subject: &str, headers: Option<&HeaderMap>, body: &[u8]) -> Result<(Self, Option<Vec<u8>>), String> {
        let envelope: Self =
            serde_json::from_slice(body).map_err(|error| format!("its body is no envelope ({error})"))?;
        let (origin, kind) =
            subject::parse_ledger(subject).ok_or_else(|| format!("`{subject}` is no subject of the exchange"))?;
        if envelope.origin != origin {
            return Err(format!("it names the origin {}, its subject {origin}", envelope.origin));
        }
        if envelope.kind != kind {
            return Err(format!("it is a {}, its subject says {kind}", envelope.kind));
        }
        let value = |name| headers.and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str);
        if value(header::ORIGIN).is_some_and(|told| told != envelope.origin) {
            return Err("its headers name another origin than its body".to_owned());
        }
        let signature = match value(header::SIGNATURE) {
            Some(text) => Some(BASE64.decode(text.as_bytes()).map_err(|_| "its signature is not base64".to_owned())?),
            None => None,
        };
        Ok((envelope, signature))
    }

    /// The place and the link that a body says to have in the chain of an origin, without reading the rest of it; none
    /// when it names another.
    pub(super) fn place_in(body: &[u8], origin: &str) -> Option<(i64, [u8; 32])> {
        #[derive(Deserialize)]
        struct Place<'a> {
            origin: &'a str,
            origin_sequence: i64,
            origin_chain: &'a str,
        }
        let place: Place<'_> = serde_json::from_slice(body).ok()?;
        let link = HEXLOWER.decode(place.origin_chain.as_bytes()).ok()?.try_into().ok()?;
        (place.origin == origin).then_some((place.origin_sequence, link))
    }

    /// Its link in its origin's chain.
    ///
    /// # Errors
    /// When it is not 32 bytes in hexadecimal.
    pub fn chain(&self) -> Result<[u8; 32], String> {
        let bytes = HEXLOWER.decode(self.origin_chain.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| "its link is no hash".to_owned())
    }
}

/// The link of a shared chain as it is written in envelopes and headers.
pub fn chain_text(chain: &[u8; 32]) -> String {
    HEXLOWER.encode(chain)
}

impl Time {
    /// As it is written in headers.
    pub fn text(self) -> String {
        self.date().unwrap_or_else(|| self.0.to_string())
    }

    fn date(self) -> Option<String> {
        let time = DateTime::from_timestamp_micros(self.0)?;
        let text = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        // Years of more than four digits are written with a sign, which few can read.
        text.starts_with(|c: char| c.is_ascii_digit()).then_some(text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.date() {
            Some(text) => serializer.serialize_str(&text),
            None => serializer.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => DateTime::parse_from_rfc3339(&text)
                .map(|time| Self(time.timestamp_micros()))
                .map_err(|_| D::Error::custom(format!("`{text}` is no time in RFC 3339"))),
            other => other.as_i64().map(Self).ok_or_else(|| D::Error::custom(format!("{other} is no time"))),
        }
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let value = Value::deserialize(deserializer)?;
    read_id(&value).ok_or_else(|| D::Error::custom(format!("{value} is no id")))
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => read_id(&value).map(Some).ok_or_else(|| D::Error::custom(format!("{value} is no id"))),
    }
}

/// A header ends at the end of its line.
fn one_line(text: String) -> String {
    if text.contains(['\r', '\n']) { text.replace(['\r', '\n'], " ") } else { text }
}

#[cfg(test)]
mod tests;

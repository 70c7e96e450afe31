//! How events are written down: one versioned struct per event, canonical JSON (RFC 8785), read tolerantly.
//!
//! The domain's types are not what is stored: they may change, these may only grow. A field that is not known is
//! passed over; a type or a schema version that is not known leaves the stored text as it is.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::catalogue::{EVENTS, Event, Kind};

mod canonical;

pub mod id;

mod config;

mod finding;

mod flake;

mod ledger;

mod lock;

mod lock_history;

mod module;

mod nix_file;

mod overlay;

mod pins;

pub(in crate::store) mod raw;

mod value;

/// Why an event cannot be read, or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// This release knows no such event.
    #[error("events of type {kind} are not known to this cim-nix; update it")]
    UnknownType {
        /// The type as stored.
        kind: String,
    },
    /// A newer release wrote it.
    #[error("{kind} is written in schema {found}, this cim-nix reads {known}; update it")]
    NewerSchema {
        /// The type.
        kind: String,
        /// The schema of the event.
        found: u32,
        /// The newest that is read.
        known: u32,
    },
    /// The payload was erased.
    #[error("the payload of this {kind} event was erased")]
    Erased {
        /// The type.
        kind: String,
    },
    /// The payload is not what its type and schema say.
    #[error("the payload of a {kind} event cannot be read: {detail}")]
    Malformed {
        /// The type.
        kind: String,
        /// What does not fit.
        detail: String,
    },
    /// The event holds what JSON cannot.
    #[error("a {kind} event cannot be written as JSON: {detail}")]
    Unwritable {
        /// The type.
        kind: String,
        /// What does not fit.
        detail: String,
    },
}

/// An event that cannot be read; its stored text stays as it is.
pub type Undecodable = ShapeError;

/// What the payload of an erased event reads.
pub const ERASED: &str = "null";

/// The largest payload that is stored, in bytes.
pub const PAYLOAD_LIMIT: usize = 256 * 1024;

/// The longest name of a stream, a type or an actor, in bytes: what is written keeps to it, as nobody takes in what does not.
pub const NAME_LIMIT: usize = 1_024;

/// Writes an event down: its kind, and its payload as canonical JSON.
///
/// # Errors
/// [`ShapeError::Unwritable`] when the event holds what JSON cannot.
pub fn encode(event: &Event) -> Result<(Kind, String), ShapeError> {
    let kind = event.kind();
    let payload = match event {
        Event::Flake(event) => flake::encode(event),
        Event::Finding(event) => finding::encode(event),
        Event::LockHistory(event) => lock_history::encode(event),
        Event::Config(event) => config::encode(event),
        Event::Pins(event) => pins::encode(event),
        Event::Module(event) => module::encode(event),
        Event::Overlay(event) => overlay::encode(event),
        Event::Ledger(event) => ledger::encode(event),
    };
    payload
        .map(|payload| (kind, payload))
        .map_err(|error| ShapeError::Unwritable { kind: kind.name(), detail: error.to_string() })
}

/// Reads an event back.
///
/// # Errors
/// Says whether the type or schema is not known, the payload was erased, or does not fit.
pub fn decode(kind: &str, schema: u32, payload: &str) -> Result<Event, ShapeError> {
    let known = EVENTS
        .iter()
        .find(|known| {
            kind.strip_prefix(known.aggregate.name()).and_then(|rest| rest.strip_prefix('.')) == Some(known.action)
        })
        .ok_or_else(|| ShapeError::UnknownType { kind: kind.to_owned() })?;
    if schema > known.schema {
        return Err(ShapeError::NewerSchema { kind: kind.to_owned(), found: schema, known: known.schema });
    }
    if payload == ERASED {
        return Err(ShapeError::Erased { kind: kind.to_owned() });
    }
    decode_known(*known, payload)
        .map_err(|error| ShapeError::Malformed { kind: kind.to_owned(), detail: error.to_string() })
}

fn decode_known(kind: Kind, payload: &str) -> serde_json::Result<Event> {
    use crate::domain::stream::Aggregate;
    match kind.aggregate {
        Aggregate::Flake => flake::decode(kind.action, payload).map(Event::Flake),
        Aggregate::Finding => finding::decode(kind.action, payload).map(Event::Finding),
        Aggregate::LockHistory => lock_history::decode(kind.action, payload).map(Event::LockHistory),
        Aggregate::Config => config::decode(kind.action, payload).map(Event::Config),
        Aggregate::Pins => pins::decode(kind.action, payload).map(Event::Pins),
        Aggregate::Module => module::decode(kind.action, payload).map(Event::Module),
        Aggregate::Overlay => overlay::decode(kind.action, payload).map(Event::Overlay),
        Aggregate::Ledger => ledger::decode(kind.action, payload).map(Event::Ledger),
    }
}

/// Canonical JSON of a stored struct.
fn write<T: Serialize>(stored: T) -> serde_json::Result<String> {
    canonical::to_string(&stored)
}

/// A domain value by way of the struct that it is stored in.
fn read<S: DeserializeOwned, T: From<S>>(payload: &str) -> serde_json::Result<T> {
    serde_json::from_str::<S>(payload).map(T::from)
}

/// The catalogue has an action that the reader of its aggregate does not know: a slip in this file's neighbours.
fn unread<T>(action: &str) -> serde_json::Result<T> {
    Err(serde::de::Error::custom(format!("no reader for `{action}`")))
}

#[cfg(test)]
pub(in crate::store) mod tests;

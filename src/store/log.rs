//! The event log: what goes in, in one transaction, and what comes out.

use std::sync::OnceLock;

use rusqlite::Row;
use serde_json::Value;
use uuid::Uuid;

use super::chain::{Envelope, Hash};
use super::local::LocalNote;
use super::shape::{self, Undecodable};
use crate::domain::catalogue::Event;
use crate::domain::id::{CausationId, CorrelationId, EventId};
use crate::domain::message::MessageIdentity;
use crate::domain::stream::StreamId;

pub(crate) mod append;

pub(in crate::store) mod claim;

mod read;

/// Everything that one command writes, all of it or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// The command; the same id twice has one effect.
    pub command: Command,
    /// When the command was received, which is when its events are recorded: microseconds since 1970 UTC.
    pub received_at: i64,
    /// The events, by stream.
    pub writes: Vec<StreamWrite>,
    /// Changes of this machine's own tables.
    pub notes: Vec<LocalNote>,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Command {
    /// The command; equal to its identity's message id.
    pub id: Uuid,
    /// What it does: `scan`, `forget`.
    pub name: &'static str,
    /// Its place in the conversation; its events are caused by it.
    pub identity: MessageIdentity,
    /// Who asked: `user@host`.
    pub actor: String,
    /// What is answered when the command comes again; null for nothing.
    pub result: Value,
}

/// New events of one stream.
#[derive(Debug, Clone)]
pub struct StreamWrite {
    /// The stream.
    pub stream: StreamId,
    /// What the writer has seen of it.
    pub expected: Expected,
    /// The events, oldest first.
    pub events: Vec<NewEvent>,
}

/// What version a stream must have for a write to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it has.
    Any,
    /// Exactly this one; zero for a stream without events.
    Version(u64),
}

/// An event that is not recorded yet.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id, for ever.
    pub id: EventId,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// What happened.
    pub event: Event,
    /// The command that it undoes, when it does.
    pub undoes: Option<Uuid>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// It is stored, durably.
    Stored {
        /// The position of its first event, when it has any.
        first: Option<i64>,
        /// The position of its last event.
        last: Option<i64>,
        /// How many events it has.
        events: usize,
    },
    /// It had been stored before; nothing was written.
    Repeated {
        /// The position of its first event, when it has any.
        first: Option<i64>,
        /// The position of its last event.
        last: Option<i64>,
        /// The result that was kept.
        result: Value,
    },
}

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its place in this database, from 1, without gaps.
    pub position: i64,
    /// Its id.
    pub event_id: EventId,
    /// The row of its origin in `origins`.
    pub origin: i64,
    /// Its stream: `flake/<uuid>`.
    pub stream: String,
    /// Its place in the stream, from 1, without gaps.
    pub version: u64,
    /// Its type: `flake.updated`.
    pub kind: String,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// Its payload as stored: canonical JSON, or `null` once erased.
    pub payload: String,
    /// The BLAKE3 hash of the payload as it was recorded.
    pub content: Hash,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// When it was recorded, likewise.
    pub recorded_at: i64,
    /// The conversation that it belongs to.
    pub correlation_id: CorrelationId,
    /// The command that caused it.
    pub causation_id: CausationId,
    /// Who: `user@host`.
    pub actor: String,
    /// The command that it undoes.
    pub undoes: Option<Uuid>,
    /// Its link in the local chain.
    pub chain: Hash,
    pub(in crate::store) event: OnceLock<Result<Event, Undecodable>>,
}

impl Recorded {
    /// What happened; decoded when first asked for.
    ///
    /// # Errors
    /// Says why the payload cannot be read: erased, of a newer release, or damaged.
    pub fn event(&self) -> Result<&Event, &Undecodable> {
        self.event.get_or_init(|| shape::decode(&self.kind, self.schema_version, &self.payload)).as_ref()
    }

    /// Whether the payload was erased.
    pub fn is_erased(&self) -> bool {
        self.payload == shape::ERASED
    }

    /// What the chains hash of it.
    pub fn envelope<'a>(&'a self, origin_key: &'a str) -> Envelope<'a> {
        Envelope {
            event_id: self.event_id.uuid(),
            origin: origin_key,
            stream: &self.stream,
            version: self.version,
            kind: &self.kind,
            schema_version: self.schema_version,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            correlation_id: self.correlation_id.uuid(),
            causation_id: self.causation_id.uuid(),
            actor: &self.actor,
            undoes: self.undoes,
            content: &self.content,
        }
    }

    /// The columns that [`Self::from_row`] reads, in their order.
    pub(crate) const COLUMNS: &'static str = "position, event_id, origin, stream, version, type, schema_version, payload, content_id, \
         occurred_at, recorded_at, correlation_id, causation_id, actor, undoes, chain";

    /// Reads a row of [`Self::COLUMNS`].
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            position: row.get(0)?,
            event_id: EventId::new(Uuid::from_bytes(row.get(1)?)),
            origin: row.get(2)?,
            stream: row.get(3)?,
            version: row.get::<_, i64>(4)?.cast_unsigned(),
            kind: row.get(5)?,
            schema_version: row.get(6)?,
            payload: row.get(7)?,
            content: row.get(8)?,
            occurred_at: row.get(9)?,
            recorded_at: row.get(10)?,
            correlation_id: CorrelationId::new(Uuid::from_bytes(row.get(11)?)),
            causation_id: CausationId::new(Uuid::from_bytes(row.get(12)?)),
            actor: row.get(13)?,
            undoes: row.get::<_, Option<[u8; 16]>>(14)?.map(Uuid::from_bytes),
            chain: row.get(15)?,
            event: OnceLock::new(),
        })
    }
}

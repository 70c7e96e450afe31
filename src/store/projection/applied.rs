//! One event on its way into the read model, read from its stored text only when a projection looks inside.

use std::borrow::Cow;

use uuid::Uuid;

use crate::domain::catalogue::{EVENTS, Event, Kind};
use crate::store::log::{Recorded, claim};
use crate::store::shape::{self, ShapeError};

/// An event that is being applied.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'a> {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// The row of its origin.
    pub origin: i64,
    /// Whether another machine recorded it: what it says may be anything.
    pub foreign: bool,
    /// Its stream, as in `flake/<uuid>`.
    pub stream: &'a str,
    /// When it happened, in microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// What kind of event it is.
    pub kind: Kind,
    /// What it says.
    pub body: Body<'a>,
}

/// What an event says.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// As it was just appended.
    Recorded(&'a Recorded),
    /// As it is stored.
    Stored {
        /// The version of its shape.
        schema: u32,
        /// Its payload.
        payload: &'a str,
    },
}

/// Why a projection could not take an event in.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The event cannot be read.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A row of the projection's own cannot be read or written as JSON.
    #[error("a row of the read model is not what it should be: {0}")]
    Row(#[from] serde_json::Error),
    /// A row of the projection's own has fewer columns than it should.
    #[error("a row of the read model has fewer columns than it should")]
    Shorter,
}

impl Applied<'_> {
    /// The event itself; none when its payload was erased, or when another machine wrote what cannot be read here.
    pub fn event(&self) -> Result<Option<Cow<'_, Event>>, ShapeError> {
        match self.decoded() {
            Err(error) if self.foreign => {
                tracing::debug!(position = self.position, %error, "passed over");
                Ok(None)
            }
            other => other,
        }
    }

    /// Its payload as it is stored, when it is of the newest shape and not erased.
    pub(super) fn payload(&self) -> Option<&str> {
        let (schema, payload) = match self.body {
            Body::Recorded(recorded) => (recorded.schema_version, recorded.payload.as_str()),
            Body::Stored { schema, payload } => (schema, payload),
        };
        (schema == self.kind.schema && payload != shape::ERASED).then_some(payload)
    }

    fn decoded(&self) -> Result<Option<Cow<'_, Event>>, ShapeError> {
        match self.body {
            Body::Recorded(recorded) if recorded.payload == shape::ERASED => Ok(None),
            Body::Recorded(recorded) => recorded.event().map(|event| Some(Cow::Borrowed(event))).map_err(Clone::clone),
            Body::Stored { payload: shape::ERASED, .. } => Ok(None),
            Body::Stored { schema, payload } => {
                let event = shape::decode(&self.kind.name(), schema, payload)?;
                Ok(Some(Cow::Owned(event)))
            }
        }
    }

    /// What follows the aggregate in the stream's name: the id of the flake, in the stream of a flake.
    pub fn key(&self) -> &str {
        self.stream.split_once('/').map_or(self.stream, |(_, key)| key)
    }
}

/// The kind of a stored type; none for a type that this release does not know, and for what stands in a stream that moved aside.
pub(in crate::store) fn kind_named(name: &str, stream: &str) -> Option<Kind> {
    if claim::is_displaced(stream) {
        return None;
    }
    let (aggregate, action) = name.split_once('.')?;
    EVENTS.iter().copied().find(|kind| kind.action == action && kind.aggregate.name() == aggregate)
}

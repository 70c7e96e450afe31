//! Stored shapes of the ledger's own events.

use serde::{Deserialize, Serialize};

use super::id::StoredId;
use super::{read, unread, write};
use crate::domain::id::EventId;
use crate::domain::ledger::LedgerEvent;

#[derive(Serialize, Deserialize)]
struct Erased {
    content: String,
    event: StoredId,
    reason: String,
    stream: String,
}

pub(super) fn encode(event: &LedgerEvent) -> serde_json::Result<String> {
    match event {
        LedgerEvent::Erased { event, stream, content, reason } => write(Erased {
            event: StoredId(event.uuid()),
            stream: stream.clone(),
            content: content.clone(),
            reason: reason.clone(),
        }),
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<LedgerEvent> {
    match action {
        "erased" => read::<Erased, _>(payload),
        other => unread(other),
    }
}

impl From<Erased> for LedgerEvent {
    fn from(stored: Erased) -> Self {
        Self::Erased {
            event: EventId::new(stored.event.0),
            stream: stored.stream,
            content: stored.content,
            reason: stored.reason,
        }
    }
}

//! What an origin does to its own ledger.

use super::id::EventId;

/// An event of a ledger's own stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerEvent {
    /// The payload of an event was blanked; its content id stays, so that the chains still verify.
    Erased {
        /// The event.
        event: EventId,
        /// The stream it stands in.
        stream: String,
        /// The content id of what was erased.
        content: String,
        /// Why, in the words of whoever asked for it.
        reason: String,
    },
}

//! Connections that stand and on which no answer is heard: the client does not ask again for what the server once refused, so
//! only a new connection hears what is allowed by now.

use super::Engine;
use crate::bus::BusError;

/// After how many questions in a row that had no answer a new connection is made.
const UNANSWERED: u32 = 2;

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Something failed on the bus.
    pub(super) fn fail_on_bus(&mut self, error: &BusError) {
        self.unanswered = if matches!(error, BusError::Silence { .. }) { self.unanswered.saturating_add(1) } else { 0 };
        self.fail(error.seen(), error);
    }

    /// Whether the connection stands and answers are not heard on it, as far as is known.
    pub(super) fn is_deaf(&self) -> bool {
        self.bus.is_some() && (self.unanswered >= UNANSWERED || self.link.standing().is_deaf())
    }
}

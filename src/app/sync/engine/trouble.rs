//! What goes wrong in delivery: seen by its machine, told in the log when it changes.

use std::fmt::Display;

use super::super::SyncError;
use super::super::relay::Stop;
use super::Engine;
use crate::domain::delivery::Seen;

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Trouble with the bus is delivery's; trouble with the ledger is the caller's.
    pub(super) fn stopped(&mut self, stop: Stop) -> Result<(), SyncError> {
        match stop {
            Stop::Failed(SyncError::Bus(error)) => self.fail_on_bus(&error),
            Stop::Failed(error) => return Err(error),
            Stop::Refused(reason, why) => self.fail(Seen::Refused(reason), why),
            Stop::Elsewhere => {
                // The lease ran out while the server was asked; whoever has it now is told apart at the next turn.
                self.leased_until = 0;
                self.fail(Seen::Failed, "another process delivers now");
            }
        }
        Ok(())
    }

    pub(super) fn see(&mut self, seen: Seen) {
        if matches!(seen, Seen::Reconciled { .. } | Seen::Acknowledged { .. }) {
            self.unanswered = 0;
        }
        self.delivery.see(seen, self.now(), self.random());
    }

    /// Spreads the attempts of many machines.
    fn random(&self) -> u64 {
        self.session.clock.new_id().as_u64_pair().1
    }

    pub(super) fn fail(&mut self, seen: Seen, why: impl Display) {
        if self.is_excused(seen) {
            return;
        }
        self.status.last_error = Some(self.warn_of(seen, &why));
        self.see(seen);
    }

    /// What others sent could not be read, which is tried again by and by: sending goes on.
    pub(super) fn fail_to_read(&mut self, why: impl Display) {
        if self.is_excused(Seen::Failed) {
            return;
        }
        let why = self.warn_of(Seen::Failed, &why);
        if self.status.last_error.as_deref() == self.retry.why() {
            self.status.last_error = Some(why.clone());
        }
        self.retry.fail(why, self.now(), self.random());
    }

    /// Whether nothing failed but our patience, or what a client took with it that broke down: that it did is told at the next look.
    fn is_excused(&self, seen: Seen) -> bool {
        let is_over = || self.bus.as_ref().is_some_and(|bus| bus.is_over());
        self.link.is_stopping() || !matches!(seen, Seen::Refused(_)) && is_over()
    }

    /// Says what went wrong, in the words in which it is told.
    fn warn_of(&mut self, seen: Seen, why: &dyn Display) -> String {
        let why = self.place.target.redact(&why.to_string());
        // As long as the same goes wrong it is warned of once: a leaf that is cut off is asked every 3 s.
        let kind = kind(seen, &why);
        if self.warned.as_ref() == Some(&kind) {
            tracing::debug!(?seen, why, "delivery");
        } else {
            tracing::warn!(?seen, why, "delivery");
            self.warned = Some(kind);
        }
        why
    }
}

/// What went wrong, by which the same is known again: how long, how far and which event may be another each time.
fn kind(seen: Seen, why: &str) -> String {
    let words: String = why.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{seen:?}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Reason;

    #[test]
    fn the_same_trouble_is_known_again_and_another_is_not() {
        let cut_off = Seen::Refused(Reason::NoJetStream);
        assert_eq!(kind(cut_off, "no answer within 5s"), kind(cut_off, "no answer within 10s"));
        assert_ne!(kind(cut_off, "no answer"), kind(Seen::Failed, "no answer"));
        assert_ne!(kind(Seen::Failed, "no answer"), kind(Seen::Failed, "the connection is lost"));
    }
}

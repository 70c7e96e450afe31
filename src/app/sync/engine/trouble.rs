//! What goes wrong in delivery: seen by its machine, told in the log when it changes.

use super::super::SyncError;
use super::super::relay::Stop;
use super::Engine;
use crate::domain::delivery::Seen;

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Trouble with the bus is delivery's; trouble with the ledger is the caller's.
    pub(super) fn stopped(&mut self, stop: Stop) -> Result<(), SyncError> {
        match stop {
            Stop::Failed(SyncError::Bus(error)) => self.fail(error.seen(), error),
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
        let random = self.session.clock.new_id().as_u64_pair().1;
        self.delivery.see(seen, self.now(), random);
    }

    pub(super) fn fail(&mut self, seen: Seen, why: impl std::fmt::Display) {
        if self.link.is_stopping() {
            // Nothing failed but our patience.
            return;
        }
        if !matches!(seen, Seen::Refused(_)) && self.bus.as_ref().is_some_and(|bus| bus.is_over()) {
            // What a client took with it that broke down is no failure of its own: that it did is told at the next look.
            return;
        }
        let why = self.place.target.redact(&why.to_string());
        // As long as the same goes wrong it is warned of once: a leaf that is cut off is asked every 3 s.
        let kind = kind(seen, &why);
        if self.warned.as_ref() == Some(&kind) {
            tracing::debug!(?seen, why, "delivery");
        } else {
            tracing::warn!(?seen, why, "delivery");
            self.warned = Some(kind);
        }
        self.status.last_error = Some(why);
        self.see(seen);
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

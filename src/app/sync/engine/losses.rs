//! Connections that are lost: one that is lost again and again, with nothing done in between, is a failure as any other.

use super::{Engine, Retry, is_over};
use crate::domain::delivery::{Seen, State};

/// How many are lost in a row before that is said.
const MANY: u32 = 8;
/// How long after the last one, in microseconds, one more is the first of a new row.
const ROW_US: i64 = 600_000_000;

/// How often the connection was lost since something was done.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// How much was sent, and how far the way in had come, at the last one.
    mark: (u64, [u64; 3]),
    /// When that was.
    at: i64,
    count: u32,
}

impl Losses {
    /// Counts one more; whether there are too many.
    fn count(&mut self, mark: (u64, [u64; 3]), now: i64) -> bool {
        if mark != self.mark || is_over(self.at, ROW_US, now) {
            (self.mark, self.count) = (mark, 0);
        }
        self.at = now;
        self.count = self.count.saturating_add(1);
        self.are_many()
    }

    /// How many attempts failed, without what a lost connection took with it; not when there are too many.
    pub(super) const fn excuse(&self, attempts: u32) -> u32 {
        if self.are_many() { u32::MAX } else { attempts.saturating_sub(self.count) }
    }

    /// Whether there are too many.
    const fn are_many(&self) -> bool {
        self.count >= MANY
    }
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// The client made the connection again by itself.
    pub(super) fn count_loss(&mut self) {
        if self.losses.count((self.sent, self.progress.mark()), self.now()) {
            self.fail(Seen::Failed, "the connection is lost again and again, and nothing comes of it");
        }
    }

    /// Lets the connection go, so that the next step makes a new one. Requests have one of their own.
    pub(super) fn let_go(&mut self) {
        self.stop_way_in();
        self.retry = Retry::default();
        (self.bus, self.exchange, self.unanswered) = (None, None, 0);
        self.status.connected_since = None;
    }

    /// The client makes no connection any more.
    pub(super) fn break_down(&mut self) {
        self.let_go();
        if self.delivery.state() == State::Blocked {
            // What blocks it is told as before: it may be what the client broke down over.
            return self.see(Seen::Lost);
        }
        let many = self.losses.count((self.sent, self.progress.mark()), self.now());
        self.fail(Seen::Lost, "the connection broke down over what it could not read");
        if many {
            self.see(Seen::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_lost_in_vain_are_too_many_at_some_time() {
        let mut losses = Losses::default();
        let mut lost = |mark: u64| losses.count((0, [mark, 0, 0]), 0);
        assert!((1..MANY).all(|_| !lost(1)), "a few are no reason");
        assert!(lost(1));
        assert!(!lost(2), "something came in between");
    }

    #[test]
    fn an_attempt_that_a_lost_connection_took_with_it_counts_only_when_they_are_too_many() {
        let mut losses = Losses::default();
        assert_eq!(losses.excuse(2), 2);
        losses.count((0, [1, 0, 0]), 0);
        assert_eq!((losses.excuse(2), losses.excuse(0)), (1, 0));
        (1..MANY).for_each(|_| {
            losses.count((0, [1, 0, 0]), 0);
        });
        assert!(losses.excuse(1) >= 2);
    }

    #[test]
    fn a_connection_that_is_lost_now_and_then_is_not_lost_in_vain() {
        let mut losses = Losses::default();
        let mut lost = |at: i64| losses.count((0, [1, 0, 0]), at);
        assert!((1..100).all(|day| !lost(day * 86_400_000_000)), "nothing was to be done meanwhile");
        let mut soon = |minute: i64| lost(99 * 86_400_000_000 + minute * 60_000_000);
        assert!((1..7).all(|minute| !soon(minute)) && soon(7));
    }
}

//! Whether following the exchange comes to nothing: the client drops the connection over a message that it cannot read, or says
//! nothing of it, and comes back to it for ever.

use std::time::{Duration, Instant};

/// How often following may begin before something comes that was not there before.
const IN_VAIN: u32 = 2;
/// How long nothing may come while something is there.
const SILENCE: Duration = Duration::from_secs(5);

/// How far following has come, over all of its beginnings.
#[derive(Debug, Default)]
pub(in super::super) struct Doubt {
    /// The highest number of a message that came.
    received: u64,
    /// Up to where the cursor was written down.
    written: u64,
    /// How often it has begun since the last message that was new.
    in_vain: u32,
    /// Since when nothing came.
    since: Option<Instant>,
    /// How often reading one by one has failed since then.
    failed: u32,
}

impl Doubt {
    /// Following begins after a message, on an exchange whose last one is known. Whether it has begun so often for nothing that
    /// what comes next is to be read one by one.
    pub(super) fn begin(&mut self, after: u64, last: u64, now: Instant) -> bool {
        if after < self.written || last < self.received {
            // Somebody wants it read again, or it is another exchange.
            (self.received, self.in_vain) = (after, 0);
        }
        (self.written, self.since) = (after, Some(now));
        self.received = self.received.max(after);
        if last <= self.received {
            self.in_vain = 0;
            return false;
        }
        self.in_vain += 1;
        self.in_vain > IN_VAIN
    }

    /// Messages came, or were looked at, up to a number.
    pub(super) fn receive(&mut self, up_to: u64, now: Instant) {
        if up_to > self.received {
            (self.received, self.in_vain, self.failed) = (up_to, 0, 0);
        }
        self.since = Some(now);
    }

    /// Reading one by one failed: following is tried again.
    pub(super) fn fail(&mut self) {
        self.in_vain = 0;
        self.failed = self.failed.saturating_add(1);
    }

    /// How many messages are to be read one by one at a time: fewer after each time that it failed, for a slow line.
    pub(super) fn singly(&self, most: u64) -> u64 {
        most.checked_shr(self.failed).unwrap_or_default().max(1)
    }

    /// The cursor was written down.
    pub(super) fn write_down(&mut self, cursor: u64) {
        self.written = self.written.max(cursor);
    }

    /// Whether nothing has come for long though something is there; the next beginning reads it one by one.
    pub(super) fn is_stalled(&mut self, last: u64, now: Instant) -> bool {
        let silent = self.since.is_some_and(|since| now.saturating_duration_since(since) >= SILENCE);
        let stalled = silent && last > self.received;
        if stalled {
            self.in_vain = IN_VAIN;
        }
        stalled
    }

    /// The highest number of a message that came.
    pub(in super::super) const fn received(&self) -> u64 {
        self.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_next_is_looked_at_when_following_began_twice_for_nothing() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        let begun = |doubt: &mut Doubt| [(); 4].map(|()| doubt.begin(3, 9, now));
        assert_eq!(begun(&mut doubt), [false, false, true, true]);
        // What was held back for its signature comes again, and is nothing new.
        doubt.receive(7, now);
        assert_eq!(begun(&mut doubt), [false, false, true, true]);
        doubt.receive(7, now);
        assert!(doubt.begin(3, 9, now));
    }

    #[test]
    fn where_nothing_is_to_come_nothing_is_in_vain() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        doubt.receive(9, now);
        assert_eq!([(); 5].map(|()| doubt.begin(9, 9, now)), [false; 5]);
        assert!(!doubt.is_stalled(9, now + SILENCE));
    }

    #[test]
    fn what_is_read_again_is_new_again() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        assert!(!doubt.begin(2, 9, now));
        doubt.receive(9, now);
        // It is not written down what is only our own: that comes again, and is nothing new.
        assert_eq!([(); 3].map(|()| doubt.begin(2, 9, now)), [false; 3]);
        doubt.write_down(9);
        assert_eq!([(); 3].map(|()| doubt.begin(2, 9, now)), [false, false, true]);
        // Another exchange has fewer.
        assert_eq!([(); 3].map(|()| doubt.begin(2, 1, now)), [false; 3]);
    }

    #[test]
    fn following_is_tried_again_when_reading_one_by_one_failed() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        let begun = |doubt: &mut Doubt| [(); 3].map(|()| doubt.begin(3, 9, now));
        assert_eq!((begun(&mut doubt), doubt.singly(16)), ([false, false, true], 16));
        doubt.fail();
        assert_eq!((begun(&mut doubt), doubt.singly(16)), ([false, false, true], 8));
        (0..99).for_each(|_| doubt.fail());
        assert_eq!(doubt.singly(16), 1);
        doubt.receive(4, now);
        assert_eq!(doubt.singly(16), 16);
    }

    #[test]
    fn silence_counts_only_where_something_is_there() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        assert!(!doubt.begin(3, 9, now) && !doubt.is_stalled(9, now));
        assert!(!doubt.is_stalled(3, now + SILENCE) && doubt.is_stalled(9, now + SILENCE));
        assert!(doubt.begin(3, 9, now), "it is looked at next");
        doubt.receive(4, now + SILENCE);
        assert!(!doubt.is_stalled(9, now + SILENCE));
    }
}

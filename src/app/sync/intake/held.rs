//! Messages that came and wait in memory for the one that signs for them: what nobody has signed for cannot enter the log,
//! and would have to wait in a table.

use std::time::{Duration, Instant};

use super::CHUNK;
use crate::bus::Message;
use crate::bus::publish::BATCH_BYTES;

/// How long messages wait; then they are taken in as they are.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many wait at most, and how many bytes of them: two batches.
const MOST: usize = 2 * CHUNK;
const MOST_BYTES: usize = 2 * BATCH_BYTES;

/// Messages that came, the last of which nobody has signed for yet, and since when they wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    messages: Vec<Message>,
    since: Option<Instant>,
}

impl Held {
    /// Lets go of all of them.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes new ones in and gives those up to the last that is signed for. All when no more came, or too much for the memory,
    /// or nobody signs. That none was pending says little: a batch is delivered while it is stored.
    pub(super) fn whole_batches(&mut self, new: Vec<Message>, now: Instant) -> Vec<Message> {
        let quiet = new.is_empty();
        self.messages.extend(new);
        let bytes: usize = self.messages.iter().map(|message| message.body.len()).sum();
        let too_long = self.since.is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE);
        let whole = if quiet || too_long || self.messages.len() >= MOST || bytes >= MOST_BYTES {
            self.messages.len()
        } else {
            self.messages.iter().rposition(Message::is_signed).map_or(0, |last| last + 1)
        };
        let rest = self.messages.split_off(whole);
        self.since = if rest.is_empty() { None } else { self.since.or(Some(now)) };
        std::mem::replace(&mut self.messages, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many messages of so many bytes, of which those of the given numbers are signed for.
    fn messages(count: usize, bytes: usize, signed: &[usize]) -> Vec<Message> {
        (0..count).map(|number| Message::plain(vec![b' '; bytes], signed.contains(&number))).collect()
    }

    fn given(held: &mut Held, new: Vec<Message>, now: Instant) -> usize {
        held.whole_batches(new, now).len()
    }

    #[test]
    fn what_is_signed_for_is_given_and_the_rest_waits_for_its_signature() {
        let (mut held, now) = (Held::default(), Instant::now());
        assert_eq!(given(&mut held, messages(5, 10, &[0, 2]), now), 3);
        assert_eq!(given(&mut held, messages(3, 10, &[]), now), 0);
        assert_eq!(given(&mut held, messages(2, 10, &[1]), now), 7);
        assert_eq!(given(&mut held, Vec::new(), now), 0);
    }

    #[test]
    fn all_are_given_when_no_more_come() {
        let (mut held, now) = (Held::default(), Instant::now());
        assert_eq!(given(&mut held, messages(4, 10, &[]), now), 0);
        assert_eq!(given(&mut held, Vec::new(), now), 4);
    }

    #[test]
    fn they_wait_no_longer_than_patience_however_many_still_come() {
        let (mut held, now) = (Held::default(), Instant::now());
        assert_eq!(given(&mut held, messages(1, 10, &[]), now), 0);
        assert_eq!(given(&mut held, messages(1, 10, &[]), now + PATIENCE / 2), 0);
        assert_eq!(given(&mut held, messages(1, 10, &[]), now + PATIENCE), 3);
        // Those that come then have not waited yet.
        assert_eq!(given(&mut held, messages(1, 10, &[]), now + PATIENCE), 0);
    }

    #[test]
    fn no_more_wait_than_two_batches_hold() {
        let (mut held, now) = (Held::default(), Instant::now());
        assert_eq!(given(&mut held, messages(MOST - 1, 1, &[]), now), 0);
        assert_eq!(given(&mut held, messages(1, 1, &[]), now), MOST);
        assert_eq!(given(&mut held, messages(1, MOST_BYTES - 1, &[]), now), 0);
        assert_eq!(given(&mut held, messages(1, 1, &[]), now), 2);
    }

    #[test]
    fn what_is_forgotten_does_not_come_back() {
        let (mut held, now) = (Held::default(), Instant::now());
        assert_eq!(given(&mut held, messages(3, 10, &[]), now), 0);
        held.forget();
        assert_eq!(given(&mut held, messages(1, 10, &[0]), now + PATIENCE), 1);
    }
}

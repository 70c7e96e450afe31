//! The thread that takes in what others send, beside the engine: how it begins, what its end means, and when it begins again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use super::super::SyncError;
use super::super::intake::{self, Ended};
use super::Engine;
use crate::bus::{Bus, Exchange};
use crate::domain::delivery::{LONGEST_PAUSE_US, Seen, State, pause_us};

/// After how many failures in a row whoever waits for the end gives up: after two, what is there is read in another way.
const GIVEN_UP: u32 = 4;

/// How often what others sent could not be read, and when that is tried again. Sending does not wait for it.
#[derive(Debug, Default)]
pub(super) struct Retry {
    /// How often in a row.
    failed: u32,
    /// When it is tried again, in microseconds since 1970 UTC; none while it is being tried.
    again: Option<i64>,
    /// Why, the last time.
    why: Option<String>,
}

impl Retry {
    /// It failed; the pauses grow.
    pub(super) fn fail(&mut self, why: String, now: i64, random: u64) {
        self.again = Some(now.saturating_add(pause_us(self.failed, random)));
        self.failed = self.failed.saturating_add(1);
        self.why = Some(why);
    }

    /// Whether it is waited for, or what is waited for has come.
    const fn is_waiting(&self, now: i64) -> bool {
        // No pause is longer: a longer one began by a clock that was ahead and has been set since.
        matches!(self.again, Some(again) if now < again && again <= now.saturating_add(LONGEST_PAUSE_US))
    }

    /// It is tried at once.
    pub(super) const fn try_now(&mut self) {
        self.again = None;
    }

    /// When it is tried again, in microseconds since 1970 UTC; none when nothing failed.
    pub(super) const fn next_attempt(&self) -> Option<i64> {
        self.again
    }

    /// Why it failed last; none when all was read since.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Whether whoever waits for the end gives up.
    pub(super) const fn is_given_up(&self) -> bool {
        self.failed >= GIVEN_UP
    }
}

/// The thread, and what asks it to end.
pub(super) struct WayIn<'scope> {
    stop: Arc<AtomicBool>,
    thread: ScopedJoinHandle<'scope, Ended>,
}

impl WayIn<'_> {
    /// Whether the thread came to its end.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    pub(super) fn start_way_in(
        &mut self,
        scope: &'scope thread::Scope<'scope, 'env>,
        bus: Arc<Bus>,
        exchange: Exchange,
    ) {
        if self.retry.is_waiting(self.now()) {
            return;
        }
        self.retry.try_now();
        let stop = Arc::new(AtomicBool::new(false));
        // Not left to the thread: until it begins, nothing is known of what came meanwhile.
        self.progress.caught_up.store(false, Ordering::Release);
        let (session, place) = (self.session, Arc::clone(&self.place));
        let (progress, stopping) = (self.progress.clone(), stop.clone());
        // By its name it is known that a panic of it is taken up here.
        let thread = thread::Builder::new()
            .name("way-in".to_owned())
            .spawn_scoped(scope, move || intake::run((session, &place), (&bus, &exchange), &progress, &stopping));
        match thread {
            Ok(thread) => self.way_in = Some(WayIn { stop, thread }),
            Err(error) => self.fail_to_read(error),
        }
    }

    /// Forgets what failed once all is read, and begins again when a pause is over.
    pub(super) fn read_again(&mut self) {
        if self.way_in.is_some() {
            if self.retry.failed > 0 && self.progress.caught_up.load(Ordering::Acquire) {
                if self.status.last_error == self.retry.why {
                    self.status.last_error = None;
                }
                self.retry = Retry::default();
            }
            return;
        }
        let is_sending = matches!(self.delivery.state(), State::CatchingUp | State::Live);
        if is_sending && self.retry.failed > 0 && !self.retry.is_waiting(self.now()) {
            // The exchange may be another by now: what it holds is asked first.
            self.see(Seen::Connected);
        }
    }

    pub(super) fn stop_way_in(&mut self) {
        if let Some(way_in) = &self.way_in {
            way_in.stop.store(true, Ordering::Relaxed);
        }
        if self.way_in.is_some() {
            self.end_way_in();
        }
    }

    pub(super) fn end_way_in(&mut self) {
        let Some(way_in) = self.way_in.take() else { return };
        let ended = way_in.thread.join();
        self.progress.caught_up.store(false, Ordering::Release);
        match ended {
            Ok(Ended::Stopped) => {}
            Ok(Ended::Failed(SyncError::Bus(error))) if error.seen() != Seen::Failed => self.fail_on_bus(&error),
            Ok(Ended::Failed(error)) => self.fail_to_read(error),
            // As after every new connection, the next step is to ask.
            Ok(Ended::Ahead) => self.see(Seen::Connected),
            Ok(Ended::Refused(reason)) => {
                self.fail(Seen::Refused(reason), "the exchange holds other events under this origin's name");
            }
            Err(_) => self.fail_to_read("the way in broke down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_tried_again_after_pauses_that_grow() {
        let mut retry = Retry::default();
        assert!(!retry.is_waiting(0) && !retry.is_given_up());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            retry.fail("no answer".to_owned(), 0, 0);
            pauses.push(retry.next_attempt().unwrap());
        }
        assert!(pauses.is_sorted() && pauses[0] < 250_000 && pauses[11] == LONGEST_PAUSE_US / 2, "{pauses:?}");
        assert!(retry.is_given_up() && retry.why() == Some("no answer"));
        assert!(retry.is_waiting(pauses[11] - 1) && !retry.is_waiting(pauses[11]));
        retry.try_now();
        assert!(!retry.is_waiting(0) && retry.is_given_up());
    }

    #[test]
    fn a_clock_that_was_ahead_makes_no_pause_longer() {
        let mut retry = Retry::default();
        retry.fail("no answer".to_owned(), 86_400_000_000, 0);
        assert!(!retry.is_waiting(0));
    }
}

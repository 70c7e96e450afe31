//! The thread that takes in what others send, beside the engine: how it begins, and what its end means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use super::super::SyncError;
use super::super::intake::{self, Ended};
use super::Engine;
use crate::bus::{Bus, Exchange};
use crate::domain::delivery::Seen;

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
            Err(error) => self.fail(Seen::Failed, error),
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
        match way_in.thread.join() {
            Ok(Ended::Stopped) => {}
            Ok(Ended::Failed(SyncError::Bus(error))) => self.fail(error.seen(), error),
            Ok(Ended::Failed(error)) => self.fail(Seen::Failed, error),
            // As after every new connection, the next step is to ask.
            Ok(Ended::Ahead) => self.see(Seen::Connected),
            Ok(Ended::Refused(reason)) => {
                self.fail(Seen::Refused(reason), "the exchange holds other events under this origin's name");
            }
            Err(_) => self.fail(Seen::Failed, "the way in broke down"),
        }
    }
}

//! What others erased goes from the read model and the files beside the engine, whether there is a connection or not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use super::super::super::Session;

/// How often it is looked whether it is the turn of an erasure.
const LOOK: Duration = Duration::from_secs(1);

/// The same after one failed.
const AGAIN: Duration = Duration::from_secs(10);

/// Goes on with erasures in their turn until all is over, on a thread of its own.
pub(super) fn begin<'scope, 'env: 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    session: &'env Session,
    (over, stop): (&'scope AtomicBool, &'env AtomicBool),
) -> Option<ScopedJoinHandle<'scope, ()>> {
    // By its name it is known that a panic of it is taken up here.
    let thread = thread::Builder::new().name("eraser".to_owned());
    let begun = thread.spawn_scoped(scope, move || go_on(session, over, stop));
    begun.inspect_err(|error| tracing::warn!(%error, "what others erased waits for the next opening")).ok()
}

fn go_on(session: &Session, over: &AtomicBool, stop: &AtomicBool) {
    let mut look_at = Instant::now();
    while !over.load(Ordering::Acquire) {
        if !stop.load(Ordering::Relaxed) && Instant::now() >= look_at {
            let look = || session.store.go_on_with_erasure_in_turn(session.clock.now(), stop);
            let went = catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
                tracing::error!("an erasure broke down; it is tried again when it is its turn");
                false
            });
            look_at = Instant::now() + if went { LOOK } else { AGAIN };
        }
        thread::park_timeout(LOOK);
    }
}

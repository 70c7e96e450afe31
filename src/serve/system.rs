//! What the service manager is told: ready, still alive, stopping. Without one, nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// Says that everything has started.
pub(super) fn ready(say: &dyn Fn(String)) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        say(format!("the service manager does not listen: {error}"));
    }
}

/// Says that it is still alive as often as the service manager wants it, until it is to stop; looks at something else as often.
pub(super) fn guard(stop: &AtomicBool, look: &dyn Fn()) {
    // Twice as often as it is asked for, as systemd advises.
    let pause = sd_notify::watchdog_enabled().map(|longest| longest / 2);
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if pause.is_some_and(|pause| last.elapsed() >= pause) {
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
            last = Instant::now();
        }
        look();
        std::thread::sleep(NAP);
    }
}

/// Says that it is ending.
pub(super) fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

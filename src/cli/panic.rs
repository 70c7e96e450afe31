//! What is said when the program itself is wrong: what to report, and a code of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::Kind;
use super::printer;

/// Threads on whose end somebody waits who makes an error of a panic: the bus answers who asked, the ledger tells whoever
/// wanted something of it, and the interface ends.
const WAITED_FOR: [&str; 9] =
    ["bus", "ledger-writer", "ledger-gatherer", "way-in", "eraser", "keys", "signals", "reader", "scan"];

static TOLD: AtomicBool = AtomicBool::new(false);

/// From here on, a panic in any thread says what to report. It ends the program unless somebody takes it up.
pub(super) fn say_what_to_report() {
    std::panic::set_hook(Box::new(|info| {
        TOLD.store(true, Ordering::SeqCst);
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let what = info.payload_as_str().unwrap_or("without a message");
        printer::aside(&format!(
            "error: cim-nix {} made a mistake{place}: {what}\n\
             hint: please report this line with the command you ran; what the ledger has acknowledged is stored",
            env!("CARGO_PKG_VERSION"),
        ));
        let thread = std::thread::current();
        tracing::error!(thread = thread.name(), place = place.trim_start(), what, "a mistake in cim-nix");
        if !is_taken_up(thread.name(), rayon::current_thread_index().is_some()) {
            signal_hook::low_level::exit(i32::from(Kind::Internal.code()));
        }
    }));
}

/// Whether a panic was told: a command that fails afterwards fails for that.
pub(super) fn was_told() -> bool {
    TOLD.load(Ordering::SeqCst)
}

/// Whether somebody makes an error of a panic on a thread of this name. A worker of a pool hands it to whoever gave it the work.
fn is_taken_up(thread: Option<&str>, is_worker: bool) -> bool {
    is_worker || thread.is_some_and(|name| WAITED_FOR.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_program_unless_somebody_waits_who_makes_an_error_of_it() {
        for thread in WAITED_FOR {
            assert!(is_taken_up(Some(thread), false), "{thread}");
        }
        assert!(is_taken_up(None, true), "the main thread gets what a worker was at");
        for thread in [Some("main"), Some("ledger-mover"), Some("exchange"), None] {
            assert!(!is_taken_up(thread, false), "{thread:?}: nobody would miss it");
        }
    }

    #[test]
    fn a_release_unwinds() {
        assert!(include_str!("../../Cargo.toml").contains("panic = \"unwind\""), "nobody takes up what aborts");
    }
}

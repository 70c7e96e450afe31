//! Ctrl-C: the first asks for an orderly end and says so, the second ends at once. The ledger is whole either way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::failure::{Failure, Kind};
use super::printer;

/// Makes a limit on the size of files an error of the write that meets it: by default the system ends the program there,
/// without a word.
pub(crate) fn survive_size_limits() {
    // Without the handler everything else works as well.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop).unwrap_or_default();
}

/// A flag that Ctrl-C, a hang-up or a request to end sets.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::internal)?;
    let told = Arc::clone(&stop);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if told.swap(true, Ordering::SeqCst) {
                signal_hook::low_level::exit(i32::from(Kind::Interrupted.code()));
            }
            printer::aside("stopping: what is begun is finished; press Ctrl-C again to stop at once");
        }
    });
    Ok(stop)
}

//! What is said when the program itself is wrong: what to report, and a code of its own.

use super::failure::Kind;
use super::printer;

/// From here on, a panic in any thread says what to report and ends the program.
pub(super) fn say_what_to_report() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let what = info.payload_as_str().unwrap_or("without a message");
        printer::aside(&format!(
            "error: cim-nix {} made a mistake{place}: {what}\n\
             hint: please report this line with the command you ran; what the ledger has acknowledged is stored",
            env!("CARGO_PKG_VERSION"),
        ));
        signal_hook::low_level::exit(i32::from(Kind::Internal.code()));
    }));
}

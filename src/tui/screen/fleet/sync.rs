//! Where this machine's synchronisation stands, in the details of the machine: its state, since when, what it lacks, what went
//! wrong last, and what to do.

use ratatui::style::Style;

use crate::app::sync::engine;
use crate::tui::model::Sync;
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::text::count;
use crate::tui::widget::sheet::Sheet;

/// Adds it to the details.
pub(super) fn draw(sheet: &mut Sheet, sync: Option<&Sync>, shared: &Shared) {
    let (theme, plain) = (shared.theme, Style::new());
    sheet.heading("Synchronisation");
    let Some(sync) = sync else {
        sheet.field("state", "off", theme.quiet());
        sheet.field("to do", "`cim-nix sync enable` takes part; nothing is shared before", plain);
        return;
    };
    let style = match sync.state.as_str() {
        "blocked" => theme.error(),
        "live" if sync.last_error.is_none() => theme.good(),
        "live" | "backoff" | "open" => theme.warning(),
        _ => plain,
    };
    let reason = sync.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    sheet.field("state", &format!("{}{reason}", sync.state), style);
    let since = sync.connected_since.map_or_else(
        || "not connected".to_owned(),
        |since| format!("{}, {}", moment::long(since), moment::ago(shared.now, since)),
    );
    sheet.field("since", &since, plain);
    sheet.field("server", sync.server.as_deref().unwrap_or("none was reached"), plain);
    let style = if sync.backlog > 0 { theme.warning() } else { plain };
    sheet.field("backlog", &count(sync.backlog, "event"), style);
    if let Some(error) = &sync.last_error {
        sheet.field("error", error, theme.error());
    }
    if let Some(next) = next_step(sync) {
        sheet.field("to do", &next, plain);
    }
}

/// What is to be done, and by whom; none where all is well.
fn next_step(sync: &Sync) -> Option<String> {
    match sync.state.as_str() {
        "blocked" => sync.reason.as_deref().and_then(engine::hint).map(str::to_owned),
        "live" if sync.last_error.is_none() => None,
        "live" | "backoff" | "open" => Some(sync.next_attempt_at.map_or_else(
            || "nothing: it is tried again".to_owned(),
            |next| format!("nothing: it is tried again at {}", moment::long(next)),
        )),
        "offline" => {
            Some("nobody delivers now: `cim-nix sync now` does it once, `cim-nix serve` all the time".to_owned())
        }
        _ => None,
    }
}

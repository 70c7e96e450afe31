//! `store erase`: blank the payload of one event.

use std::process::ExitCode;

use serde::Serialize;

use crate::app::upkeep;
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

#[derive(Debug, clap::Args)]
pub(super) struct Erase {
    /// Its id, or `#` and its position
    #[arg(value_name = "EVENT")]
    event: String,
    /// Why; this is recorded
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do it: what is erased cannot be brought back
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let session = context.session()?;
        let event = upkeep::event(&session, &self.event)?;
        if !self.yes {
            let what = format!("this would blank #{} ({}) for ever", event.position, event.kind);
            return Err(Failure::new(Kind::Refused, what)
                .hinted(format!("`cim-nix event show '#{}'` shows it", event.position))
                .hinted("repeat with `--yes` to do it; backups and exports made before still hold it"));
        }
        let erased = upkeep::erase(&session, event.event_id, &self.reason)?;
        let upkeep::Erased { position, complete, failed, all_edits } = erased;
        // The next step that the error names is not to be taken: the same again is refused.
        let failed = failed.and_then(|error| Failure::from(error).lines().next());
        let erased = Erased { event: event.position, recorded: position, complete, failed, all_edits };
        context.printer.answer(&erased)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/store-erase/1`.
#[derive(Debug, Serialize)]
struct Erased {
    /// The position of the event that is blank now.
    event: i64,
    /// The position of the event that says so.
    recorded: Option<i64>,
    /// Whether the bytes are gone from the files already.
    complete: bool,
    /// Why they are not, when that failed; null as well when something else reads the database.
    failed: Option<String>,
    /// Whether what every edit replaced went with it, as it is not recorded where the event's flake was.
    all_edits: bool,
}

impl Single for Erased {
    const NAME: &'static str = "store-erase";

    fn cells(&self) -> Vec<String> {
        let recorded = self.recorded.map(|position| position.to_string()).unwrap_or_default();
        [self.event.to_string(), recorded, self.complete.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(format!("event #{} is blank; backups and exports made before still hold it", self.event));
        if self.all_edits {
            page.line(
                "it is not recorded any more where its flake was: `undo` has no text of any edit, wherever that was",
            );
        }
        match &self.failed {
            Some(why) => page.line(format!(
                "it has yet to leave the read model and the files ({why}): the next command that writes, as `cim-nix scan`, goes \
                 on with that once it can"
            )),
            None if self.complete => {}
            None => page.line("something else reads the database: its bytes leave the file when it is opened next"),
        }
    }
}

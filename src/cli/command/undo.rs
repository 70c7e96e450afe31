//! `undo`: take an edit of a flake back.

use std::process::ExitCode;

use uuid::Uuid;

use super::Run;
use super::flake::edit::{Desk, How, Words, finish};
use crate::app::edit::{self, EditFailure};
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Take back the last edit of a flake that a command made
///
/// The text that was there before is written again, when nothing else happened to the file since. Repeated, it takes back
/// the edit before. Texts are kept for 90 days, on this machine alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The command whose edit to take back; the last one when absent
    #[arg(value_name = "COMMAND-ID")]
    command: Option<Uuid>,
    #[command(flatten)]
    how: How,
}

impl Run for Undo {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let desk = Desk::open(context, false)?;
        let session = desk.session.as_ref().ok_or(EditFailure::NothingToUndo)?;
        let draft = edit::undo(session, self.command)?;
        let what = format!("`{}`", draft.path.display());
        let words = Words {
            done: format!("took back an edit of {what}"),
            planned: format!("would take back an edit of {what}"),
        };
        finish(context, &desk, &draft, &self.how, &words, None)?;
        Ok(ExitCode::SUCCESS)
    }
}

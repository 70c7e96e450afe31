//! `system`: the NixOS of this machine.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

mod history;
mod status;

/// The NixOS of this machine: what runs, and what ran before
#[derive(Debug, clap::Args)]
pub(crate) struct System {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show what runs, what the next boot brings, and whether that is what the locks say now
    ///
    /// Looks at the links that NixOS leaves behind; Nix is not needed. What the locks say is what the last scan saw.
    Status,
    /// Show which generation was the current one from when until when
    ///
    /// Scans record the generations of this machine; those that were deleted before the first scan are not known.
    History,
}

impl Run for System {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.question {
            Question::Status if context.global.at.is_some() => {
                return Err(Failure::new(Kind::Usage, "what runs is what runs now: `--at` means nothing to it")
                    .hinted("`cim-nix system history` tells what was current before"));
            }
            Question::Status => status::run(context)?,
            Question::History => history::run(context)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

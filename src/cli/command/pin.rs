//! `pin`: what is pinned without a flake.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod list;

/// Sources that are pinned without a flake: by npins, by niv, and as channels
#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every pin, by file and name
    ///
    /// A scan reads `npins/sources.json`, `nix/sources.json` of niv and `.nix-channels` below the roots, and the channels that
    /// are installed on this machine.
    List,
}

impl Run for Pin {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let Question::List = self.question;
        list::run(context)?;
        Ok(ExitCode::SUCCESS)
    }
}

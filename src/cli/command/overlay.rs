//! `overlay`: the Nix files that are overlays.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod list;

/// The overlays among the Nix files
#[derive(Debug, clap::Args)]
pub(crate) struct Overlay {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every overlay with the names that it adds or changes
    ///
    /// A scan tells an overlay by its shape, `final: prev: { … }`; one that is written inside `flake.nix` is not among them.
    List,
}

impl Run for Overlay {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let Question::List = self.question;
        list::run(context)?;
        Ok(ExitCode::SUCCESS)
    }
}

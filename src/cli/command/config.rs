//! `config`: the configurations that flakes have.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod list;
mod show;

/// The configurations of NixOS, nix-darwin and Home Manager that flakes have
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every configuration, by name
    List,
    /// Show one configuration: its modules, users and services
    ///
    /// A scan reads the modules that are written in `flake.nix`, and follows those that it names by a literal path and that they
    /// import so. What it did not look into is listed as unknown.
    Show(show::Show),
}

impl Run for Config {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.question {
            Question::List => list::run(context)?,
            Question::Show(show) => show.run(context)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

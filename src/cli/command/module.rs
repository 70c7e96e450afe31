//! `module`: the Nix files that are modules.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod list;
mod options;

/// The modules among the Nix files, and the options that they declare and define
#[derive(Debug, clap::Args)]
pub(crate) struct Module {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every module, by file
    ///
    /// A scan tells a module by its shape: no file is evaluated, and only what is written out is told.
    List(list::List),
    /// Show which module declares or defines which option
    ///
    /// Who sets services.nginx.enable in any of my flakes? `cim-nix module options --option services.nginx.enable`
    Options(options::Options),
}

impl Run for Module {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.question {
            Question::List(list) => list.run(context)?,
            Question::Options(options) => options.run(context)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `problem`: what is wrong with the files.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod list;

/// What is wrong with the files of flakes
#[derive(Debug, clap::Args)]
pub(crate) struct Problem {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every problem that is open, as the last scan saw it
    ///
    /// These are the problems of files that could be read. What a scan cannot get at all, such as a directory that this
    /// user may not read, is no fact about a flake and told by that scan alone.
    List(list::List),
}

impl Run for Problem {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let Question::List(list) = self.question;
        list.run(context)?;
        Ok(ExitCode::SUCCESS)
    }
}

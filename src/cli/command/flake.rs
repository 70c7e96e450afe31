//! `flake`: what is known of flakes; one file for each question.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod duplicates;
mod graph;
mod history;
mod inputs;
mod list;
mod show;

/// What is known of flakes
#[derive(Debug, clap::Args)]
pub(crate) struct Flake {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show every flake
    List(list::List),
    /// Show one flake: what it is, gives and lacks
    Show(Which),
    /// Show the inputs of a flake, with what the lock makes of them
    Inputs(Which),
    /// Show how the locked inputs of a flake changed, as scans and git tell it
    History(history::History),
    /// Show the sources that locks hold more than once
    Duplicates(duplicates::Duplicates),
    /// Show the locked inputs of a flake as a graph
    Graph(graph::Graph),
}

/// One flake.
#[derive(Debug, clap::Args)]
struct Which {
    /// A path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE", default_value = ".")]
    flake: OsString,
}

impl Run for Flake {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.question {
            Question::List(list) => list.run(context),
            Question::Show(which) => show::run(&which, context),
            Question::Inputs(which) => inputs::run(&which, context),
            Question::History(history) => history.run(context),
            Question::Duplicates(duplicates) => duplicates.run(context),
            Question::Graph(graph) => graph.run(context),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

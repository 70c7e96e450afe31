//! `flake`: what is known of flakes, and edits of them; one file for each question.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod duplicates;
pub(super) mod edit;
mod graph;
mod history;
mod inputs;
mod list;
mod show;

/// What is known of flakes, and edits of their inputs
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
    /// Add an input to a flake
    AddInput(edit::inputs::AddInput),
    /// Remove an input from a flake
    RemoveInput(edit::inputs::RemoveInput),
    /// Take an input of a flake from elsewhere
    SetUrl(edit::inputs::SetUrl),
    /// Make an input of an input follow another one
    Follow(edit::inputs::Follow),
    /// Let an input of an input follow no other one
    Unfollow(edit::inputs::Unfollow),
    /// Make inputs of inputs follow this flake's own, so that the lock holds each source once
    Dedupe(edit::dedupe::Dedupe),
    /// Lock the newest of the inputs, by the real Nix
    Update(edit::update::Update),
    /// Make a new flake in a directory
    New(edit::new::New),
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
            Question::AddInput(add) => add.run(context),
            Question::RemoveInput(remove) => remove.run(context),
            Question::SetUrl(set) => set.run(context),
            Question::Follow(follow) => follow.run(context),
            Question::Unfollow(unfollow) => unfollow.run(context),
            Question::Dedupe(dedupe) => dedupe.run(context),
            Question::Update(update) => update.run(context),
            Question::New(new) => new.run(context),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

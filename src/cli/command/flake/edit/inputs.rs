//! `flake add-input`, `remove-input`, `set-url`, `follow` and `unfollow`: one operation each.

use super::{Desk, Options, Words, finish, refuse_past};
use crate::app::edit::{self, Operation};
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// An input to add.
#[derive(Debug, clap::Args)]
pub(in super::super) struct AddInput {
    /// The name of the new input
    #[arg(value_name = "NAME")]
    name: String,
    /// Where it comes from: a flake reference, as in `github:owner/repo`
    #[arg(value_name = "URL")]
    url: String,
    /// It is a plain source tree and no flake
    #[arg(long)]
    no_flake: bool,
    #[command(flatten)]
    options: Options,
}

/// An input to remove.
#[derive(Debug, clap::Args)]
pub(in super::super) struct RemoveInput {
    /// The name of the input
    #[arg(value_name = "NAME")]
    name: String,
    /// Also remove what makes inputs of other inputs follow it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: Options,
}

/// An input to take from elsewhere.
#[derive(Debug, clap::Args)]
pub(in super::super) struct SetUrl {
    /// The name of the input
    #[arg(value_name = "NAME")]
    name: String,
    /// Where it comes from: a flake reference, as in `github:owner/repo`
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    options: Options,
}

/// An input of an input to make follow another.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Follow {
    /// The input of an input, as in `nixvim/nixpkgs`
    #[arg(value_name = "INPUT")]
    input: String,
    /// The input that it follows, as in `nixpkgs`; an empty text means the flake itself
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    options: Options,
}

/// An input of an input that follows another.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Unfollow {
    /// The input of an input, as in `nixvim/nixpkgs`
    #[arg(value_name = "INPUT")]
    input: String,
    #[command(flatten)]
    options: Options,
}

impl AddInput {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let words = Words::of(("added", "add"), &format!("the input `{}`", self.name));
        let operation = Operation::AddInput { name: self.name, url: self.url, flake: !self.no_flake };
        run("add_input", operation, &self.options, &words, context)
    }
}

impl RemoveInput {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let words = Words::of(("removed", "remove"), &format!("the input `{}`", self.name));
        let operation = Operation::RemoveInput { name: self.name, force: self.force };
        run("remove_input", operation, &self.options, &words, context)
    }
}

impl SetUrl {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let words = Words::of(("set", "set"), &format!("the URL of `{}` to `{}`", self.name, self.url));
        let operation = Operation::SetUrl { name: self.name, url: self.url };
        run("set_url", operation, &self.options, &words, context)
    }
}

impl Follow {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let target = if self.target.is_empty() { "the flake itself".to_owned() } else { format!("`{}`", self.target) };
        let words = Words::of(("made", "make"), &format!("`{}` follow {target}", self.input));
        let operation = Operation::Follow { path: self.input, target: self.target };
        run("follow", operation, &self.options, &words, context)
    }
}

impl Unfollow {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let words = Words::of(("made", "make"), &format!("`{}` follow no other input", self.input));
        run("unfollow", Operation::Unfollow { path: self.input }, &self.options, &words, context)
    }
}

fn run(
    name: &'static str,
    operation: Operation,
    options: &Options,
    words: &Words,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    refuse_past(context)?;
    let draft = edit::draft(&options.flake(context), name, &[operation])?;
    let desk = Desk::open(context, options.how.dry_run)?;
    finish(context, &desk, &draft, &options.how, words, None)
}

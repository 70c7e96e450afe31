//! `hook`: print what makes a repository or a shell record itself.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use super::Run;
use crate::app::hook;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// Print what makes a repository or a shell record itself
///
/// Nothing is installed: the text says how to. What it runs is quiet and in the background, so that neither git nor
/// the shell ever waits or fails because of the ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Hook {
    #[command(subcommand)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Place {
    /// For git: after commit, merge and checkout
    Git,
    /// For a shell: after `nix flake` changed something
    Shell {
        /// The shell; that of `$SHELL` when it is left out
        #[arg(long, value_enum, value_name = "SHELL")]
        shell: Option<Shell>,
    },
}

/// The shells that there is a text for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// GNU bash
    Bash,
    /// The Z shell
    Zsh,
    /// fish
    Fish,
}

impl Run for Hook {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let text = match self.place {
            Place::Git => hook::GIT,
            Place::Shell { shell } => hook::shell(match shell.map_or_else(of_the_user, Ok)? {
                Shell::Bash => hook::Shell::Bash,
                Shell::Zsh => hook::Shell::Zsh,
                Shell::Fish => hook::Shell::Fish,
            }),
        };
        context.printer.text(text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn of_the_user() -> Result<Shell, Failure> {
    let shell = std::env::var("SHELL").unwrap_or_default();
    let name = shell.rsplit('/').next().unwrap_or_default();
    <Shell as ValueEnum>::from_str(name, false).map_err(|_| {
        Failure::new(Kind::Refused, format!("there is no text for the shell `{shell}`"))
            .hinted("name one, as in `cim-nix hook shell --shell bash`")
    })
}

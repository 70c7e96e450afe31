//! `util`: what packagers, shells and documentation need, made from the same tables as the program.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use super::Run;
use crate::cli::args::{Args, Format};
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod cli_reference;
mod event_schema;
mod lint_reference;
mod man;
mod settings_reference;
mod sql_schema;
mod wire_schema;

/// Completions, manual pages and references
#[derive(Debug, clap::Args)]
pub(crate) struct Util {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a directory
    Man {
        /// The directory; it is made when it is not there
        #[arg(value_name = "DIRECTORY")]
        directory: Option<PathBuf>,
    },
    /// Describe the views for SQL, in Markdown or JSON
    SqlSchema,
    /// Describe every command, in Markdown
    CliReference,
    /// Describe every event, in Markdown or JSON
    EventSchema,
    /// Describe every rule of `check`, in Markdown
    LintReference,
    /// Describe every setting, in Markdown
    SettingsReference,
    /// Describe what goes over NATS, in Markdown or JSON
    WireSchema,
}

impl Run for Util {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let json = context.printer.format() == Format::Json;
        match self.what {
            What::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Args::command(), "cim-nix", &mut text);
                // For bash, clap_complete takes the hyphen in our name for the end of a command in one of two places: then
                // nothing below the first word would be completed.
                context.printer.text(&String::from_utf8_lossy(&text).replace("cim__subcmd__nix", "cim__nix"))?;
            }
            What::Man { directory: None } => context.printer.text(&man::page()?)?,
            What::Man { directory: Some(directory) } => {
                let directory = context.directory.join(directory);
                let count = man::write(&directory)?;
                context.printer.say(format!("{count} manual pages are in `{}`", directory.display()));
                context.printer.answer(&man::Written::new(&directory, count))?;
            }
            What::SqlSchema if json => context.printer.json(&sql_schema::document())?,
            What::SqlSchema => context.printer.text(&sql_schema::markdown())?,
            What::CliReference => context.printer.text(&cli_reference::markdown())?,
            What::EventSchema if json => context.printer.text(event_schema::json())?,
            What::EventSchema => context.printer.text(&event_schema::markdown()?)?,
            What::WireSchema if json => context.printer.json(&wire_schema::document())?,
            What::WireSchema => context.printer.text(&wire_schema::markdown())?,
            What::LintReference => context.printer.text(&lint_reference::page())?,
            What::SettingsReference => context.printer.text(&settings_reference::markdown())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! The arguments that every command shares. Commands declare their own beside their code.

use std::path::PathBuf;

use clap::{ArgAction, Parser, ValueEnum};

use super::command::Command;
use crate::app::moment::Moment;

/// The ledger of a Nix estate
///
/// Reads the flakes on this machine without Nix, records every change as an event in one SQLite file, and shows them:
/// in a terminal UI (run without a command), on the command line, and in SQL.
#[derive(Debug, Parser)]
#[command(name = "cim-nix", version, infer_subcommands = false, disable_help_subcommand = false, max_term_width = 100)]
#[command(after_help = "\
Examples:
  cim-nix scan ~/src           record the flakes below a directory
  cim-nix flake list           what is known of them
  cim-nix log --since 3d       what happened in the last three days
  cim-nix sql 'select * from v1_flakes' --json

Exit status:
  0  done                      4  the database cannot be used
  1  findings, or refused      5  Nix is not there, or failed
  2  wrong arguments           6  the bus cannot be reached
  3  wrong settings            7  something else wrote at the same time
                               70 an error in cim-nix itself
                               130 stopped by Ctrl-C")]
pub(crate) struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What holds for every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The database [env: `CIM_NIX_DB`]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) db: Option<PathBuf>,
    /// Look at the past: a time, `#` and a position, or `@seen:` and a time
    ///
    /// `2026-11-24`, `2026-11-24 10:00`, `yesterday`, `3d`, RFC 3339 and seconds since 1970 say what was true then.
    /// `#1200` is what the ledger said after that event, `@seen:TIME` what it knew at that time. A time to come is refused.
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) at: Option<Moment>,
    /// How the answer is written
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Human, hide_default_value = true)]
    pub(crate) format: Format,
    /// Short for `--format json`
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more of what is being done
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// When to colour [env: `CIM_NIX_COLOR`]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<When>,
    /// How many threads to work with; 0 for one each core [env: `CIM_NIX_THREADS`]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

impl Global {
    /// The format that was asked for.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; may change from release to release
    Human,
    /// One record a line, separated by tabs, without a head
    Plain,
    /// One JSON document with the name of its schema
    Json,
    /// One JSON object a line
    Jsonl,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl When {
    /// The word as settings know it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_nothing() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_command_is_guessed_from_its_beginning() {
        for words in [["cim-nix", "sca"], ["cim-nix", "lo"], ["cim-nix", "f"]] {
            assert_eq!(Args::try_parse_from(words).unwrap_err().kind(), clap::error::ErrorKind::InvalidSubcommand);
        }
    }
}

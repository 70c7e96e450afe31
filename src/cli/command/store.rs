//! `store`: looking after the database itself; one file for each kind of work.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

pub(super) mod check;
mod copy;
mod erase;
mod rebuild;
mod replay;
mod transfer;

/// Look after the database itself
#[derive(Debug, clap::Args)]
pub(crate) struct Store {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Look quickly at everything that can be wrong with the file
    Check,
    /// Prove that the ledger is what was written: every page, payload and link; takes as long as it is large
    Verify,
    /// Build what is shown anew from the events
    Rebuild(rebuild::Rebuild),
    /// Show what chosen events alone would give, with a hash that two ledgers can compare
    Replay(replay::Replay),
    /// Copy the database, while others write
    Backup(copy::Backup),
    /// Put a backup in the place of the database
    Restore(copy::Restore),
    /// Blank the payload of an event that should never have been recorded
    Erase(erase::Erase),
    /// Write every event as JSON, one a line
    Export(transfer::Export),
    /// Take an export in
    Import(transfer::Import),
}

impl Run for Store {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Check => check::check(context),
            Action::Verify => check::verify(context),
            Action::Rebuild(rebuild) => rebuild.run(context),
            Action::Replay(replay) => replay.run(context),
            Action::Backup(backup) => backup.run(context),
            Action::Restore(restore) => restore.run(context),
            Action::Erase(erase) => erase.run(context),
            Action::Export(export) => export.run(context),
            Action::Import(import) => import.run(context),
        }
    }
}

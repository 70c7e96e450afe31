//! `sync`: exchanging events with other machines; one file for each kind of work.

use std::process::ExitCode;

use clap::Subcommand;

use super::Run;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

mod consent;
mod now;
mod parked;
mod setup;
mod status;
mod verify;

/// Exchange events with other machines
///
/// Events go through a NATS server with JetStream, which `sync.servers` or `NATS_URL` names. Nothing leaves this machine
/// before `sync enable`, and only what lies below the roots that are shared.
#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Agree to take part, and to share roots
    Enable(consent::Enable),
    /// Take part no longer; what was shared stays shared
    Disable,
    /// Send what is new and take what is new, once
    Now(now::Now),
    /// Show where it stands; no server is asked
    Status,
    /// Make the streams on the server: an administrator's work, once
    Setup(setup::Setup),
    /// Compare this ledger with the server's streams, event by event
    Verify,
    /// See to messages that could not be taken in
    Parked(parked::Parked),
}

impl Run for Sync {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Enable(enable) => enable.run(context),
            Action::Disable => consent::disable(context),
            Action::Now(now) => now.run(context),
            Action::Status => status::run(context),
            Action::Setup(setup) => setup.run(context),
            Action::Verify => verify::run(context),
            Action::Parked(parked) => parked.run(context),
        }
    }
}

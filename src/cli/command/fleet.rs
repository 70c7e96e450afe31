//! `fleet`: every machine whose events are here, and the flakes of all of them together.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Run;
use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::machine::short;
use crate::cli::table::Table;
use crate::store::view::{self, Freshness, rfc3339};

mod flakes;

/// The machines whose events are here, and what they have
///
/// Without a word more, the machines: whose they are, how they stand, and how fresh what is known of them is. Events of
/// others come with `sync now` and `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Fleet {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The flakes of every machine by lineage: where each project is, and at which nixpkgs
    Flakes,
}

impl Run for Fleet {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        if let Some(Action::Flakes) = self.action {
            flakes::run(context)?;
            return Ok(ExitCode::SUCCESS);
        }
        let machines = view::freshness(&context.read()?.ledger.reader)?;
        context.printer.answer(&Machines { machines: machines.into_iter().map(Machine::of).collect() })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/fleet/1`.
#[derive(Debug, Serialize)]
struct Machines {
    machines: Vec<Machine>,
}

#[derive(Debug, Serialize)]
struct Machine {
    origin: String,
    host: String,
    user: String,
    /// Whether it is this ledger.
    own: bool,
    /// `active`, `quarantined`, `blocked` or `retired`.
    state: String,
    reason: Option<String>,
    /// The origin that it goes on from, after a fork.
    succeeds: Option<String>,
    flakes: u64,
    /// The last of what it has shared that is here.
    sequence: i64,
    /// How many of its events are known to be missing: here, or for this ledger on the server.
    behind: i64,
    recorded_at: Option<String>,
    #[serde(skip)]
    recorded: Option<i64>,
}

impl Machine {
    fn of(row: Freshness) -> Self {
        Self {
            origin: row.origin,
            host: row.host,
            user: row.user,
            own: row.own,
            state: row.state,
            reason: row.reason,
            succeeds: row.succeeds,
            flakes: row.flakes,
            sequence: row.seq,
            behind: row.behind,
            recorded_at: row.recorded_at.map(rfc3339),
            recorded: row.recorded_at,
        }
    }
}

impl Answer for Machines {
    const NAME: &'static str = "fleet";
    type Record = Machine;

    fn records(&self) -> &[Machine] {
        &self.machines
    }

    fn cells(machine: &Machine) -> Vec<String> {
        [
            machine.origin.clone(),
            machine.host.clone(),
            machine.user.clone(),
            machine.state.clone(),
            machine.flakes.to_string(),
            machine.behind.to_string(),
            machine.recorded_at.clone().unwrap_or_default(),
        ]
        .into()
    }

    fn page(&self, page: &mut Page) {
        let mut table = Table::new(&["origin", "machine", "state", ">flakes", "heard", ">behind", "~why"]);
        for machine in &self.machines {
            let heard = machine.recorded.map_or_else(|| "never".into(), |at| format!("{} ago", ago(at, page.now())));
            let own = if machine.own { " (this one)" } else { "" };
            table.row([
                short(&machine.origin).to_owned(),
                format!("{}@{}{own}", machine.user, machine.host),
                machine.state.clone(),
                machine.flakes.to_string(),
                heard,
                if machine.behind == 0 { "-".to_owned() } else { machine.behind.to_string() },
                machine.reason.clone().unwrap_or_default(),
            ]);
        }
        page.table(&table);
    }
}

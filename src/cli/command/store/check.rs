//! `store check` and `store verify`: is the file what it should be?

use std::process::ExitCode;

use serde::Serialize;

use crate::app::upkeep::{self, CheckState};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// The quick look.
pub(super) fn check(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let checks = upkeep::check(&context.settings.db);
    answer(checks, context)
}

/// The full proof.
pub(super) fn verify(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let checks = upkeep::verify(&context.settings.db);
    answer(checks, context)
}

fn answer(checks: Vec<upkeep::Check>, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let failed = upkeep::worst(&checks) == CheckState::Failed;
    context.printer.answer(&Checked { checks: checks.into_iter().map(Check::of).collect() })?;
    Ok(if failed { ExitCode::from(Kind::Store.code()) } else { ExitCode::SUCCESS })
}

/// `cim-nix/checks/1`.
#[derive(Debug, Serialize)]
pub(in crate::cli::command) struct Checked {
    pub(in crate::cli::command) checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Serialize)]
pub(in crate::cli::command) struct Check {
    pub(in crate::cli::command) name: &'static str,
    pub(in crate::cli::command) state: &'static str,
    pub(in crate::cli::command) detail: String,
}

impl Check {
    /// The check as it is shown.
    pub(in crate::cli::command) fn of(check: upkeep::Check) -> Self {
        Self { name: check.name, state: check.state.name(), detail: check.detail }
    }
}

impl Answer for Checked {
    const NAME: &'static str = "checks";
    type Record = Check;

    fn records(&self) -> &[Check] {
        &self.checks
    }

    fn cells(check: &Check) -> Vec<String> {
        [check.name.into(), check.state.into(), check.detail.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        for check in &self.checks {
            page.line(format!("{:<8} {:<16} {}", check.state, check.name, check.detail));
        }
    }
}

//! `doctor`: is everything there that the ledger stands on?

use std::io::IsTerminal;
use std::process::ExitCode;

use super::Run;
use super::store::check::{Check, Checked};
use crate::app::doctor::{self, CheckState};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// Check what the ledger stands on
///
/// Every line says `ok`, `warning`, `failed` or, when something could not be looked at, `unknown`. Exits with 1 when
/// anything failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {}

impl Run for Doctor {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let found = doctor::checks(&context.settings.db, &context.who, context.clock.now());
        let failed = found.iter().any(|check| check.state == CheckState::Failed);
        let mut checks: Vec<Check> = found.into_iter().map(Check::of).collect();
        checks.push(Check::of(terminal()));
        context.printer.answer(&Checked { checks })?;
        Ok(if failed { ExitCode::from(Kind::Refused.code()) } else { ExitCode::SUCCESS })
    }
}

/// What the terminal UI would have to work with.
fn terminal() -> doctor::Check {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let (state, detail) = match (std::io::stdout().is_terminal(), variable("TERM").as_str()) {
        (false, _) => (CheckState::Unknown, "the output is no terminal".to_owned()),
        (true, "" | "dumb") => (CheckState::Warning, "`TERM` says that it cannot move the cursor".to_owned()),
        (true, term) => {
            let size = crossterm::terminal::size().map_or_else(|_| "size unknown".into(), |(w, h)| format!("{w}×{h}"));
            let colours = match variable("COLORTERM").as_str() {
                "truecolor" | "24bit" => "all colours",
                _ if term.contains("256") => "256 colours",
                _ => "16 colours",
            };
            (CheckState::Ok, format!("{term}, {size}, {colours}"))
        }
    };
    doctor::Check { name: "terminal", state, detail }
}

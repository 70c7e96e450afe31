//! `store rebuild`: build what is shown anew from the events.

use std::process::ExitCode;

use serde::Serialize;

use crate::app::upkeep;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::interrupt;

#[derive(Debug, clap::Args)]
pub(super) struct Rebuild {
    /// Only this part of the read model
    #[arg(value_name = "PROJECTION")]
    name: Option<String>,
}

impl Rebuild {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let stop = interrupt::flag()?;
        let session = context.session()?;
        let built = upkeep::rebuild(&session, self.name.as_deref(), &stop, &mut |_| {})?;
        let built = built.iter().map(|one| Built { name: one.name, position: one.position }).collect();
        context.printer.answer(&Rebuilt { projections: built })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/store-rebuild/1`.
#[derive(Debug, Serialize)]
struct Rebuilt {
    projections: Vec<Built>,
}

#[derive(Debug, Serialize)]
struct Built {
    name: &'static str,
    position: i64,
}

impl Answer for Rebuilt {
    const NAME: &'static str = "store-rebuild";
    type Record = Built;

    fn records(&self) -> &[Built] {
        &self.projections
    }

    fn cells(built: &Built) -> Vec<String> {
        [built.name.into(), built.position.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        for built in &self.projections {
            page.line(format!("{} is built anew, up to event #{}", built.name, built.position));
        }
    }
}

//! `sync verify`: compare this ledger with the server's streams.

use std::process::ExitCode;

use serde::Serialize;

use crate::app::sync::Place;
use crate::app::sync::verify::{self, Compared};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::table::Table;

pub(super) fn run(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let place = Place::of(&context.settings.sync);
    let session = context.session()?;
    let compared = verify::verify(&session, &place)?;
    let state = verify::state_hash(&session)?;
    let origins: Vec<Origin> = compared.into_iter().map(Origin::of).collect();
    let good = origins.iter().all(Origin::is_good);
    context.printer.answer(&Verified { good, state, origins })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// `cim-nix/sync-verify/1`.
#[derive(Debug, Serialize)]
struct Verified {
    /// Whether nothing differs; what one side has not got yet is no difference.
    good: bool,
    /// The hash of everything shared that is here: equal on machines that have exchanged everything.
    state: String,
    origins: Vec<Origin>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the words of the document")]
struct Origin {
    origin: String,
    own: bool,
    same: u64,
    /// Numbers of events that are others on the server.
    different: Vec<i64>,
    only_there: u64,
    only_here: u64,
    unreadable: u64,
}

impl Origin {
    fn of(compared: Compared) -> Self {
        let Compared { origin, own, same, different, only_there, only_here, unreadable } = compared;
        Self { origin, own, same, different, only_there, only_here, unreadable }
    }

    fn is_good(&self) -> bool {
        self.different.is_empty() && self.unreadable == 0
    }
}

impl Answer for Verified {
    const NAME: &'static str = "sync-verify";
    type Record = Origin;

    fn records(&self) -> &[Origin] {
        &self.origins
    }

    fn cells(origin: &Origin) -> Vec<String> {
        let counts =
            [origin.same, origin.different.len() as u64, origin.only_there, origin.only_here, origin.unreadable];
        std::iter::once(origin.origin.clone()).chain(counts.map(|count| count.to_string())).collect()
    }

    fn page(&self, page: &mut Page) {
        let mut table = Table::new(&["origin", "same", "different", "only there", "only here"]);
        for origin in &self.origins {
            let name = match origin.origin.get(..12) {
                _ if origin.own => "this ledger".to_owned(),
                Some(beginning) => beginning.to_owned(),
                None => "unreadable".to_owned(),
            };
            let counts =
                [origin.same, origin.different.len() as u64 + origin.unreadable, origin.only_there, origin.only_here];
            table.row(std::iter::once(name).chain(counts.map(|count| count.to_string())));
        }
        page.table(&table);
        page.field("state hash", &self.state);
        page.line(if self.good { "what both have is the same" } else { "the ledger and the server differ" });
    }
}

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
    let good = compared.iter().all(Compared::is_good);
    let origins: Vec<Origin> = compared.into_iter().map(Origin::of).collect();
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
    /// How many only the server has, as their origin signed for them.
    only_there: u64,
    only_here: u64,
    unreadable: u64,
    /// Numbers that the server has more than once.
    repeated: Vec<i64>,
    /// Numbers that the server lacks, though it has later ones.
    missing: Vec<i64>,
    /// Numbers of events that only the server has, and not as their origin signed for them.
    unproved: Vec<i64>,
}

impl Origin {
    fn of(compared: Compared) -> Self {
        let Compared { origin, own, same, different, repeated, missing, only_there, unproved, only_here, unreadable } =
            compared;
        Self { origin, own, same, different, only_there, only_here, unreadable, repeated, missing, unproved }
    }

    /// How it is called for people.
    fn name(&self) -> &str {
        match self.origin.get(..12) {
            _ if self.own => "this ledger",
            Some(beginning) => beginning,
            None => "unreadable",
        }
    }

    /// What is wrong, one line each.
    fn faults(&self) -> impl Iterator<Item = String> {
        let told = [
            ("another on the server", &self.different),
            ("more than once on the server", &self.repeated),
            ("not on the server, though later ones are", &self.missing),
            ("only on the server, and not signed for by its origin", &self.unproved),
        ];
        let listed = told.into_iter().filter(|(_, numbers)| !numbers.is_empty());
        let listed = listed.map(|(what, numbers)| format!("{}: {} {what}", self.name(), some(numbers)));
        let unreadable = (self.unreadable > 0)
            .then(|| format!("{}: {} messages on the server cannot be read", self.name(), self.unreadable));
        listed.chain(unreadable)
    }
}

/// The first few of many numbers.
fn some(numbers: &[i64]) -> String {
    let first: Vec<String> = numbers.iter().take(5).map(i64::to_string).collect();
    let more =
        if numbers.len() > first.len() { format!(" and {} more", numbers.len() - first.len()) } else { String::new() };
    let (noun, verb) = if numbers.len() == 1 { ("event", "is") } else { ("events", "are") };
    format!("{noun} {}{more} {verb}", first.join(", "))
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
            let counts = [origin.same, origin.different.len() as u64, origin.only_there, origin.only_here];
            table.row(std::iter::once(origin.name().to_owned()).chain(counts.map(|count| count.to_string())));
        }
        page.table(&table);
        page.field("state hash", &self.state);
        for fault in self.origins.iter().flat_map(Origin::faults) {
            page.line(fault);
        }
        page.line(if self.good { "what both have is the same" } else { "the ledger and the server differ" });
    }
}

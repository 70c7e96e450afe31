//! `system history`: the generations, from when until when.

use serde::Serialize;

use crate::app::moment::for_people;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::PathFields;
use crate::cli::table::Table;
use crate::cli::text::short;
use crate::store::view::{self, GenerationRow, rfc3339};

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let rows = view::generations(&reading.ledger.reader, view::Whose::Own, reading.at)?;
    context.printer.answer(&Generations { generations: rows.into_iter().map(Generation::of).collect() })
}

/// `cim-nix/system-history/1`, the first one first.
#[derive(Debug, Serialize)]
struct Generations {
    generations: Vec<Generation>,
}

#[derive(Debug, Serialize)]
struct Generation {
    /// The profile.
    #[serde(flatten)]
    profile: PathFields,
    #[serde(rename = "generation")]
    number: u64,
    store_path: String,
    version: Option<String>,
    nixpkgs: Option<String>,
    configuration: Option<String>,
    /// Whether it was gone back to from a later one.
    rolled_back: bool,
    valid_from: String,
    /// Absent for the current one.
    valid_to: Option<String>,
    #[serde(skip)]
    since: i64,
    #[serde(skip)]
    until: Option<i64>,
}

impl Generation {
    fn of(row: GenerationRow) -> Self {
        Self {
            profile: PathFields::from(&row.profile),
            number: row.number,
            store_path: row.store_path,
            version: row.version,
            nixpkgs: row.revision,
            configuration: row.configuration,
            rolled_back: row.rolled_back,
            valid_from: rfc3339(row.since),
            valid_to: row.until.map(rfc3339),
            since: row.since,
            until: row.until,
        }
    }
}

impl Answer for Generations {
    const NAME: &'static str = "system-history";
    type Record = Generation;

    fn records(&self) -> &[Generation] {
        &self.generations
    }

    fn cells(one: &Generation) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let version = text(&one.version);
        [one.number.to_string(), one.valid_from.clone(), text(&one.valid_to), version, one.store_path.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.generations.is_empty() {
            page.line("no generation of a NixOS is recorded; `cim-nix scan` records those of this machine");
            return;
        }
        let mut table = Table::new(&[">generation", "from", "until", "version", "nixpkgs", "configuration", "~remark"]);
        for one in &self.generations {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let revision = |text: &Option<String>| text.as_deref().map_or("-", short).to_owned();
            table.row([
                one.number.to_string(),
                for_people(one.since),
                one.until.map_or_else(|| "now".to_owned(), for_people),
                text(&one.version),
                revision(&one.nixpkgs),
                revision(&one.configuration),
                if one.rolled_back { "gone back to".to_owned() } else { String::new() },
            ]);
        }
        page.table(&table);
    }
}

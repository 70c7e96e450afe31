//! `flake list`: every flake, one a line.

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::machine::Names;
use crate::cli::path::{PathFields, for_people};
use crate::cli::table::Table;
use crate::cli::text::{plural, short};
use crate::store::view::{self, At, FlakeRow, Whose};

/// A day in microseconds.
const TENTH_OF_A_DAY: i64 = 8_640_000_000;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Show first what has most of this
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Sort::Path)]
    sort: Sort,
    /// Show the flakes of every machine whose events are here
    #[arg(long)]
    all_origins: bool,
}

/// What flakes are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// The path, from A to Z
    Path,
    /// The age of nixpkgs
    Age,
    /// Problems
    Problems,
    /// Inputs
    Inputs,
}

impl List {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let now = context.now(reading.at);
        let whose = if self.all_origins { Whose::All } else { Whose::Own };
        let mut flakes: Vec<Flake> = view::flakes(&reading.ledger.reader, whose, reading.at)?
            .iter()
            .map(|flake| Flake::of(flake, now))
            .collect();
        match self.sort {
            Sort::Path => {}
            Sort::Age => flakes.sort_by(|a, b| age(b).total_cmp(&age(a))),
            Sort::Problems => flakes.sort_by_key(|flake| std::cmp::Reverse(flake.problems)),
            Sort::Inputs => flakes.sort_by_key(|flake| std::cmp::Reverse(flake.inputs)),
        }
        let machines = match whose {
            Whose::All => Some(Names::of(&view::freshness(&reading.ledger.reader)?)),
            Whose::Own => None,
        };
        context.printer.answer(&Flakes { flakes, machines, past: reading.at != At::Now })
    }
}

fn age(flake: &Flake) -> f64 {
    flake.nixpkgs_age_days.unwrap_or(f64::NEG_INFINITY)
}

/// `cim-nix/flake-list/1`.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the words of the document")]
struct Flakes {
    flakes: Vec<Flake>,
    /// What they are called, when the flakes of all are shown.
    #[serde(skip)]
    machines: Option<Names>,
    #[serde(skip)]
    past: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Flake {
    id: String,
    origin: String,
    #[serde(skip)]
    own: bool,
    #[serde(flatten)]
    path: PathFields,
    description: Option<String>,
    lineage: Option<String>,
    inputs: u64,
    lock_nodes: u64,
    nixpkgs_age_days: Option<f64>,
    problems: Option<u64>,
}

impl Flake {
    /// The fields of a flake; `now` is what ages count from.
    pub(super) fn of(flake: &FlakeRow, now: i64) -> Self {
        Self {
            id: flake.id.to_string(),
            origin: flake.origin.clone(),
            own: flake.own,
            path: PathFields::from(&flake.path),
            description: flake.description.clone(),
            lineage: flake.lineage.clone(),
            inputs: flake.inputs,
            lock_nodes: flake.lock_nodes,
            nixpkgs_age_days: flake.nixpkgs_last_modified.map(|then| age_in_days(then, now)),
            problems: flake.problems,
        }
    }
}

/// The age in days, to the tenth; never below zero, whatever the clocks say.
fn age_in_days(seconds: i64, now: i64) -> f64 {
    let tenths = now.saturating_sub(seconds.saturating_mul(1_000_000)).max(0) / TENTH_OF_A_DAY;
    f64::from(i32::try_from(tenths).unwrap_or(i32::MAX)) / 10.0
}

impl Answer for Flakes {
    const NAME: &'static str = "flake-list";
    type Record = Flake;

    fn records(&self) -> &[Flake] {
        &self.flakes
    }

    fn cells(flake: &Flake) -> Vec<String> {
        let age = flake.nixpkgs_age_days.map(|days| days.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (inputs, nodes) = (flake.inputs.to_string(), flake.lock_nodes.to_string());
        let (path, problems) =
            (flake.path.path.clone(), flake.problems.map(|count| count.to_string()).unwrap_or_default());
        [flake.id.clone(), path, inputs, nodes, age, problems, text(&flake.lineage), text(&flake.description)].into()
    }

    fn page(&self, page: &mut Page) {
        if self.flakes.is_empty() && self.past {
            page.line("no flakes were known at that moment; `cim-nix flake history` tells of locks before they were first seen");
            return;
        }
        if self.flakes.is_empty() {
            page.line("no flakes are known: `cim-nix scan PATH` records those below a directory");
            return;
        }
        let mut columns = vec!["id", "/flake", ">inputs", ">locked", ">nixpkgs", ">problems", "~description"];
        if self.machines.is_some() {
            columns.insert(1, "machine");
        }
        let mut table = Table::new(&columns);
        for flake in &self.flakes {
            let age = flake.nixpkgs_age_days.map_or_else(|| "-".into(), |days| format!("{} d", days.floor()));
            let problems = match flake.problems {
                Some(0) => "-".into(),
                Some(count) => count.to_string(),
                None => "?".into(),
            };
            // Only paths of this machine lie in this user's home.
            let path = if flake.own { for_people(&flake.path.path) } else { flake.path.path.clone() };
            let (inputs, locked) = (flake.inputs.to_string(), flake.lock_nodes.to_string());
            let description = flake.description.clone().unwrap_or_default();
            let mut row = vec![short_id(&flake.id).to_owned(), path, inputs, locked, age, problems, description];
            if let Some(machines) = &self.machines {
                row.insert(1, machines.get(&flake.origin).to_owned());
            }
            table.row(row);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.flakes.len()).unwrap_or(u64::MAX), "flake"));
    }
}

/// Ids made within a minute begin alike: the first thirteen characters tell most of them apart.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..13).unwrap_or_else(|| short(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_to_the_tenth() {
        let day = 86_400;
        for (seconds, age) in [(10 * day, 0.0), (0, 10.0), (5 * day, 5.0), (20 * day, 0.0), (day / 2, 9.5)] {
            assert!((age_in_days(seconds, 10 * day * 1_000_000) - age).abs() < f64::EPSILON, "{seconds}");
        }
        assert!(age_in_days(i64::MIN, i64::MAX).is_finite());
    }
}

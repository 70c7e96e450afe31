//! `flake duplicates`: sources that a lock holds more than once.

use std::ffi::OsString;

use serde::Serialize;

use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::selector;
use crate::store::view::{self, DuplicateRow};

#[derive(Debug, clap::Args)]
pub(super) struct Duplicates {
    /// Only this flake: a path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE")]
    flake: Option<OsString>,
}

impl Duplicates {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let flake = match &self.flake {
            Some(selector) => Some(selector::flake(&reading, selector, &context.directory)?.id),
            None => None,
        };
        let flakes = view::duplicates(&reading.ledger.reader, flake, reading.at)?.into_iter().map(Flake::of).collect();
        context.printer.answer(&Found { flakes })
    }
}

/// `cim-nix/flake-duplicates/1`.
#[derive(Debug, Serialize)]
struct Found {
    flakes: Vec<Flake>,
}

#[derive(Debug, Serialize)]
struct Flake {
    id: String,
    path: String,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    key: String,
    nodes: Vec<String>,
}

impl Flake {
    fn of(row: DuplicateRow) -> Self {
        let groups = row.groups.into_iter().map(|group| Group { key: group.key, nodes: group.nodes }).collect();
        Self { id: row.flake.to_string(), path: row.path, groups }
    }
}

impl Answer for Found {
    const NAME: &'static str = "flake-duplicates";
    type Record = Flake;

    fn records(&self) -> &[Flake] {
        &self.flakes
    }

    fn cells(flake: &Flake) -> Vec<String> {
        let group = |group: &Group| format!("{}={}", group.key, group.nodes.join(","));
        [flake.id.clone(), flake.path.clone()].into_iter().chain(flake.groups.iter().map(group)).collect()
    }

    fn page(&self, page: &mut Page) {
        if self.flakes.is_empty() {
            page.line("no lock holds a source more than once");
        }
        for flake in &self.flakes {
            page.title(for_people(&flake.path));
            for group in &flake.groups {
                page.line(format!("  {} ×{}: {}", group.key, group.nodes.len(), group.nodes.join(", ")));
            }
        }
    }
}

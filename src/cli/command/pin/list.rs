//! `pin list`: every pin, one a line.

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::{PathFields, for_people};
use crate::cli::table::Table;
use crate::cli::text::{plural, source};
use crate::domain::Attrs;
use crate::store::view::{self, PinRow, rfc3339};

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let now = context.now(reading.at);
    let rows = view::pins(&reading.ledger.reader, reading.at)?;
    context.printer.answer(&Pins { pins: rows.into_iter().map(Pin::of).collect(), now })
}

/// `cim-nix/pin-list/1`, by file and name.
#[derive(Debug, Serialize)]
struct Pins {
    pins: Vec<Pin>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

#[derive(Debug, Serialize)]
struct Pin {
    /// The file.
    #[serde(flatten)]
    path: PathFields,
    manager: String,
    name: String,
    /// The attributes, as a lock would write them.
    attrs: Attrs,
    since: String,
    #[serde(skip)]
    at: i64,
}

impl Pin {
    fn of(row: PinRow) -> Self {
        let PinRow { file, manager, name, attrs, since } = row;
        Self { path: PathFields::from(&file), manager, name, attrs, since: rfc3339(since), at: since }
    }
}

impl Answer for Pins {
    const NAME: &'static str = "pin-list";
    type Record = Pin;

    fn records(&self) -> &[Pin] {
        &self.pins
    }

    fn cells(pin: &Pin) -> Vec<String> {
        [pin.path.path.clone(), pin.manager.clone(), pin.name.clone(), source(&pin.attrs), pin.since.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.pins.is_empty() {
            page.line("nothing is pinned without a flake, as far as scans saw");
            return;
        }
        let mut table = Table::new(&["/file", "by", "name", "source", ">age"]);
        for pin in &self.pins {
            table.row([
                for_people(&pin.path.path),
                pin.manager.clone(),
                pin.name.clone(),
                source(&pin.attrs),
                ago(pin.at, self.now),
            ]);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.pins.len()).unwrap_or(u64::MAX), "pin"));
    }
}

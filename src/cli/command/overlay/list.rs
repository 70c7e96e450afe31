//! `overlay list`: every overlay, one a line.

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::place::{FilePlace, Places};
use crate::cli::table::Table;
use crate::cli::text::plural;
use crate::store::view::{self, OverlayRow, rfc3339};

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let places = Places::of(&reading)?;
    let now = context.now(reading.at);
    let rows = view::overlays(&reading.ledger.reader, None, reading.at)?;
    let mut overlays: Vec<Overlay> = rows.into_iter().map(|row| Overlay::of(row, &places)).collect();
    overlays.sort_by(|a, b| a.file.path.path.cmp(&b.file.path.path));
    context.printer.answer(&Overlays { overlays, now })
}

/// `cim-nix/overlay-list/1`, by file.
#[derive(Debug, Serialize)]
struct Overlays {
    overlays: Vec<Overlay>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

#[derive(Debug, Serialize)]
struct Overlay {
    #[serde(flatten)]
    file: FilePlace,
    adds: Vec<String>,
    left_out: u64,
    since: String,
    #[serde(skip)]
    at: i64,
}

impl Overlay {
    fn of(row: OverlayRow, places: &Places) -> Self {
        let file = places.file(row.flake, &row.path);
        Self { file, adds: row.adds, left_out: row.left_out, since: rfc3339(row.since), at: row.since }
    }
}

/// The first names, and how many more there are.
fn first_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { first } else { format!("{first} and {more} more") }
}

impl Answer for Overlays {
    const NAME: &'static str = "overlay-list";
    type Record = Overlay;

    fn records(&self) -> &[Overlay] {
        &self.overlays
    }

    fn cells(overlay: &Overlay) -> Vec<String> {
        [overlay.file.path.path.clone(), overlay.adds.join(" "), overlay.since.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.overlays.is_empty() {
            page.line("no overlay is known; `cim-nix scan` finds them below the roots");
            return;
        }
        let mut table = Table::new(&["/file", ">names", ">age", "~adds or changes"]);
        for overlay in &self.overlays {
            table.row([
                for_people(&overlay.file.path.path),
                overlay.adds.len().to_string(),
                ago(overlay.at, self.now),
                first_of(&overlay.adds),
            ]);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.overlays.len()).unwrap_or(u64::MAX), "overlay"));
    }
}

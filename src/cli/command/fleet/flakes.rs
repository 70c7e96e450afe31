//! `fleet flakes`: by lineage, which machine has which flake at which nixpkgs.

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::machine::Names;
use crate::cli::path::{PathFields, for_people};
use crate::cli::table::Table;
use crate::store::view::{self, FleetRow, rfc3339};

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let reader = &context.read()?.ledger.reader;
    let (flakes, names) = (view::fleet(reader)?, Names::of(&view::freshness(reader)?));
    context.printer.answer(&Flakes { flakes: flakes.into_iter().map(Flake::of).collect(), names })
}

/// `cim-nix/fleet-flakes/1`.
#[derive(Debug, Serialize)]
struct Flakes {
    /// By lineage, those without one last.
    flakes: Vec<Flake>,
    #[serde(skip)]
    names: Names,
}

#[derive(Debug, Serialize)]
struct Flake {
    lineage: Option<String>,
    id: String,
    origin: String,
    host: String,
    /// Whether it is this machine's.
    own: bool,
    #[serde(flatten)]
    path: PathFields,
    nixpkgs_rev: Option<String>,
    nixpkgs_last_modified: Option<String>,
    recorded_at: Option<String>,
    #[serde(skip)]
    modified: Option<i64>,
    #[serde(skip)]
    recorded: Option<i64>,
}

impl Flake {
    fn of(row: FleetRow) -> Self {
        let modified = row.nixpkgs_last_modified.map(|seconds| seconds.saturating_mul(SECOND));
        Self {
            lineage: row.lineage,
            id: row.flake.to_string(),
            origin: row.origin,
            host: row.host,
            own: row.own,
            path: PathFields::from(&row.path),
            nixpkgs_rev: row.nixpkgs_rev,
            nixpkgs_last_modified: modified.map(rfc3339),
            recorded_at: row.recorded_at.map(rfc3339),
            modified,
            recorded: row.recorded_at,
        }
    }
}

impl Answer for Flakes {
    const NAME: &'static str = "fleet-flakes";
    type Record = Flake;

    fn records(&self) -> &[Flake] {
        &self.flakes
    }

    fn cells(flake: &Flake) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            text(&flake.lineage),
            flake.id.clone(),
            flake.host.clone(),
            flake.path.path.clone(),
            text(&flake.nixpkgs_rev),
            text(&flake.nixpkgs_last_modified),
            text(&flake.recorded_at),
        ]
        .into()
    }

    fn page(&self, page: &mut Page) {
        if self.flakes.is_empty() {
            page.line("no flakes are known on any machine");
        }
        for (index, group) in self.flakes.chunk_by(|a, b| a.lineage == b.lineage).enumerate() {
            if index > 0 {
                page.gap();
            }
            page.title(group.first().and_then(|flake| flake.lineage.as_deref()).unwrap_or("without a remote"));
            let mut table = Table::new(&["machine", "/flake", "nixpkgs", ">age", "heard"]);
            let age = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), |at| ago(at, page.now()));
            for flake in group {
                // Only paths of this machine lie in this user's home.
                let path = if flake.own { for_people(&flake.path.path) } else { flake.path.path.clone() };
                let rev = flake.nixpkgs_rev.as_deref().map_or("-", |rev| rev.get(..8).unwrap_or(rev));
                let heard = flake.recorded.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(Some(at))));
                let machine = self.names.get(&flake.origin).to_owned();
                table.row([machine, path, rev.to_owned(), age(flake.modified), heard]);
            }
            page.table(&table);
        }
    }
}

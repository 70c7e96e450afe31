//! Projection `flakes`: where each flake is, what it says of itself, and when that changed.

use super::cell::Cell;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::event::{Discovered, FlakeEvent};
use crate::domain::lineage::Lineage;

/// The projection.
#[derive(Debug)]
pub(super) struct Flakes;

/// The state is `present`, `removed` or `forgotten`.
static FLAKES: Table = Table {
    name: "flakes",
    key: &["id TEXT"],
    values: &[
        "origin INTEGER NOT NULL",
        "path TEXT NOT NULL",
        "path_bytes BLOB",
        "description TEXT",
        "lineage TEXT",
        "extractor INTEGER NOT NULL",
        "nix_config TEXT NOT NULL",
        "state TEXT NOT NULL",
        "discovered_at INTEGER NOT NULL",
        "changed_at INTEGER NOT NULL",
    ],
    stream: "'flake/' || t.id",
    keeps: Keeps::Intervals,
    indexes: &["path"],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&FLAKES];

const VIEW: View = View {
    name: "v1_flakes",
    doc: "The flakes that are there now.",
    columns: columns! {
        "id" id "The flake.";
        "origin" text "Public key of the origin whose flake it is.";
        "path" text "Directory of its flake.nix.";
        "description" text "Its own description; NULL without one.";
        "lineage" text "Which project it is, as in `github.com/nixos/nixpkgs`; NULL without a remote.";
        "inputs" integer "How many inputs it has.";
        "lock_nodes" integer "How many nodes its lock has, the root not counted.";
        "lock_version" integer "Format version of its lock; NULL without a lock.";
        "nixpkgs_last_modified" integer "When its nixpkgs was last modified, in seconds since 1970 UTC; NULL without one.";
        "problems" integer "How many problems are open in its files; NULL for one of another origin that has shared none of any flake.";
        "nix_config" json "Its nixConfig, values as text, secrets gone.";
        "discovered_at" time "When it was first seen.";
        "changed_at" time "When it changed last.";
        "extractor" integer "Version of the extractor that read it.";
    },
    sql: "
SELECT f.id, o.public_key, f.path, f.description, f.lineage,
       (SELECT count(*) FROM {inputs} i WHERE i.flake = f.id),
       (SELECT count(*) FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_root = 0),
       (SELECT l.version FROM {locks} l WHERE l.flake = f.id),
       (SELECT max(n.last_modified) FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_nixpkgs = 1),
       CASE WHEN {tells_problems} THEN (SELECT count(*) FROM {problems} p WHERE p.flake = f.id) END,
       f.nix_config, {time f.discovered_at}, {time f.changed_at}, f.extractor
FROM {live_flakes} f JOIN origins o ON o.id = f.origin WHERE NOT {succeeded}",
    examples: &[
        Example {
            sql: "SELECT path, (strftime('%s', 'now') - nixpkgs_last_modified) / 86400 AS days FROM v1_flakes \
                  WHERE nixpkgs_last_modified IS NOT NULL ORDER BY days DESC",
            doc: "Which flakes have the oldest nixpkgs?",
        },
        Example {
            sql: "SELECT lineage, count(*) FROM v1_flakes WHERE lineage IS NOT NULL GROUP BY lineage HAVING count(*) > 1",
            doc: "Which projects are checked out more than once?",
        },
    ],
};

impl Projection for Flakes {
    fn name(&self) -> &'static str {
        "flakes"
    }

    fn revision(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[
            catalogue::FLAKE_DISCOVERED,
            catalogue::FLAKE_DESCRIPTION_CHANGED,
            catalogue::FLAKE_INPUT_ADDED,
            catalogue::FLAKE_INPUT_REMOVED,
            catalogue::FLAKE_INPUT_CHANGED,
            catalogue::FLAKE_UPDATED,
            catalogue::FLAKE_OUTPUTS_CHANGED,
            catalogue::FLAKE_NIX_CONFIG_CHANGED,
            catalogue::FLAKE_LINEAGE_CHANGED,
            catalogue::FLAKE_MOVED,
            catalogue::FLAKE_REMOVED,
            catalogue::FLAKE_FORGOTTEN,
            catalogue::FLAKE_OBSERVER_CHANGED,
        ]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let key = [Cell::from(event.key())];
        let before = target.now(&FLAKES, &key)?.map(|row| row.to_vec());
        let after = if only_touches(event.kind) {
            before.map(|mut row| {
                set(&mut row, CHANGED_AT, event.occurred_at);
                row
            })
        } else {
            let told = event.event()?;
            let Some(Event::Flake(told)) = told.as_deref() else { return Ok(()) };
            after(before, told, event)?
        };
        if let Some(row) = after {
            target.put(&FLAKES, &key, row, event)?;
        }
        Ok(())
    }
}

/// Where the values of a flake are in its row.
const PATH: usize = 1;
const PATH_BYTES: usize = 2;
const DESCRIPTION: usize = 3;
const LINEAGE: usize = 4;
const EXTRACTOR: usize = 5;
const NIX_CONFIG: usize = 6;
const STATE: usize = 7;
const DISCOVERED_AT: usize = 8;
const CHANGED_AT: usize = 9;

fn set(row: &mut [Cell], column: usize, value: impl Into<Cell>) {
    if let Some(cell) = row.get_mut(column) {
        *cell = value.into();
    }
}

/// Changes of the flake's parts, which other projections hold.
fn only_touches(kind: Kind) -> bool {
    [
        catalogue::FLAKE_INPUT_ADDED,
        catalogue::FLAKE_INPUT_REMOVED,
        catalogue::FLAKE_INPUT_CHANGED,
        catalogue::FLAKE_UPDATED,
        catalogue::FLAKE_OUTPUTS_CHANGED,
    ]
    .contains(&kind)
}

fn after(before: Option<Vec<Cell>>, told: &FlakeEvent, event: &Applied<'_>) -> Result<Option<Vec<Cell>>, ApplyError> {
    if let FlakeEvent::Discovered(found) = told {
        return Ok(Some(discovered(before.as_deref(), found, event)?));
    }
    let Some(mut row) = before else { return Ok(None) };
    if !matches!(told, FlakeEvent::ObserverChanged(_)) {
        set(&mut row, CHANGED_AT, event.occurred_at);
    }
    match told {
        FlakeEvent::DescriptionChanged { to, .. } => set(&mut row, DESCRIPTION, to.as_ref()),
        FlakeEvent::NixConfigChanged { to, .. } => set(&mut row, NIX_CONFIG, serde_json::to_string(to)?),
        FlakeEvent::LineageChanged { to, .. } => set(&mut row, LINEAGE, to.as_ref().map(Lineage::as_str)),
        FlakeEvent::Moved { to, .. } => {
            set(&mut row, PATH, to.text());
            set(&mut row, PATH_BYTES, to.bytes());
        }
        FlakeEvent::Removed { .. } => set(&mut row, STATE, "removed"),
        FlakeEvent::Forgotten { .. } => set(&mut row, STATE, "forgotten"),
        FlakeEvent::ObserverChanged(change) => {
            set(&mut row, EXTRACTOR, change.to);
            set(&mut row, DESCRIPTION, change.facts.description.as_ref());
            set(&mut row, NIX_CONFIG, serde_json::to_string(&change.facts.nix_config)?);
        }
        _ => {}
    }
    Ok(Some(row))
}

/// A flake that comes back was discovered when it was discovered first.
fn discovered(before: Option<&[Cell]>, found: &Discovered, event: &Applied<'_>) -> Result<Vec<Cell>, ApplyError> {
    let at = before.and_then(|row| row.get(DISCOVERED_AT)?.integer()).unwrap_or(event.occurred_at);
    Ok(vec![
        event.origin.into(),
        found.directory.text().into(),
        found.directory.bytes().into(),
        found.facts.description.as_ref().into(),
        found.lineage.as_ref().map(Lineage::as_str).into(),
        found.extractor.into(),
        serde_json::to_string(&found.facts.nix_config)?.into(),
        "present".into(),
        at.into(),
        event.occurred_at.into(),
    ])
}

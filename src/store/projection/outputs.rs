//! Projection `outputs`: the attribute paths that each flake gives, and what of them cannot be known.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::memory::Cells;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::Outputs as Told;
use crate::domain::flake::event::FlakeEvent;

/// The projection.
#[derive(Debug)]
pub(super) struct Outputs;

/// The reason says why something is not known; it is empty when it is.
static OUTPUTS: Table = Table {
    name: "outputs",
    key: &["flake TEXT", "known INTEGER", "path TEXT", "reason TEXT"],
    values: &[],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&OUTPUTS];

const VIEW: View = View {
    name: "v1_outputs",
    doc: "What the flakes give, as far as that is known without evaluation.",
    columns: columns! {
        "flake" id "The flake.";
        "path" text "Attribute path, as in `packages.x86_64-linux.default`; empty stands for all outputs.";
        "known" bool "1 when the path certainly exists, 0 when what is below it cannot be known.";
        "reason" text "Why it cannot be known; NULL when it is.";
        "since" time "Since when.";
    },
    sql: "
SELECT u.flake, u.path, u.known, CASE u.known WHEN 0 THEN u.reason END, {time u.valid_from}
FROM {outputs} u WHERE EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = u.flake)",
    examples: &[Example {
        sql: "SELECT f.path, o.path FROM v1_outputs o JOIN v1_flakes f ON f.id = o.flake \
              WHERE o.path LIKE 'nixosConfigurations.%'",
        doc: "Which NixOS machines are declared where?",
    }],
};

impl Projection for Outputs {
    fn name(&self) -> &'static str {
        "outputs"
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
            catalogue::FLAKE_OUTPUTS_CHANGED,
            catalogue::FLAKE_OBSERVER_CHANGED,
            catalogue::FLAKE_REMOVED,
            catalogue::FLAKE_FORGOTTEN,
        ]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let none = Told::default();
        let told = event.event()?;
        let Some(Event::Flake(told)) = told.as_deref() else { return Ok(()) };
        let now = match told {
            FlakeEvent::Discovered(found) => &found.facts.outputs,
            FlakeEvent::OutputsChanged { to, .. } => to,
            FlakeEvent::ObserverChanged(change) => &change.facts.outputs,
            FlakeEvent::Removed { .. } | FlakeEvent::Forgotten { .. } => &none,
            _ => return Ok(()),
        };
        let flake = Cell::from(event.key());
        let after = rows_of(now);
        let before = target.all_now(&OUTPUTS, &flake)?;
        for (rest, _) in before.iter().filter(|(rest, _)| !after.contains(rest)) {
            target.end(&OUTPUTS, &key(&flake, rest), event)?;
        }
        for rest in &after {
            target.put(&OUTPUTS, &key(&flake, rest), Vec::new(), event)?;
        }
        Ok(())
    }
}

fn key(flake: &Cell, rest: &[Cell]) -> Vec<Cell> {
    std::iter::once(flake).chain(rest).cloned().collect()
}

/// Whether it is known, the path, the reason.
fn rows_of(outputs: &Told) -> BTreeSet<Cells> {
    let known = outputs.known.iter().map(|path| [true.into(), path.into(), "".into()]);
    let unknown =
        outputs.unknown.iter().map(|part| [false.into(), part.path.as_str().into(), part.reason.as_str().into()]);
    known.chain(unknown).map(|row: [Cell; 3]| Cells::from(row)).collect()
}

//! Projection `outputs`: the attribute paths that each flake gives, and what of them cannot be known.

use super::view::columns;
use super::{Applied, ApplyError, Example, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::Outputs as Told;
use crate::domain::flake::event::FlakeEvent;

/// The projection.
#[derive(Debug)]
pub(super) struct Outputs;

const TABLE: Table = Table {
    name: "outputs",
    ddl: "
CREATE TABLE {outputs} (
  flake TEXT NOT NULL,
  known INTEGER NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,                -- why it is not known; empty when it is
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  from_position INTEGER NOT NULL,
  to_position INTEGER,
  PRIMARY KEY (flake, known, path, reason, from_position)
) STRICT, WITHOUT ROWID;
CREATE INDEX {outputs}_now ON {outputs} (flake) WHERE valid_to IS NULL;",
};

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
    sql: "SELECT flake, path, known, CASE known WHEN 0 THEN reason END, {time valid_from} FROM {outputs}",
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
        1
    }

    fn tables(&self) -> &'static [Table] {
        &[TABLE]
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
        let sql = "SELECT known, path, reason FROM {outputs} WHERE flake = ?1 AND valid_to IS NULL";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let before: Vec<Row> = target.rows(sql, [event.key()], read)?;
        let after = rows_of(now);
        for row in before.iter().filter(|row| !after.contains(row)) {
            close(target, event, row)?;
        }
        for row in after.iter().filter(|row| !before.contains(row)) {
            open(target, event, row)?;
        }
        Ok(())
    }
}

/// Whether it is known, the path, the reason.
type Row = (bool, String, String);

fn rows_of(outputs: &Told) -> std::collections::BTreeSet<Row> {
    let known = outputs.known.iter().map(|path| (true, path.clone(), String::new()));
    let unknown = outputs.unknown.iter().map(|part| (false, part.path.clone(), part.reason.clone()));
    known.chain(unknown).collect()
}

fn close(target: &Target<'_>, event: &Applied<'_>, (known, path, reason): &Row) -> rusqlite::Result<usize> {
    let sql = "UPDATE {outputs} SET valid_to = max(valid_from, ?5), to_position = ?6 \
               WHERE flake = ?1 AND known = ?2 AND path = ?3 AND reason = ?4 AND valid_to IS NULL";
    target.run(sql, (event.key(), known, path, reason, event.occurred_at, event.position))
}

fn open(target: &Target<'_>, event: &Applied<'_>, (known, path, reason): &Row) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO {outputs} (flake, known, path, reason, valid_from, from_position) \
               SELECT ?1, ?2, ?3, ?4, max(?5, coalesce(max(valid_to), ?5)), ?6 FROM {outputs} \
               WHERE flake = ?1 AND known = ?2 AND path = ?3 AND reason = ?4";
    target.run(sql, (event.key(), known, path, reason, event.occurred_at, event.position))
}

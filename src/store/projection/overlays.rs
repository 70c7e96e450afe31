//! Projection `overlays`: the Nix files that are overlays, and what they add, from when until when.

use super::cell::Cell;
use super::listed;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::nix_file::NixFile;
use crate::domain::overlay::OverlayEvent;

/// The projection.
#[derive(Debug)]
pub(super) struct Overlays;

static OVERLAYS: Table = Table {
    name: "overlays",
    key: &["file_id TEXT"],
    values: &[
        "origin INTEGER NOT NULL",
        "flake TEXT",
        "path TEXT NOT NULL",
        "path_bytes BLOB",
        "adds TEXT NOT NULL",
        "left_out INTEGER NOT NULL",
    ],
    stream: "'overlay/' || t.file_id",
    keeps: Keeps::Intervals,
    indexes: &["flake"],
    past_indexes: &["flake"],
};

/// Which of the values are the names that it adds.
const ADDS: usize = 4;

const TABLES: &[&Table] = &[&OVERLAYS];

const VIEW: View = View {
    name: "v1_overlays",
    doc: "The Nix files that are overlays, now and before.",
    columns: columns! {
        "flake" id "The flake whose file it is; NULL for a file without one.";
        "path" text "The path inside the flake; the whole path of a file without one.";
        "adds" json "The names that it adds or changes; `*` stands for a computed one.";
        "left_out" integer "How many names there was no room for.";
        "valid_from" time "From when it was so.";
        "valid_to" time "Until when; NULL for what holds now.";
        "origin" text "Public key of the origin whose machine it is on.";
    },
    sql: "
SELECT v.flake, v.path, v.adds, v.left_out, {time v.valid_from}, NULL, o.public_key
FROM {overlays} v JOIN origins o ON o.id = v.origin
WHERE v.flake IS NULL OR EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = v.flake)
UNION ALL
SELECT v.flake, v.path, v.adds, v.left_out, {time v.valid_from}, {time v.valid_to}, o.public_key
FROM {overlays_past} v JOIN origins o ON o.id = v.origin",
    examples: &[Example {
        sql: "SELECT v.path FROM v1_overlays v, json_each(v.adds) a WHERE v.valid_to IS NULL AND a.value = 'hello'",
        doc: "Which overlay changes a package?",
    }],
};

impl Projection for Overlays {
    fn name(&self) -> &'static str {
        "overlays"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[catalogue::OVERLAY_DISCOVERED, catalogue::OVERLAY_UPDATED, catalogue::OVERLAY_DELETED]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Overlay(told)) = told.as_deref() else { return Ok(()) };
        let key = [Cell::from(event.key())];
        match told {
            OverlayEvent::Discovered { file, overlay } => {
                put(target, event, file, listed::cell(&overlay.adds)?, overlay.left_out)?;
            }
            OverlayEvent::Updated { file, adds, left_out, .. } => {
                let known = target.now(&OVERLAYS, &key)?;
                let adds = listed::changed(known.as_ref().and_then(|row| row.get(ADDS)), adds)?;
                put(target, event, file, adds, *left_out)?;
            }
            OverlayEvent::Deleted { .. } => drop(target.end(&OVERLAYS, &key, event)?),
        }
        Ok(())
    }
}

fn put(target: &Target<'_>, event: &Applied<'_>, file: &NixFile, adds: Cell, left_out: u32) -> Result<(), ApplyError> {
    let flake = file.flake.map(|flake| flake.to_string());
    let row = vec![
        event.origin.into(),
        flake.into(),
        file.path.text().into(),
        file.path.bytes().into(),
        adds,
        i64::from(left_out).into(),
    ];
    target.put(&OVERLAYS, &[event.key().into()], row, event)?;
    Ok(())
}

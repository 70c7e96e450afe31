//! Projection `pins`: what files pin without a flake, from when until when.

use serde_json::Value;

use super::cell::Cell;
use super::stored::attrs_text;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::Attrs;
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::path::RecordedPath;
use crate::domain::pins::{Manager, PinsEvent};

/// The projection.
#[derive(Debug)]
pub(super) struct Pins;

static PIN_FILES: Table = Table {
    name: "pin_files",
    key: &["file_id TEXT"],
    values: &["origin INTEGER NOT NULL", "file TEXT NOT NULL", "file_bytes BLOB", "manager TEXT NOT NULL"],
    stream: "'pins/' || t.file_id",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

static PINS: Table = Table {
    name: "pins",
    key: &["file_id TEXT", "name TEXT"],
    values: &[
        "file TEXT NOT NULL",
        "file_bytes BLOB",
        "manager TEXT NOT NULL",
        "type TEXT NOT NULL",
        "url TEXT",
        "rev TEXT",
        "hash TEXT",
        "branch TEXT",
        "attrs TEXT NOT NULL",
    ],
    stream: "'pins/' || t.file_id",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&PIN_FILES, &PINS];

/// Which of the values of a file say whose it is.
const MANAGER: usize = 3;

const VIEW: View = View {
    name: "v1_pins",
    doc: "The sources that files pin without a flake, now and before: those of npins, niv and channels.",
    columns: columns! {
        "file" text "The file, or the profile with the channels.";
        "manager" text "Whose file it is: `npins`, `niv` or `channels`.";
        "name" text "The pin's name.";
        "type" text "What kind of source it is, as in `github` or `tarball`.";
        "url" text "Where it is fetched from; NULL where owner and repository say it.";
        "rev" text "The revision; NULL for a source without one.";
        "hash" text "The hash of its content, as its tool writes it; NULL without one.";
        "branch" text "The branch, tag or channel that it follows; NULL when it follows none.";
        "attrs" json "All attributes, as a lock would write them.";
        "valid_from" time "From when it was pinned like this.";
        "valid_to" time "Until when; NULL for what holds now.";
        "origin" text "Public key of the origin whose machine it is on.";
    },
    sql: "
SELECT p.file, p.manager, p.name, p.type, p.url, p.rev, p.hash, p.branch, p.attrs, {time p.valid_from}, NULL,
       (SELECT o.public_key FROM (SELECT file_id, origin FROM {pin_files} UNION SELECT file_id, origin FROM {pin_files_past}) f
        JOIN origins o ON o.id = f.origin WHERE f.file_id = p.file_id)
FROM {pins} p
UNION ALL
SELECT p.file, p.manager, p.name, p.type, p.url, p.rev, p.hash, p.branch, p.attrs, {time p.valid_from}, {time p.valid_to},
       (SELECT o.public_key FROM (SELECT file_id, origin FROM {pin_files} UNION SELECT file_id, origin FROM {pin_files_past}) f
        JOIN origins o ON o.id = f.origin WHERE f.file_id = p.file_id)
FROM {pins_past} p",
    examples: &[Example {
        sql: "SELECT file, name, rev FROM v1_pins WHERE valid_to IS NULL AND attrs ->> '$.repo' = 'nixpkgs'",
        doc: "Which nixpkgs is pinned where without a flake?",
    }],
};

impl Projection for Pins {
    fn name(&self) -> &'static str {
        "pins"
    }

    fn revision(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[catalogue::PINS_DISCOVERED, catalogue::PINS_UPDATED, catalogue::PINS_REMOVED]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Pins(told)) = told.as_deref() else { return Ok(()) };
        let id = Cell::from(event.key());
        match told {
            PinsEvent::Discovered { file, manager, pins } => {
                put_file(target, event, file, manager.name())?;
                // That it was gone before may be erased.
                let is_told =
                    |rest: &[Cell]| rest.first().and_then(Cell::text).is_some_and(|name| pins.contains_key(name));
                target.end_below(&PINS, &id, event, |rest| !is_told(rest))?;
                for (name, attrs) in pins {
                    put(target, event, (file, manager.name()), name, attrs)?;
                }
            }
            PinsEvent::Updated { file, changes } => {
                let known = target.now(&PIN_FILES, std::slice::from_ref(&id))?;
                let manager = known.as_ref().and_then(|row| row.get(MANAGER)?.text());
                // What discovered it may be erased; a profile with channels is the one file with any name.
                let by_name = || Manager::of(&file.to_path()).unwrap_or(Manager::Channels).name();
                let manager = manager.unwrap_or_else(by_name);
                put_file(target, event, file, manager)?;
                for change in changes {
                    match &change.to {
                        Some(attrs) => put(target, event, (file, manager), &change.name, attrs)?,
                        None => drop(target.end(&PINS, &[id.clone(), change.name.as_str().into()], event)?),
                    }
                }
            }
            PinsEvent::Removed { .. } => {
                target.end(&PIN_FILES, std::slice::from_ref(&id), event)?;
                target.end_below(&PINS, &id, event, |_| true)?;
            }
        }
        Ok(())
    }
}

fn put_file(target: &Target<'_>, event: &Applied<'_>, file: &RecordedPath, manager: &str) -> rusqlite::Result<()> {
    let row = vec![event.origin.into(), file.text().into(), file.bytes().into(), manager.into()];
    target.put(&PIN_FILES, &[event.key().into()], row, event)
}

fn put(
    target: &Target<'_>,
    event: &Applied<'_>,
    (file, manager): (&RecordedPath, &str),
    name: &str,
    attrs: &Attrs,
) -> Result<(), ApplyError> {
    let text = |name: &str| Cell::from(attrs.get(name).and_then(Value::as_str));
    let branch = attrs.get("ref").or_else(|| attrs.get("channel")).and_then(Value::as_str);
    let row = vec![
        file.text().into(),
        file.bytes().into(),
        manager.into(),
        attrs.get("type").and_then(Value::as_str).unwrap_or("?").into(),
        text("url"),
        text("rev"),
        text("hash"),
        branch.into(),
        attrs_text(Some(attrs))?.unwrap_or_else(|| "{}".to_owned()).into(),
    ];
    target.put(&PINS, &[event.key().into(), name.into()], row, event)?;
    Ok(())
}

//! Projection `modules`: the Nix files that are modules, and the options that they declare and define, from when until when.

use super::cell::Cell;
use super::listed;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::module::{ModuleChange, ModuleEvent, ModuleKind};
use crate::domain::nix_file::NixFile;

/// The projection.
#[derive(Debug)]
pub(super) struct Modules;

static MODULES: Table = Table {
    name: "modules",
    key: &["file_id TEXT"],
    values: &[
        "origin INTEGER NOT NULL",
        "flake TEXT",
        "path TEXT NOT NULL",
        "path_bytes BLOB",
        "kind TEXT NOT NULL",
        "declared INTEGER NOT NULL",
        "defined INTEGER NOT NULL",
        "imports INTEGER NOT NULL",
        "left_out INTEGER NOT NULL",
        "imported TEXT NOT NULL",
    ],
    stream: "'module/' || t.file_id",
    keeps: Keeps::Intervals,
    indexes: &["flake"],
    past_indexes: &["flake"],
};

/// Which of the values of a module are its kind and the files that it imports.
const KIND: usize = 4;
const IMPORTED: usize = 9;

static OPTIONS: Table = Table {
    name: "module_options",
    key: &["file_id TEXT", "option TEXT", "how TEXT"],
    values: &["origin INTEGER NOT NULL", "flake TEXT", "path TEXT NOT NULL", "path_bytes BLOB"],
    stream: "'module/' || t.file_id",
    keeps: Keeps::Intervals,
    indexes: &["option"],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&MODULES, &OPTIONS];

/// How an option is told of.
const HOW_DECLARED: &str = "declared";
const HOW_DEFINED: &str = "defined";

const MODULES_VIEW: View = View {
    name: "v1_modules",
    doc: "The Nix files that are modules, now and before.",
    columns: columns! {
        "flake" id "The flake whose file it is; NULL for a file without one.";
        "path" text "The path inside the flake; the whole path of a file without one.";
        "kind" text "Which module system reads it: `nixos`, `home`, `darwin`, `flake-parts`; `unknown` when it does not show.";
        "declared" integer "How many options it declares.";
        "defined" integer "How many options it defines.";
        "imports" integer "How many files it imports by a literal path.";
        "left_out" integer "How many names there was no room for.";
        "valid_from" time "From when it was so.";
        "valid_to" time "Until when; NULL for what holds now.";
        "origin" text "Public key of the origin whose machine it is on.";
    },
    sql: "
SELECT m.flake, m.path, m.kind, m.declared, m.defined, m.imports, m.left_out, {time m.valid_from}, NULL,
       o.public_key
FROM {modules} m JOIN origins o ON o.id = m.origin
WHERE m.flake IS NULL OR EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = m.flake)
UNION ALL
SELECT m.flake, m.path, m.kind, m.declared, m.defined, m.imports, m.left_out, {time m.valid_from}, {time m.valid_to},
       o.public_key
FROM {modules_past} m JOIN origins o ON o.id = m.origin",
    examples: &[Example {
        sql: "SELECT path, defined FROM v1_modules WHERE valid_to IS NULL ORDER BY defined DESC LIMIT 10",
        doc: "Which modules define most?",
    }],
};

const OPTIONS_VIEW: View = View {
    name: "v1_module_options",
    doc: "The options that modules declare and define, now and before, as far as they are written out.",
    columns: columns! {
        "flake" id "The flake whose file it is; NULL for a file without one.";
        "path" text "The path inside the flake; the whole path of a file without one.";
        "option" text "The option, as in `services.nginx.enable`; `*` stands for a computed name.";
        "how" text "`declared` or `defined`.";
        "valid_from" time "From when it was so.";
        "valid_to" time "Until when; NULL for what holds now.";
        "origin" text "Public key of the origin whose machine it is on.";
    },
    sql: "
SELECT m.flake, m.path, m.option, m.how, {time m.valid_from}, NULL,
       o.public_key
FROM {module_options} m JOIN origins o ON o.id = m.origin
WHERE m.flake IS NULL OR EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = m.flake)
UNION ALL
SELECT m.flake, m.path, m.option, m.how, {time m.valid_from}, {time m.valid_to},
       o.public_key
FROM {module_options_past} m JOIN origins o ON o.id = m.origin",
    examples: &[Example {
        sql: "SELECT flake, path FROM v1_module_options WHERE valid_to IS NULL AND how = 'defined' \
              AND option = 'services.nginx.enable'",
        doc: "Who sets an option?",
    }],
};

impl Projection for Modules {
    fn name(&self) -> &'static str {
        "modules"
    }

    fn revision(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[MODULES_VIEW, OPTIONS_VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[catalogue::MODULE_DISCOVERED, catalogue::MODULE_UPDATED, catalogue::MODULE_DELETED]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Module(told)) = told.as_deref() else { return Ok(()) };
        match told {
            ModuleEvent::Discovered { file, module } => {
                // That it was gone before may be erased.
                let is_told = |rest: &[Cell]| {
                    let names = match rest.last().and_then(Cell::text) {
                        Some(HOW_DECLARED) => &module.declared,
                        _ => &module.defined,
                    };
                    rest.first().and_then(Cell::text).is_some_and(|option| names.contains(option))
                };
                target.end_below(&OPTIONS, &event.key().into(), event, |rest| !is_told(rest))?;
                for (how, names) in [(HOW_DECLARED, &module.declared), (HOW_DEFINED, &module.defined)] {
                    for option in names {
                        put_option(target, event, file, option, how)?;
                    }
                }
                put(target, event, file, module.kind.name(), listed::cell(&module.imports)?, module.left_out)?;
            }
            ModuleEvent::Updated { file, change } => update(target, event, file, change)?,
            ModuleEvent::Deleted { .. } => {
                target.end(&MODULES, &[event.key().into()], event)?;
                target.end_below(&OPTIONS, &event.key().into(), event, |_| true)?;
            }
        }
        Ok(())
    }
}

fn update(target: &Target<'_>, event: &Applied<'_>, file: &NixFile, change: &ModuleChange) -> Result<(), ApplyError> {
    let known = target.now(&MODULES, &[event.key().into()])?;
    let cell = |index: usize| known.as_ref().and_then(|row| row.get(index));
    let before = cell(KIND).and_then(Cell::text).unwrap_or(ModuleKind::Unknown.name());
    let kind = change.kind.map_or(before, |(_, to)| to.name());
    for (how, change) in [(HOW_DECLARED, &change.declared), (HOW_DEFINED, &change.defined)] {
        for option in &change.removed {
            target.end(&OPTIONS, &[event.key().into(), option.as_str().into(), how.into()], event)?;
        }
        for option in &change.added {
            put_option(target, event, file, option, how)?;
        }
    }
    put(target, event, file, kind, listed::changed(cell(IMPORTED), &change.imports)?, change.left_out)
}

/// Counts what is there and not what an event adds: one before it may be erased.
fn put(
    target: &Target<'_>,
    event: &Applied<'_>,
    file: &NixFile,
    kind: &str,
    imported: Cell,
    left_out: u32,
) -> Result<(), ApplyError> {
    let id = Cell::from(event.key());
    let options = target.all_now(&OPTIONS, &id)?;
    let count = |how: &str| options.iter().filter(|(rest, _)| rest.last().and_then(Cell::text) == Some(how)).count();
    let counts = [count(HOW_DECLARED), count(HOW_DEFINED), listed::count(&imported)?];
    let mut row = place(event, file);
    row.push(kind.into());
    row.extend(counts.map(|count| Cell::from(i64::try_from(count).unwrap_or(i64::MAX))));
    row.extend([i64::from(left_out).into(), imported]);
    target.put(&MODULES, &[id], row, event)?;
    Ok(())
}

fn put_option(
    target: &Target<'_>,
    event: &Applied<'_>,
    file: &NixFile,
    option: &str,
    how: &str,
) -> Result<(), ApplyError> {
    target.put(&OPTIONS, &[event.key().into(), option.into(), how.into()], place(event, file), event)?;
    Ok(())
}

/// Whose file it is and where.
fn place(event: &Applied<'_>, file: &NixFile) -> Vec<Cell> {
    let flake = file.flake.map(|flake| flake.to_string());
    vec![event.origin.into(), flake.into(), file.path.text().into(), file.path.bytes().into()]
}

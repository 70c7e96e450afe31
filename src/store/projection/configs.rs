//! Projection `configs`: the configurations that flakes have, with what is seen of them, from when until when.

use super::cell::Cell;
use super::listed;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::config::ConfigEvent;
use crate::domain::config::host::{Host, HostChange, HostName};

/// The projection.
#[derive(Debug)]
pub(super) struct Configs;

static CONFIGS: Table = Table {
    name: "configs",
    key: &["config TEXT"],
    values: &[
        "origin INTEGER NOT NULL",
        "flake TEXT NOT NULL",
        "kind TEXT NOT NULL",
        "name TEXT NOT NULL",
        "system TEXT",
        "modules TEXT NOT NULL",
        "users TEXT NOT NULL",
        "services TEXT NOT NULL",
        "unknown TEXT NOT NULL",
        "left_out INTEGER NOT NULL",
    ],
    stream: "'config/' || t.config",
    keeps: Keeps::Intervals,
    indexes: &["flake"],
    past_indexes: &["flake"],
};

/// Which of the values is the system, and which ones are names.
const SYSTEM: usize = 4;
const MODULES: usize = 5;
const USERS: usize = 6;
const SERVICES: usize = 7;
const UNKNOWN: usize = 8;

const TABLES: &[&Table] = &[&CONFIGS];

const VIEW: View = View {
    name: "v1_configs",
    doc: "The configurations that flakes have, now and before, with what their modules say as far as it is written out.",
    columns: columns! {
        "flake" id "The flake.";
        "kind" text "What it is for: `nixos`, `darwin` or `home`.";
        "name" text "Its name among those of the flake.";
        "system" text "The system, as in `x86_64-linux`; NULL where the flake does not say it.";
        "modules" json "The modules that it names by a literal path, and those that they import so: paths inside the flake.";
        "users" json "The users that these define.";
        "services" json "The services that these enable.";
        "unknown" json "What else may be part of it and was not looked into, each with why.";
        "left_out" integer "How many names there was no room for.";
        "valid_from" time "From when it was so.";
        "valid_to" time "Until when; NULL for what holds now.";
        "origin" text "Public key of the origin whose machine it is on.";
    },
    sql: "
SELECT c.flake, c.kind, c.name, c.system, c.modules, c.users, c.services, c.unknown, c.left_out, {time c.valid_from}, NULL,
       o.public_key
FROM {configs} c JOIN origins o ON o.id = c.origin
WHERE EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = c.flake)
UNION ALL
SELECT c.flake, c.kind, c.name, c.system, c.modules, c.users, c.services, c.unknown, c.left_out, {time c.valid_from},
       {time c.valid_to}, o.public_key
FROM {configs_past} c JOIN origins o ON o.id = c.origin",
    examples: &[Example {
        sql: "SELECT c.name FROM v1_configs c, json_each(c.services) s WHERE c.valid_to IS NULL AND s.value = 'openssh'",
        doc: "Which machines enable a service?",
    }],
};

impl Projection for Configs {
    fn name(&self) -> &'static str {
        "configs"
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
        &[catalogue::CONFIG_DISCOVERED, catalogue::CONFIG_UPDATED, catalogue::CONFIG_DELETED]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        match told.as_deref() {
            Some(Event::Config(ConfigEvent::Discovered { name, host })) => discover(target, event, name, host),
            Some(Event::Config(ConfigEvent::Updated { name, change })) => update(target, event, name, change),
            Some(Event::Config(ConfigEvent::Deleted { .. })) => {
                target.end(&CONFIGS, &[event.key().into()], event)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn discover(target: &Target<'_>, event: &Applied<'_>, name: &HostName, host: &Host) -> Result<(), ApplyError> {
    let names = [
        listed::cell(&host.modules)?,
        listed::cell(&host.users)?,
        listed::cell(&host.services)?,
        listed::cell(&host.unknown)?,
    ];
    put(target, event, name, host.system.as_deref().into(), names, host.left_out)
}

fn update(target: &Target<'_>, event: &Applied<'_>, name: &HostName, change: &HostChange) -> Result<(), ApplyError> {
    let known = target.now(&CONFIGS, &[event.key().into()])?;
    let cell = |index: usize| known.as_ref().and_then(|row| row.get(index));
    let system = match &change.system {
        Some((_, to)) => to.as_deref().into(),
        None => cell(SYSTEM).cloned().unwrap_or(Cell::Null),
    };
    let names = [
        listed::changed(cell(MODULES), &change.modules)?,
        listed::changed(cell(USERS), &change.users)?,
        listed::changed(cell(SERVICES), &change.services)?,
        listed::changed(cell(UNKNOWN), &change.unknown)?,
    ];
    put(target, event, name, system, names, change.left_out)
}

fn put(
    target: &Target<'_>,
    event: &Applied<'_>,
    name: &HostName,
    system: Cell,
    names: [Cell; 4],
    left_out: u32,
) -> Result<(), ApplyError> {
    let mut row = vec![
        event.origin.into(),
        name.flake.to_string().into(),
        name.kind.name().into(),
        name.name.as_str().into(),
        system,
    ];
    row.extend(names);
    row.push(i64::from(left_out).into());
    target.put(&CONFIGS, &[event.key().into()], row, event)?;
    Ok(())
}

//! Projection `generations`: which generation of a machine's profiles was current from when until when.

use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::config::{ConfigEvent, Generation};
use crate::domain::path::RecordedPath;

/// The projection.
#[derive(Debug)]
pub(super) struct Generations;

/// One row each time that a generation became the current one; it was that until the next of its profile.
static GENERATIONS: Table = Table {
    name: "generations",
    key: &["config TEXT", "position INTEGER"],
    values: &[
        "origin INTEGER NOT NULL",
        "profile TEXT NOT NULL",
        "profile_bytes BLOB",
        "generation INTEGER NOT NULL",
        "store_path TEXT NOT NULL",
        "version TEXT",
        "revision TEXT",
        "configuration TEXT",
        "rolled_back INTEGER NOT NULL",
        "occurred_at INTEGER NOT NULL",
    ],
    stream: "'config/' || t.config",
    keeps: Keeps::Records("DO NOTHING"),
    indexes: &[],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&GENERATIONS];

const VIEW: View = View {
    name: "v1_generations",
    doc: "Which generation of a NixOS machine was the current one, from when until when.",
    columns: columns! {
        "config" id "The profile's stream.";
        "origin" text "Public key of the origin whose machine it is.";
        "profile" text "The profile, as in `/nix/var/nix/profiles/system`.";
        "generation" integer "Its number.";
        "store_path" text "What it is.";
        "version" text "The version that the system says it has; NULL when it says none.";
        "revision" text "The revision of nixpkgs, in full or its beginning; NULL when it is not known.";
        "configuration" text "The revision of the configuration; NULL when that does not say.";
        "rolled_back" bool "1 when it was gone back to from a later one.";
        "valid_from" time "When it became the current one.";
        "valid_to" time "When another did; NULL for the one that is current now.";
        "position" integer "Place in the log of the event that says so.";
    },
    sql: "
SELECT g.config, o.public_key, g.profile, g.generation, g.store_path, g.version, g.revision, g.configuration,
       g.rolled_back, {time g.occurred_at},
       (SELECT {time n.occurred_at} FROM {generations} n WHERE n.config = g.config AND n.position > g.position
        ORDER BY n.position LIMIT 1), g.position
FROM {generations} g JOIN origins o ON o.id = g.origin",
    examples: &[
        Example {
            sql: "SELECT generation, version, valid_from FROM v1_generations WHERE valid_to IS NULL",
            doc: "Which generation is the current one?",
        },
        Example {
            sql: "SELECT revision, min(valid_from), max(coalesce(valid_to, datetime('now'))) FROM v1_generations \
                  GROUP BY revision ORDER BY 2",
            doc: "How long did this machine live on which nixpkgs?",
        },
    ],
};

impl Projection for Generations {
    fn name(&self) -> &'static str {
        "generations"
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
        &[catalogue::CONFIG_ACTIVATED, catalogue::CONFIG_ROLLED_BACK]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        match told.as_deref() {
            Some(Event::Config(ConfigEvent::Activated { profile, generation })) => {
                record(target, event, profile, generation, false);
            }
            Some(Event::Config(ConfigEvent::RolledBack { profile, to, .. })) => {
                record(target, event, profile, to, true);
            }
            _ => {}
        }
        Ok(())
    }
}

fn record(target: &Target<'_>, event: &Applied<'_>, profile: &RecordedPath, generation: &Generation, back: bool) {
    let row = vec![
        event.key().into(),
        event.position.into(),
        event.origin.into(),
        profile.text().into(),
        profile.bytes().into(),
        i64::try_from(generation.number).unwrap_or(i64::MAX).into(),
        generation.store_path.as_str().into(),
        generation.version.as_deref().into(),
        generation.revision.as_deref().into(),
        generation.configuration.as_deref().into(),
        back.into(),
        event.occurred_at.into(),
    ];
    target.record(&GENERATIONS, row);
}

//! Projection `flakes`: where each flake is, what it says of itself, and when that changed.

use rusqlite::Row;

use super::view::columns;
use super::{Applied, ApplyError, Example, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::event::{Discovered, FlakeEvent};
use crate::domain::path::RecordedPath;

/// The projection.
#[derive(Debug)]
pub(super) struct Flakes;

const TABLE: Table = Table {
    name: "flakes",
    ddl: "
CREATE TABLE {flakes} (
  id TEXT NOT NULL,
  origin INTEGER NOT NULL,
  path TEXT NOT NULL,
  path_bytes BLOB,
  description TEXT,
  lineage TEXT,
  extractor INTEGER NOT NULL,
  nix_config TEXT NOT NULL,
  state TEXT NOT NULL,                 -- present, removed, forgotten
  discovered_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  from_position INTEGER NOT NULL,
  to_position INTEGER,
  PRIMARY KEY (id, from_position)
) STRICT, WITHOUT ROWID;
CREATE INDEX {flakes}_now ON {flakes} (id) WHERE valid_to IS NULL;
CREATE INDEX {flakes}_path ON {flakes} (path) WHERE valid_to IS NULL;",
};

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
        "problems" integer "How many problems are open in its files.";
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
       (SELECT count(*) FROM {problems} p WHERE p.flake = f.id),
       f.nix_config, {time f.discovered_at}, {time f.changed_at}, f.extractor
FROM {live_flakes} f JOIN origins o ON o.id = f.origin",
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
        let before = close(target, event)?;
        let row = if only_touches(event.kind) {
            before.map(|row| Flake { changed_at: event.occurred_at, ..row })
        } else {
            let told = event.event()?;
            let Some(Event::Flake(told)) = told.as_deref() else { return reopen(target, event, before) };
            after(before, told, event)?
        };
        reopen(target, event, row)
    }
}

/// A flake from one event to the next.
struct Flake {
    origin: i64,
    path: RecordedPath,
    description: Option<String>,
    lineage: Option<String>,
    extractor: u32,
    nix_config: String,
    state: &'static str,
    discovered_at: i64,
    changed_at: i64,
    valid_from: i64,
}

const STATES: [&str; 3] = ["present", "removed", "forgotten"];

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

fn after(before: Option<Flake>, told: &FlakeEvent, event: &Applied<'_>) -> Result<Option<Flake>, ApplyError> {
    if let FlakeEvent::Discovered(found) = told {
        return Ok(Some(discovered(before, found, event)?));
    }
    let Some(mut row) = before else { return Ok(None) };
    if !matches!(told, FlakeEvent::ObserverChanged(_)) {
        row.changed_at = event.occurred_at;
    }
    match told {
        FlakeEvent::DescriptionChanged { to, .. } => row.description.clone_from(to),
        FlakeEvent::NixConfigChanged { to, .. } => row.nix_config = serde_json::to_string(to)?,
        FlakeEvent::LineageChanged { to, .. } => row.lineage = to.as_ref().map(ToString::to_string),
        FlakeEvent::Moved { to, .. } => row.path = to.clone(),
        FlakeEvent::Removed { .. } => row.state = "removed",
        FlakeEvent::Forgotten { .. } => row.state = "forgotten",
        FlakeEvent::ObserverChanged(change) => {
            row.extractor = change.to;
            row.description.clone_from(&change.facts.description);
            row.nix_config = serde_json::to_string(&change.facts.nix_config)?;
        }
        _ => {}
    }
    Ok(Some(row))
}

fn discovered(before: Option<Flake>, found: &Discovered, event: &Applied<'_>) -> Result<Flake, ApplyError> {
    let (discovered_at, valid_from) =
        before.map_or((event.occurred_at, event.occurred_at), |row| (row.discovered_at, row.valid_from));
    Ok(Flake {
        origin: event.origin,
        path: found.directory.clone(),
        description: found.facts.description.clone(),
        lineage: found.lineage.as_ref().map(ToString::to_string),
        extractor: found.extractor,
        nix_config: serde_json::to_string(&found.facts.nix_config)?,
        state: "present",
        discovered_at,
        changed_at: event.occurred_at,
        valid_from,
    })
}

/// Ends the row that is valid now; an interval never ends before it began, whatever the clock did.
fn close(target: &Target<'_>, event: &Applied<'_>) -> rusqlite::Result<Option<Flake>> {
    let sql = "UPDATE {flakes} SET valid_to = max(valid_from, ?2), to_position = ?3 \
               WHERE id = ?1 AND valid_to IS NULL \
               RETURNING origin, path, path_bytes, description, lineage, extractor, nix_config, state, \
                         discovered_at, changed_at, valid_to AS valid_from";
    let rows = target.rows(sql, (event.key(), event.occurred_at, event.position), read)?;
    Ok(rows.into_iter().next())
}

fn reopen(target: &Target<'_>, event: &Applied<'_>, row: Option<Flake>) -> Result<(), ApplyError> {
    let Some(row) = row else { return Ok(()) };
    let sql = "INSERT INTO {flakes} (id, origin, path, path_bytes, description, lineage, extractor, nix_config, state, \
               discovered_at, changed_at, valid_from, from_position) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let params = (
        event.key(),
        row.origin,
        row.path.text(),
        row.path.bytes(),
        row.description,
        row.lineage,
        row.extractor,
        row.nix_config,
        row.state,
        row.discovered_at,
        row.changed_at,
        row.valid_from,
        event.position,
    );
    target.run(sql, params)?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Flake> {
    let state: String = row.get("state")?;
    Ok(Flake {
        origin: row.get("origin")?,
        path: RecordedPath::from_parts(row.get("path")?, row.get("path_bytes")?),
        description: row.get("description")?,
        lineage: row.get("lineage")?,
        extractor: row.get("extractor")?,
        nix_config: row.get("nix_config")?,
        state: STATES.into_iter().find(|known| *known == state).unwrap_or("present"),
        discovered_at: row.get("discovered_at")?,
        changed_at: row.get("changed_at")?,
        valid_from: row.get("valid_from")?,
    })
}

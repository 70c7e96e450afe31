//! Projection `input_history`: every change of a locked input, as git tells it and as scans saw it.

use super::cell::Cell;
use super::stored::attrs_text;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::event::FlakeEvent;
use crate::domain::lineage::Lineage;
use crate::domain::lock::PathChange;
use crate::domain::lock_history::{Commit, LockHistoryEvent};
use crate::store::shape::raw::{self, text};

/// The projection.
#[derive(Debug)]
pub(super) struct InputHistory;

/// One row an input and change; a change is a commit, or the event of what a scan saw.
static INPUT_HISTORY: Table = Table {
    name: "input_history",
    key: &["flake TEXT", "input TEXT", "change TEXT"],
    values: &[
        "node TEXT NOT NULL",
        "\"from\" TEXT",
        "\"to\" TEXT",
        "source TEXT NOT NULL",
        "occurred_at INTEGER NOT NULL",
        "\"commit\" TEXT",
        "author TEXT",
        "summary TEXT",
        "event_id TEXT NOT NULL",
        "position INTEGER NOT NULL",
    ],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Records("DO NOTHING"),
    indexes: &["\"commit\", input"],
    past_indexes: &[],
};

/// The commits that the branch no longer holds, as long as they do not come back.
static LOST_COMMITS: Table = Table {
    name: "lost_commits",
    key: &["flake TEXT", "\"commit\" TEXT"],
    values: &[],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

static LINEAGES: Table = Table {
    name: "lineages",
    key: &["flake TEXT"],
    values: &["lineage TEXT", "occurred_at INTEGER NOT NULL", "position INTEGER NOT NULL"],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Records("DO UPDATE SET lineage = excluded.lineage"),
    indexes: &[],
    past_indexes: &[],
};

const TABLES: &[&Table] = &[&INPUT_HISTORY, &LOST_COMMITS, &LINEAGES];

/// Whether a change that a scan saw, `h`, was committed afterwards: by commits that lead from the one source to the other, the
/// last of them recorded later. What older commits tell is no news of a lock that was taken out again.
macro_rules! was_committed {
    () => {
        "EXISTS (
    SELECT 1 FROM {input_history} a JOIN {input_history} b ON b.flake = a.flake AND b.input = a.input
    WHERE a.flake = h.flake AND a.input = h.input AND a.source = 'git' AND b.source = 'git' AND b.position > h.position
      AND a.\"from\" IS h.\"from\" AND b.\"to\" IS h.\"to\" AND a.occurred_at <= b.occurred_at)"
    };
}
pub(in crate::store) use was_committed;

/// Whether the branch holds the commit of a row at the moment that is looked at.
macro_rules! is_reachable {
    ($row:literal) => {
        concat!(
            "(NOT EXISTS (SELECT 1 FROM {lost_commits flake = ",
            $row,
            ".flake AND \"commit\" = ",
            $row,
            ".\"commit\"} l WHERE l.flake = ",
            $row,
            ".flake AND l.\"commit\" = ",
            $row,
            ".\"commit\"))"
        )
    };
}
pub(in crate::store) use is_reachable;

/// Whether a row `h` of a commit gives way to the same commit in another clone, where it says the same: to one that still holds it, else
/// to the first.
macro_rules! is_told_elsewhere {
    () => {
        concat!(
            "EXISTS (
    SELECT 1 FROM {input_history} o
    JOIN {lineages} theirs ON theirs.flake = o.flake JOIN {lineages} ours ON ours.flake = h.flake
    WHERE o.\"commit\" = h.\"commit\" AND o.input = h.input AND o.\"to\" IS h.\"to\" AND theirs.lineage = ours.lineage
      AND (",
            is_reachable!("o"),
            " > ",
            is_reachable!("h"),
            " OR ",
            is_reachable!("o"),
            " = ",
            is_reachable!("h"),
            " AND o.position < h.position))"
        )
    };
}
pub(in crate::store) use is_told_elsewhere;

const VIEW: View = View {
    name: "v1_input_history",
    doc: "Every change of a locked input: each commit of a project once, and what scans saw that no commit tells.",
    columns: columns! {
        "flake" id "The flake whose lock changed; of a commit in several clones the one that recorded it first, of those that still hold it.";
        "occurred_at" time "When it was committed, or when a scan saw it.";
        "commit" text "The commit; NULL for a change seen in the working tree.";
        "author" text "Who wrote the commit, as git names its author; NULL for a change seen in the working tree.";
        "input" text "The input, as a path from the root: `home-manager/nixpkgs`.";
        "node" text "The key of its lock node.";
        "from" json "The source before, with the lock's own fields; NULL when the input is new.";
        "to" json "The source after; NULL when the input is gone.";
        "event_id" id "The event that recorded it.";
        "source" text "`git` or `seen`.";
        "reachable" bool "0 for a commit that the branch no longer holds, in none of its clones.";
        "summary" text "First line of the commit's message; NULL for a change seen in the working tree.";
        "position" integer "Place of that event in the log.";
    },
    sql: concat!(
        "
SELECT h.flake, {time h.occurred_at}, h.\"commit\", h.author, h.input, h.node, h.\"from\", h.\"to\", h.event_id,
       h.source, ",
        is_reachable!("h"),
        ", h.summary, h.position
FROM {input_history} h
WHERE CASE h.source
  WHEN 'git' THEN NOT ",
        is_told_elsewhere!(),
        "
  ELSE NOT ",
        was_committed!(),
        " END"
    ),
    examples: &[
        Example {
            sql: "SELECT occurred_at, \"commit\", json_extract(\"from\", '$.rev'), json_extract(\"to\", '$.rev') \
                  FROM v1_input_history WHERE input = 'nixpkgs' ORDER BY occurred_at DESC LIMIT 20",
            doc: "When was nixpkgs updated, and from what to what?",
        },
        Example {
            sql: "SELECT flake, count(*) FROM v1_input_history WHERE occurred_at >= date('now', '-7 days') GROUP BY flake",
            doc: "Which flakes had their inputs changed in the last week?",
        },
    ],
};

impl Projection for InputHistory {
    fn name(&self) -> &'static str {
        "input_history"
    }

    fn revision(&self) -> u32 {
        4
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
            catalogue::FLAKE_LINEAGE_CHANGED,
            catalogue::FLAKE_UPDATED,
            catalogue::LOCK_HISTORY_RECORDED,
            catalogue::LOCK_HISTORY_UNREACHABLE,
        ]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        if [catalogue::FLAKE_UPDATED, catalogue::LOCK_HISTORY_RECORDED].contains(&event.kind)
            && let Some(told) = event.payload().and_then(raw::changes)
        {
            return record(target, event, &told);
        }
        let told = event.event()?;
        match told.as_deref() {
            Some(Event::Flake(FlakeEvent::Discovered(found))) => {
                set_lineage(target, event, found.lineage.as_ref().map(Lineage::as_str));
            }
            Some(Event::Flake(FlakeEvent::LineageChanged { to, .. })) => {
                set_lineage(target, event, to.as_ref().map(Lineage::as_str));
            }
            Some(Event::Flake(FlakeEvent::Updated(updated))) => record_read(target, event, &updated.changes, None)?,
            Some(Event::LockHistory(LockHistoryEvent::Recorded(recorded))) => {
                record_read(target, event, &recorded.changes, Some(&recorded.commit))?;
            }
            Some(Event::LockHistory(LockHistoryEvent::Unreachable { commits, .. })) => {
                for commit in commits {
                    target.put(&LOST_COMMITS, &[event.key().into(), commit.as_str().into()], Vec::new(), event)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn set_lineage(target: &Target<'_>, event: &Applied<'_>, lineage: Option<&str>) {
    let row = vec![event.key().into(), lineage.into(), event.occurred_at.into(), event.position.into()];
    target.record(&LINEAGES, row);
}

/// What changed, as the payload says it.
fn record(target: &Target<'_>, event: &Applied<'_>, told: &raw::Changes<'_>) -> Result<(), ApplyError> {
    let row = Row::of(event, told.commit.as_ref().map(|commit| (&*commit.id, &*commit.author, &*commit.summary)));
    let at = told.commit.as_ref().map_or(event.occurred_at, raw::Commit::committed_at);
    for change in &told.changes {
        row.put(target, [&change.input, &change.node], [text(change.from).into(), text(change.to).into()], at);
    }
    found(target, event, told.commit.as_ref().map(|commit| &*commit.id))
}

/// The same of a payload that has to be read the long way.
fn record_read(
    target: &Target<'_>,
    event: &Applied<'_>,
    changes: &[PathChange],
    commit: Option<&Commit>,
) -> Result<(), ApplyError> {
    let row = Row::of(event, commit.map(|commit| (&*commit.id, &*commit.author, &*commit.summary)));
    let at = commit.map_or(event.occurred_at, |commit| commit.committed_at);
    for change in changes {
        let sources = [attrs_text(change.from.as_ref())?.into(), attrs_text(change.to.as_ref())?.into()];
        row.put(target, [&change.input, &change.node], sources, at);
    }
    found(target, event, commit.map(|commit| &*commit.id))
}

/// A commit that comes back after it was lost is reachable again.
fn found(target: &Target<'_>, event: &Applied<'_>, commit: Option<&str>) -> Result<(), ApplyError> {
    if let Some(commit) = commit {
        target.end(&LOST_COMMITS, &[event.key().into(), commit.into()], event)?;
    }
    Ok(())
}

/// What the rows of one event have in common.
struct Row {
    flake: Cell,
    change: Cell,
    commit: [Cell; 3],
    source: Cell,
    event_id: Cell,
    position: Cell,
}

impl Row {
    fn of(event: &Applied<'_>, commit: Option<(&str, &str, &str)>) -> Self {
        let event_id = Cell::from(event.event_id.hyphenated().to_string());
        let none = || [Cell::Null, Cell::Null, Cell::Null];
        let (source, commit) = commit.map_or_else(
            || (Cell::from("seen"), none()),
            |(id, author, summary)| ("git".into(), [id.into(), author.into(), summary.into()]),
        );
        let [id, ..] = &commit;
        let change = if *id == Cell::Null { event_id.clone() } else { id.clone() };
        Self { flake: event.key().into(), change, commit, source, event_id, position: event.position.into() }
    }

    fn put(&self, target: &Target<'_>, [input, node]: [&str; 2], [from, to]: [Cell; 2], at: i64) {
        let [commit, author, summary] = self.commit.clone();
        let row = vec![
            self.flake.clone(),
            input.into(),
            self.change.clone(),
            node.into(),
            from,
            to,
            self.source.clone(),
            at.into(),
            commit,
            author,
            summary,
            self.event_id.clone(),
            self.position.clone(),
        ];
        target.record(&INPUT_HISTORY, row);
    }
}

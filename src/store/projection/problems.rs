//! Projection `problems`: what is wrong with the files, from when until when.

use super::view::columns;
use super::{Applied, ApplyError, Example, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Subject};

/// The projection.
#[derive(Debug)]
pub(super) struct Problems;

const TABLE: Table = Table {
    name: "problems",
    ddl: "
CREATE TABLE {problems} (
  stream TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  flake TEXT,
  path TEXT NOT NULL,
  path_bytes BLOB,
  line INTEGER,
  code TEXT NOT NULL,
  severity TEXT NOT NULL,
  message TEXT NOT NULL,
  since INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  from_position INTEGER NOT NULL,
  to_position INTEGER,
  PRIMARY KEY (stream, fingerprint, from_position)
) STRICT, WITHOUT ROWID;
CREATE INDEX {problems}_now ON {problems} (flake) WHERE valid_to IS NULL;",
};

const VIEW: View = View {
    name: "v1_problems",
    doc: "The problems that are open now.",
    columns: columns! {
        "flake" id "The flake whose file it is; NULL for a file without one.";
        "path" text "The file.";
        "line" integer "The line to go to, counted from 1; NULL when the whole file is meant.";
        "code" text "Stable name of the kind, as in `dirty-lock`.";
        "severity" text "`error`, `warning` or `info`.";
        "message" text "One sentence with the next step.";
        "since" time "When it was first seen.";
        "fingerprint" text "What stays the same while the problem is the same.";
    },
    sql: "
SELECT p.flake, p.path, p.line, p.code, p.severity, p.message, {time p.since}, p.fingerprint
FROM {problems} p WHERE p.flake IS NULL OR EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = p.flake)",
    examples: &[Example {
        sql: "SELECT code, count(*) FROM v1_problems GROUP BY code ORDER BY 2 DESC",
        doc: "What goes wrong most often?",
    }],
};

impl Projection for Problems {
    fn name(&self) -> &'static str {
        "problems"
    }

    fn revision(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [Table] {
        &[TABLE]
    }

    fn views(&self) -> &'static [View] {
        &[VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[catalogue::FINDING_RAISED, catalogue::FINDING_CHANGED, catalogue::FINDING_RESOLVED]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Finding(told)) = told.as_deref() else { return Ok(()) };
        match told {
            FindingEvent::Raised { subject, findings } => {
                for finding in findings {
                    close(target, event, &finding.fingerprint)?;
                    open(target, event, subject, finding, None)?;
                }
            }
            FindingEvent::Changed { subject, findings } => {
                for finding in findings {
                    let since = since(target, event, &finding.fingerprint)?;
                    close(target, event, &finding.fingerprint)?;
                    open(target, event, subject, finding, since)?;
                }
            }
            FindingEvent::Resolved { fingerprints, .. } => {
                for fingerprint in fingerprints {
                    close(target, event, fingerprint)?;
                }
            }
        }
        Ok(())
    }
}

/// When the problem that is open now was first seen.
fn since(target: &Target<'_>, event: &Applied<'_>, fingerprint: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT since FROM {problems} WHERE stream = ?1 AND fingerprint = ?2 AND valid_to IS NULL";
    Ok(target.rows(sql, (event.stream, fingerprint), |row| row.get(0))?.first().copied())
}

fn close(target: &Target<'_>, event: &Applied<'_>, fingerprint: &str) -> rusqlite::Result<usize> {
    let sql = "UPDATE {problems} SET valid_to = max(valid_from, ?3), to_position = ?4 \
               WHERE stream = ?1 AND fingerprint = ?2 AND valid_to IS NULL";
    target.run(sql, (event.stream, fingerprint, event.occurred_at, event.position))
}

/// A problem that comes back begins no earlier than it last ended, whatever the clock did. `since` is when it was first
/// seen, when it has only changed.
fn open(
    target: &Target<'_>,
    event: &Applied<'_>,
    subject: &Subject,
    finding: &Finding,
    since: Option<i64>,
) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO {problems} (stream, fingerprint, flake, path, path_bytes, line, code, severity, message, \
               since, valid_from, from_position) \
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, coalesce(?12, begin), begin, ?11 FROM \
               (SELECT max(?10, coalesce(max(valid_to), ?10)) AS begin \
               FROM {problems} WHERE stream = ?1 AND fingerprint = ?2)";
    let params = (
        event.stream,
        &finding.fingerprint,
        subject.flake.map(|flake| flake.to_string()),
        subject.file.text(),
        subject.file.bytes(),
        finding.line,
        &finding.code,
        finding.severity.name(),
        &finding.message,
        event.occurred_at,
        event.position,
        since,
    );
    target.run(sql, params)
}

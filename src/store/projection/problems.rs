//! Projection `problems`: what is wrong with the files, from when until when.

use super::cell::Cell;
use super::view::columns;
use super::{Applied, ApplyError, Example, Keeps, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Subject};

/// The projection.
#[derive(Debug)]
pub(super) struct Problems;

static PROBLEMS: Table = Table {
    name: "problems",
    key: &["stream TEXT", "fingerprint TEXT"],
    values: &[
        "flake TEXT",
        "path TEXT NOT NULL",
        "path_bytes BLOB",
        "line INTEGER",
        "code TEXT NOT NULL",
        "severity TEXT NOT NULL",
        "message TEXT NOT NULL",
        "since INTEGER NOT NULL",
    ],
    stream: "t.stream",
    keeps: Keeps::Intervals,
    indexes: &["flake"],
    past_indexes: &["flake"],
};

/// Which of the values is `since`.
const SINCE: usize = 7;

const TABLES: &[&Table] = &[&PROBLEMS];

const VIEW: View = View {
    name: "v1_problems",
    doc: "The problems that are open now, on every machine that shares them.",
    columns: columns! {
        "flake" id "The flake whose file it is; NULL for a file without one.";
        "path" text "The file.";
        "line" integer "The line to go to, counted from 1; NULL when the whole file is meant.";
        "code" text "Stable name of the kind, as in `dirty-lock`.";
        "severity" text "`error`, `warning` or `info`.";
        "message" text "One sentence with the next step.";
        "since" time "When it was first seen.";
        "fingerprint" text "What stays the same while the problem is the same.";
        "origin" text "The public key of the machine whose file it is: another one may have a file at the same path.";
    },
    sql: "
SELECT p.flake, p.path, p.line, p.code, p.severity, p.message, {time p.since}, p.fingerprint, o.public_key
FROM {problems} p JOIN streams s ON s.stream = p.stream JOIN origins o ON o.id = s.origin
WHERE p.flake IS NULL OR EXISTS (SELECT 1 FROM {live_flakes} f WHERE f.id = p.flake)",
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
        3
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[VIEW]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[
            catalogue::FINDING_RAISED,
            catalogue::FINDING_CHANGED,
            catalogue::FINDING_RESOLVED,
            catalogue::FINDING_SUPPRESSED,
        ]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Finding(told)) = told.as_deref() else { return Ok(()) };
        match told {
            FindingEvent::Raised { subject, findings } => {
                for finding in findings {
                    open(target, event, subject, finding, None)?;
                }
            }
            FindingEvent::Changed { subject, findings } => {
                for finding in findings {
                    let before = target.now(&PROBLEMS, &key(event, &finding.fingerprint))?;
                    let since = before.and_then(|row| row.get(SINCE)?.integer());
                    open(target, event, subject, finding, since)?;
                }
            }
            FindingEvent::Resolved { fingerprints, .. } => {
                for fingerprint in fingerprints {
                    target.end(&PROBLEMS, &key(event, fingerprint), event)?;
                }
            }
            FindingEvent::Suppressed { findings, .. } => {
                for finding in findings {
                    target.end(&PROBLEMS, &key(event, &finding.fingerprint), event)?;
                }
            }
        }
        Ok(())
    }
}

fn key(event: &Applied<'_>, fingerprint: &str) -> [Cell; 2] {
    [event.stream.into(), fingerprint.into()]
}

/// `since` is when the problem was first seen, when it has only changed.
fn open(
    target: &Target<'_>,
    event: &Applied<'_>,
    subject: &Subject,
    finding: &Finding,
    since: Option<i64>,
) -> rusqlite::Result<()> {
    let key = key(event, &finding.fingerprint);
    let since = since.map_or_else(|| target.begins(&PROBLEMS, &key, event), Ok)?;
    let row = vec![
        subject.flake.map(|flake| flake.to_string()).into(),
        subject.file.text().into(),
        subject.file.bytes().into(),
        finding.line.into(),
        finding.code.as_str().into(),
        finding.severity.name().into(),
        finding.message.as_str().into(),
        since.into(),
    ];
    target.put(&PROBLEMS, &key, row, event)
}

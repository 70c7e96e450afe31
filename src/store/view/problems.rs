//! The problems that are open.

use rusqlite::{Connection, Row};

use super::At;
use super::flakes::{Whose, read_path};
use super::query::{parsed, rows};
use crate::domain::finding::Severity;
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The public key of the origin whose file it is.
    pub origin: String,
    /// The file.
    pub path: RecordedPath,
    /// The line to go to, counted from 1.
    pub line: Option<u32>,
    /// The stable name of the kind.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for a person, with the next step.
    pub message: String,
    /// When it was first seen.
    pub since: i64,
    /// What stays the same while the problem is the same.
    pub fingerprint: String,
}

const PROBLEMS: &str = "
SELECT p.flake, o.public_key AS origin, p.path, p.path_bytes, p.line, p.code, p.severity, p.message, p.since, p.fingerprint
FROM {problems} p JOIN streams s ON s.stream = p.stream JOIN origins o ON o.id = s.origin
WHERE CASE WHEN ?1 IS NULL THEN (?2 OR o.is_self = 1)
    AND (p.flake IS NULL OR p.flake IN (SELECT f.id FROM {live_flakes} f WHERE NOT {succeeded})) ELSE p.flake = ?1 END
ORDER BY o.is_self DESC, o.public_key, p.path, p.line, p.code, p.fingerprint";

/// The open problems of one flake.
pub fn problems_of(connection: &Connection, flake: FlakeId, at: At) -> Result<Vec<ProblemRow>, StoreError> {
    rows(connection, PROBLEMS, at, (Some(flake.to_string()), true), read_problem)
}

/// The open problems of all files; those of other machines come after those of this one, which may have the same paths.
pub fn problems(connection: &Connection, whose: Whose, at: At) -> Result<Vec<ProblemRow>, StoreError> {
    rows(connection, PROBLEMS, at, (None::<String>, whose == Whose::All), read_problem)
}

fn read_problem(row: &Row<'_>) -> rusqlite::Result<ProblemRow> {
    let of_flake = row.get_ref("flake")? != rusqlite::types::ValueRef::Null;
    let severity: String = row.get("severity")?;
    Ok(ProblemRow {
        flake: if of_flake { Some(parsed(row, "flake")?) } else { None },
        origin: row.get("origin")?,
        path: read_path(row)?,
        line: row.get("line")?,
        code: row.get("code")?,
        severity: severity_named(&severity),
        message: row.get("message")?,
        since: row.get("since")?,
        fingerprint: row.get("fingerprint")?,
    })
}

fn severity_named(name: &str) -> Severity {
    [Severity::Info, Severity::Warning].into_iter().find(|severity| severity.name() == name).unwrap_or(Severity::Error)
}

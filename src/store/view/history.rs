//! How the inputs came to be what they are: commits, and what scans saw that no commit tells.

use rusqlite::{Connection, Row, named_params};

use super::At;
use super::query::{optional_json, parsed, rows};
use crate::domain::Attrs;
use crate::domain::id::{EventId, FlakeId};
use crate::store::StoreError;
use crate::store::projection::{is_reachable, is_told_elsewhere, was_committed};

/// One change of one locked input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The flake whose lock changed.
    pub flake: FlakeId,
    /// When it was committed, or when a scan saw it.
    pub occurred_at: i64,
    /// The commit; absent for a change seen in the working tree.
    pub commit: Option<String>,
    /// Who wrote the commit: its author, as git has it.
    pub author: Option<String>,
    /// The first line of the commit's message.
    pub summary: Option<String>,
    /// The input, as a path from the root.
    pub input: String,
    /// The key of its node.
    pub node: String,
    /// The source before; absent when the input is new.
    pub from: Option<Attrs>,
    /// The source after; absent when the input is gone.
    pub to: Option<Attrs>,
    /// The event that recorded it.
    pub event_id: EventId,
    /// Place of that event in the log.
    pub position: i64,
    /// Who tells it.
    pub source: Source,
    /// False for a commit that the branch no longer holds.
    pub reachable: bool,
}

/// Who tells of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A commit.
    Git,
    /// A scan of the working tree.
    Seen,
}

/// Which changes are wanted; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Of this input path alone.
    pub input: Option<String>,
    /// Not before this time.
    pub since: Option<i64>,
    /// Before this time.
    pub until: Option<i64>,
    /// At most so many, the latest ones.
    pub limit: Option<usize>,
}

const OF_ONE: &str = concat!(
    "
SELECT h.*, ",
    is_reachable!("h"),
    " AS reachable FROM {input_history} h
WHERE h.flake = :flake
  AND (h.source = 'git' OR NOT ",
    was_committed!(),
    ")"
);

const OF_ALL: &str = concat!(
    "
SELECT h.*, ",
    is_reachable!("h"),
    " AS reachable FROM {input_history} h
WHERE :flake IS NULL AND CASE h.source
  WHEN 'git' THEN NOT ",
    is_told_elsewhere!(),
    "
  ELSE NOT ",
    was_committed!(),
    " END"
);

const WANTED: &str = "
  AND (:input IS NULL OR h.input = :input)
  AND (:since IS NULL OR h.occurred_at >= :since)
  AND (:until IS NULL OR h.occurred_at < :until)
ORDER BY h.occurred_at DESC,
  (SELECT o.public_key FROM events e JOIN origins o ON o.id = e.origin WHERE e.position = h.position) DESC,
  (SELECT b.seq FROM outbox b WHERE b.position = h.position) DESC, h.position DESC, h.input LIMIT :limit";

/// The changes of one flake's inputs, all its commits included; or of all flakes, a commit of one project once however
/// many clones there are. The latest come first; what happened at the same time, in the order of its origins and of what
/// each has shared, which is the same on every machine.
pub fn history(
    connection: &Connection,
    flake: Option<FlakeId>,
    filter: &HistoryFilter,
    at: At,
) -> Result<Vec<HistoryRow>, StoreError> {
    let sql = format!("{}{WANTED}", if flake.is_some() { OF_ONE } else { OF_ALL });
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let params = named_params! {
        ":flake": flake.map(|id| id.to_string()),
        ":input": filter.input,
        ":since": filter.since,
        ":until": filter.until,
        ":limit": limit,
    };
    rows(connection, &sql, at, params, read)
}

/// Every input path of a flake that was ever recorded: changed in its lock, declared, or a step from a node of its lock.
const KNOWN_INPUTS: &str = "
SELECT input FROM p_input_history WHERE flake = ?1
UNION SELECT name FROM p_inputs WHERE flake = ?1
UNION SELECT name FROM p_inputs_past WHERE flake = ?1
UNION SELECT CASE WHEN n.is_root THEN '' ELSE n.path || '/' END || e.key
      FROM (SELECT path, is_root, inputs FROM p_lock_nodes WHERE flake = ?1
            UNION ALL SELECT path, is_root, inputs FROM p_lock_nodes_past WHERE flake = ?1) n,
           json_each(n.inputs) e
      WHERE n.is_root OR n.path IS NOT NULL
ORDER BY 1";

/// The input paths that a flake has or had, in order.
pub fn known_inputs(connection: &Connection, flake: FlakeId) -> Result<Vec<String>, StoreError> {
    rows(connection, KNOWN_INPUTS, At::Now, [flake.to_string()], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    let source: String = row.get("source")?;
    Ok(HistoryRow {
        flake: parsed(row, "flake")?,
        occurred_at: row.get("occurred_at")?,
        commit: row.get("commit")?,
        author: row.get("author")?,
        summary: row.get("summary")?,
        input: row.get("input")?,
        node: row.get("node")?,
        from: optional_json(row, "from")?,
        to: optional_json(row, "to")?,
        event_id: parsed(row, "event_id")?,
        position: row.get("position")?,
        source: if source == "git" { Source::Git } else { Source::Seen },
        reachable: row.get("reachable")?,
    })
}

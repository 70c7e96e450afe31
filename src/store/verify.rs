//! The full proof that a ledger is what was written: pages, both chains, every payload, every count, the read model.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::chain::{self, Chain, Envelope, GENESIS, Hash};
use super::check::{self, Check, CheckState};
use super::connect;
use super::error::{Named, StoreError};
use super::rebuild;

mod log;

/// The checks that need the whole log, in this order.
const NAMES: &[&str] =
    &["integrity", "references", "origin", "local chain", "payloads", "shared chains", "streams", "read model"];
/// How many breaches of one kind are told.
const TOLD: usize = 5;

/// Verifies the ledger at a path without changing it, at one moment, while others go on writing. Never fails: what
/// cannot be looked at is said to be unknown.
pub fn verify(path: &Path) -> Vec<Check> {
    let mut connection = match connect::to_look_at(path) {
        Ok(opened) => opened.connection,
        Err(error) => {
            let mut checks = vec![Check::new("opening", CheckState::Failed, error.to_string())];
            checks.extend(NAMES.iter().map(|name| Check::unknown(name, &error)));
            return checks;
        }
    };
    let mut checks = match at_one_moment(&mut connection, path) {
        Ok(checks) => checks,
        Err(error) => vec![Check::new("opening", CheckState::Failed, error.to_string())],
    };
    checks.push(read_model(&mut connection, path));
    checks
}

/// The part of [`verify`] that is about the log alone: every link of the local chain and every payload, in one pass.
///
/// # Errors
/// Says why the log cannot be read.
pub fn verify_log(path: &Path) -> Result<[Check; 2], StoreError> {
    let mut connection = connect::to_look_at(path)?.connection;
    let moment = connection.transaction().named(path)?;
    log::walk(&moment, path).named(path)
}

fn at_one_moment(connection: &mut Connection, path: &Path) -> Result<Vec<Check>, StoreError> {
    let moment = connection.transaction().named(path)?;
    let mut checks = vec![
        check::pages("integrity", "integrity_check", &moment, path),
        references(&moment, path),
        check::origin(&moment, path),
    ];
    match log::walk(&moment, path) {
        Ok(findings) => checks.extend(findings),
        Err(error) => {
            let error = StoreError::sqlite(path, error);
            checks.extend(["local chain", "payloads"].map(|name| unread(name, &error)));
        }
    }
    checks.push(told("shared chains", shared_chains(&moment), path));
    checks.push(told("streams", streams(&moment), path));
    checks.extend(check::erasure(&moment, path));
    Ok(checks)
}

/// Breaches of one rule: the first few in words, and how many there are.
#[derive(Debug, Default)]
struct Breaches {
    told: Vec<String>,
    count: usize,
    /// What was looked at, for when there is none.
    seen: String,
}

impl Breaches {
    fn add(&mut self, breach: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(breach());
        }
    }

    fn check(self, name: &'static str) -> Check {
        if self.count == 0 {
            return Check::new(name, CheckState::Ok, self.seen);
        }
        let more = if self.count > self.told.len() {
            format!(" and {} more", self.count - self.told.len())
        } else {
            String::new()
        };
        Check::new(name, CheckState::Failed, format!("{}{more}; restore a backup", self.told.join("; ")))
    }
}

fn told(name: &'static str, breaches: rusqlite::Result<Breaches>, path: &Path) -> Check {
    match breaches {
        Ok(breaches) => breaches.check(name),
        Err(error) => unread(name, &StoreError::sqlite(path, error)),
    }
}

/// A damaged page under a check is a failure of that check; anything else leaves it open.
fn unread(name: &'static str, error: &StoreError) -> Check {
    match error {
        StoreError::Corrupt { .. } | StoreError::NotADatabase { .. } => {
            Check::new(name, CheckState::Failed, error.to_string())
        }
        _ => Check::unknown(name, error),
    }
}

fn references(connection: &Connection, path: &Path) -> Check {
    let count = connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get::<_, i64>(0));
    match count.named(path) {
        Ok(0) => Check::new("references", CheckState::Ok, "every reference has its row"),
        Ok(count) => {
            Check::new("references", CheckState::Failed, format!("{count} rows refer to nothing; restore a backup"))
        }
        Err(error) => unread("references", &error),
    }
}

fn origin_keys(connection: &Connection) -> rusqlite::Result<HashMap<i64, String>> {
    connection
        .prepare("SELECT id, public_key FROM origins")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The link that an event should have.
fn link_of(
    row: &Row<'_>,
    keys: &HashMap<i64, String>,
    content: &Hash,
    chain: Chain,
    previous: &Hash,
) -> rusqlite::Result<Hash> {
    let undoes: Option<[u8; 16]> = row.get(13)?;
    let envelope = Envelope {
        event_id: Uuid::from_bytes(row.get(1)?),
        origin: keys.get(&row.get(2)?).map_or("", String::as_str),
        stream: row.get_ref(3)?.as_str()?,
        version: row.get::<_, i64>(4)?.cast_unsigned(),
        kind: row.get_ref(5)?.as_str()?,
        schema_version: row.get(6)?,
        occurred_at: row.get(8)?,
        recorded_at: row.get(9)?,
        correlation_id: Uuid::from_bytes(row.get(10)?),
        causation_id: Uuid::from_bytes(row.get(11)?),
        actor: row.get_ref(12)?.as_str()?,
        undoes: undoes.map(Uuid::from_bytes),
        content,
    };
    Ok(chain::link(chain, previous, &envelope))
}

/// Every origin's outbox: sequence without gaps, positions ascending for our own, links that fit.
fn shared_chains(connection: &Connection) -> rusqlite::Result<Breaches> {
    let keys = origin_keys(connection)?;
    let mut breaches = Breaches::default();
    let sql = "SELECT e.position, e.event_id, e.origin, e.stream, e.version, e.type, e.schema_version, e.content_id, \
         e.occurred_at, e.recorded_at, e.correlation_id, e.causation_id, e.actor, e.undoes, o.chain, o.origin, o.seq \
         FROM outbox o JOIN events e ON e.position = o.position ORDER BY o.origin, o.seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut origin, mut seq, mut previous, mut count) = (0_i64, 0_i64, GENESIS, 0_usize);
    while let Some(row) = rows.next()? {
        let (of, found): (i64, i64) = (row.get(15)?, row.get(16)?);
        if of != origin {
            (origin, seq, previous) = (of, 0, GENESIS);
        }
        seq += 1;
        count += 1;
        if found != seq {
            breaches.add(|| format!("origin {origin}: shared event {seq} is missing"));
            seq = found;
        }
        let content: Hash = row.get(7)?;
        let (link, stored): (Hash, Hash) = (link_of(row, &keys, &content, Chain::Shared, &previous)?, row.get(14)?);
        if link != stored || row.get::<_, i64>(2)? != origin {
            breaches.add(|| format!("origin {origin}: shared event {seq} is not what its link says"));
        }
        previous = stored;
    }
    breaches.seen = format!("{count} shared events");
    Ok(breaches)
}

/// Every stream: versions without gaps, as many as the table of streams says, and of a shared one every event is shared. Of
/// one that is private again those before a moment are.
fn streams(connection: &Connection) -> rusqlite::Result<Breaches> {
    let mut breaches = Breaches::default();
    let sql = "SELECT coalesce(s.stream, e.stream), s.version, e.version, e.count, s.shared, e.shared, e.shared_to \
         FROM streams s FULL JOIN (SELECT stream, max(version) AS version, count(*) AS count, \
           count(o.position) AS shared, max(iif(o.position IS NULL, 0, version)) AS shared_to \
           FROM events LEFT JOIN outbox o ON o.position = events.position GROUP BY stream) e ON e.stream = s.stream";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let number = |column| Ok::<i64, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0));
        let (told, highest, events) = (number(1)?, number(2)?, number(3)?);
        if told != highest || highest != events {
            let stream: String = row.get(0)?;
            breaches.add(|| format!("{stream} has {events} events, not {told}"));
        }
        let (in_outbox, shared_to) = (number(5)?, number(6)?);
        let expected = if number(4)? == 1 { events } else { shared_to };
        if in_outbox != expected {
            let stream: String = row.get(0)?;
            breaches.add(|| format!("{stream}: {in_outbox} of its events are shared, not {expected}"));
        }
    }
    breaches.seen = format!("{count} streams");
    Ok(breaches)
}

fn read_model(connection: &mut Connection, path: &Path) -> Check {
    let name = "read model";
    match rebuild::compare(connection, None) {
        Ok(mismatches) if mismatches.is_empty() => {
            Check::new(name, CheckState::Ok, "equals one built anew from the log")
        }
        Ok(mismatches) if mismatches.iter().any(|found| found.erasing) => {
            Check::new(name, CheckState::Unknown, "not compared with the log while it holds what was erased")
        }
        Ok(mismatches) => {
            let lines: Vec<String> = mismatches
                .iter()
                .map(|found| format!("{}: {} rows too many, {} missing", found.table, found.surplus, found.missing))
                .collect();
            let detail = format!("{}; run `cim-nix store rebuild`", lines.join("; "));
            Check::new(name, CheckState::Failed, detail)
        }
        Err(error) => match unread(name, &error) {
            check if matches!(error, StoreError::Projection { .. }) => {
                Check { state: CheckState::Failed, detail: format!("{error} ({})", path.display()), ..check }
            }
            check => check,
        },
    }
}

//! The log as JSON lines: a header, then one envelope a line with its links, so that the copy proves itself.
//!
//! Times are microseconds since 1970 UTC, hashes hexadecimal, ids bare UUIDs. The payload stands as it is stored.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::chain::{GENESIS, Hash};
use super::error::{Named, StoreError};
use super::log::Recorded;
use super::open::Store;

/// The first line's `schema`.
pub const SCHEMA: &str = "cim-nix/export/1";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The id of the ledger.
    pub ledger_id: String,
    /// The public key of its origin.
    pub origin: String,
    /// Every origin whose events are in it.
    pub origins: Vec<HeaderOrigin>,
    /// How many events follow.
    pub events: i64,
    /// The local chain's last link.
    pub head: String,
}

/// An origin as the header names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderOrigin {
    /// Its public key.
    pub public_key: String,
    /// Its machine.
    pub host: String,
    /// Its user.
    pub user: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_at: i64,
    /// The public key of what it was before it was forked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<String>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub(crate) position: i64,
    pub(crate) event_id: Value,
    pub(crate) origin: String,
    pub(crate) stream: String,
    pub(crate) version: u64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) schema_version: u32,
    pub(crate) payload: Value,
    pub(crate) content: String,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) correlation_id: Value,
    #[serde(default)]
    pub(crate) causation_id: Value,
    pub(crate) actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undoes: Option<Value>,
    pub(crate) chain: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shared: Option<SharedLine>,
    /// What its origin signed to have erased its payload, as long as its event that says so is not here; hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasure: Option<String>,
}

/// Its place among what its origin has shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedLine {
    pub(crate) seq: i64,
    pub(crate) chain: String,
}

impl Store {
    /// Writes the whole log as it is at this moment; returns how many events it wrote. Streams: memory does not grow with
    /// the log.
    ///
    /// # Errors
    /// [`StoreError::File`] when `out` cannot be written, named `to`.
    pub fn export(&self, out: &mut dyn Write, to: &Path) -> Result<i64, StoreError> {
        let reader = self.reader()?;
        let moment = reader.unchecked_transaction().named(self.path())?;
        let header = header(&moment).named(self.path())?;
        let written = |result: io::Result<()>| result.map_err(|error| StoreError::file("write", to, error));
        written(write_line(out, &header))?;
        let keys: HashMap<i64, String> = moment
            .prepare("SELECT id, public_key FROM origins")
            .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .named(self.path())?;
        let columns = Recorded::COLUMNS.split(", ").map(|column| format!("e.{}", column.trim()));
        let sql = format!(
            "SELECT {}, o.seq, o.chain, s.signature FROM events e LEFT JOIN outbox o ON o.position = e.position \
             LEFT JOIN erasures s ON s.position = e.position ORDER BY e.position",
            columns.collect::<Vec<_>>().join(", ")
        );
        let mut statement = moment.prepare(&sql).named(self.path())?;
        let mut rows = statement.query([]).named(self.path())?;
        while let Some(row) = rows.next().named(self.path())? {
            let line = line(row, &keys).named(self.path())?;
            written(write_line(out, &line))?;
        }
        written(out.flush())?;
        Ok(header.events)
    }
}

fn write_line<T: Serialize>(out: &mut dyn Write, line: &T) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    out.write_all(&text)
}

fn header(connection: &Connection) -> rusqlite::Result<Header> {
    let origins = connection
        .prepare(
            "SELECT o.public_key, o.host, o.user, o.created_at, old.public_key \
             FROM origins o LEFT JOIN origins old ON old.id = o.succeeds ORDER BY o.id",
        )?
        .query_map([], |row| {
            Ok(HeaderOrigin {
                public_key: row.get(0)?,
                host: row.get(1)?,
                user: row.get(2)?,
                created_at: row.get(3)?,
                succeeds: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let head: Option<(i64, Hash)> = connection
        .query_row("SELECT position, chain FROM events ORDER BY position DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (events, head) = head.unwrap_or((0, GENESIS));
    Ok(Header {
        schema: SCHEMA.to_owned(),
        ledger_id: connection.query_row("SELECT value FROM meta WHERE key = 'ledger_id'", [], |row| row.get(0))?,
        origin: connection.query_row("SELECT public_key FROM origins WHERE is_self = 1", [], |row| row.get(0))?,
        origins,
        events,
        head: HEXLOWER.encode(&head),
    })
}

fn line(row: &Row<'_>, keys: &HashMap<i64, String>) -> rusqlite::Result<Line> {
    let event = Recorded::from_row(row)?;
    let id = |id: Uuid| Value::String(id.hyphenated().to_string());
    let seq: Option<i64> = row.get(16)?;
    let shared = match seq {
        Some(seq) => Some(SharedLine { seq, chain: HEXLOWER.encode(&row.get::<_, Hash>(17)?) }),
        None => None,
    };
    Ok(Line {
        position: event.position,
        event_id: id(event.event_id.uuid()),
        origin: keys.get(&event.origin).cloned().unwrap_or_default(),
        payload: serde_json::from_str(&event.payload).unwrap_or(Value::Null),
        stream: event.stream,
        version: event.version,
        kind: event.kind,
        schema_version: event.schema_version,
        content: HEXLOWER.encode(&event.content),
        occurred_at: event.occurred_at,
        recorded_at: event.recorded_at,
        correlation_id: id(event.correlation_id.uuid()),
        causation_id: id(event.causation_id.uuid()),
        actor: event.actor,
        undoes: event.undoes.map(id),
        chain: HEXLOWER.encode(&event.chain),
        shared,
        erasure: row.get::<_, Option<Vec<u8>>>(18)?.map(|signature| HEXLOWER.encode(&signature)),
    })
}

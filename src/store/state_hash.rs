//! One hash over everything that machines share: two of them that have exchanged everything come to the same one.
//!
//! It covers what each origin has shared, in its order, and what the read model makes of it; not what is private, nor
//! the positions at which events entered this log.

use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::chain::Hash;
use super::error::{Named, StoreError};
use super::projection::{PROJECTIONS, Projection};
use super::reader::Reader;

/// Columns that say where something lies in this log, and not what it is: an origin is a number of its own here, and
/// follows from the flake.
const LOCAL: &[&str] = &["from_position", "to_position", "position", "origin"];

impl Reader {
    /// The hash of everything shared that is here.
    pub fn state_hash(&self) -> Result<Hash, StoreError> {
        // At one moment: a writer goes on meanwhile.
        let transaction = self.unchecked_transaction().named(self.path())?;
        let hashed = events(&transaction).and_then(|events| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&events);
            let shared = shared_flakes(&transaction)?;
            for projection in PROJECTIONS {
                rows(&transaction, *projection, &shared, &mut hasher)?;
            }
            Ok(*hasher.finalize().as_bytes())
        });
        hashed.named(self.path())
    }
}

/// What each origin has shared, in its order.
fn events(connection: &Connection) -> rusqlite::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut statement = connection.prepare(
        "SELECT o.public_key, b.seq, b.chain, e.event_id, e.payload FROM outbox b JOIN origins o ON o.id = b.origin \
         JOIN events e ON e.position = b.position ORDER BY o.public_key, b.seq",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        add_row(row, &[0, 1, 2, 3, 4], &mut hasher)?;
    }
    Ok(*hasher.finalize().as_bytes())
}

/// The flakes whose every event is shared: with the last one are those before it.
fn shared_flakes(connection: &Connection) -> rusqlite::Result<HashSet<Uuid>> {
    let mut statement = connection.prepare(
        "SELECT s.stream FROM streams s JOIN events e ON e.stream = s.stream AND e.version = s.version \
         WHERE s.stream LIKE 'flake/%' AND EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position)",
    )?;
    let streams = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut shared = HashSet::new();
    for stream in streams {
        shared.extend(stream?.split_once('/').and_then(|(_, id)| id.parse::<Uuid>().ok()));
    }
    Ok(shared)
}

/// The rows of shared flakes, of every table of a projection, in an order that is theirs alone.
fn rows(
    connection: &Connection,
    projection: &dyn Projection,
    shared: &HashSet<Uuid>,
    hasher: &mut blake3::Hasher,
) -> rusqlite::Result<()> {
    let sql = "SELECT generation FROM projections WHERE name = ?1 AND state <> 'building'";
    let generation: i64 = connection.query_row(sql, [projection.name()], |row| row.get(0))?;
    for table in projection.tables() {
        let mut statement = connection.prepare(&table.select_all(generation))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        // What is found in the text of a flake is private: its rows name their own stream.
        let flake =
            names.iter().position(|name| name == "flake").or_else(|| names.iter().position(|name| name == "id"));
        let (Some(flake), false) = (flake, names.iter().any(|name| name == "stream")) else { continue };
        let told: Vec<usize> = (0..names.len()).filter(|column| !LOCAL.contains(&names[*column].as_str())).collect();
        let mut told_rows: Vec<Hash> = Vec::new();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            if id(row.get_ref(flake)?).is_some_and(|id| shared.contains(&id)) {
                let mut hasher = blake3::Hasher::new();
                add_row(row, &told, &mut hasher)?;
                told_rows.push(*hasher.finalize().as_bytes());
            }
        }
        told_rows.sort_unstable();
        hasher.update(table.name.as_bytes());
        for row in told_rows {
            hasher.update(&row);
        }
    }
    Ok(())
}

fn id(value: ValueRef<'_>) -> Option<Uuid> {
    match value {
        ValueRef::Blob(bytes) => Uuid::from_slice(bytes).ok(),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// Every value with its kind and length, so that no two rows read the same.
pub(super) fn add_row(row: &Row<'_>, columns: &[usize], hasher: &mut blake3::Hasher) -> rusqlite::Result<()> {
    for column in columns {
        let number;
        let (kind, bytes): (u8, &[u8]) = match row.get_ref(*column)? {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(value) => {
                number = value.to_le_bytes();
                (1, &number)
            }
            ValueRef::Real(value) => {
                number = value.to_le_bytes();
                (2, &number)
            }
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        hasher.update(&[kind]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    Ok(())
}

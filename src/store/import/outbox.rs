//! What an export says was shared: the same order and links as where it came from.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::key_of;
use crate::store::chain::{self, Chain, GENESIS, Hash};
use crate::store::error::{Named, StoreError};
use crate::store::log::Recorded;

/// One event's place among what its origin has shared.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) origin: i64,
    pub(super) seq: i64,
    pub(super) position: i64,
    pub(super) chain: Hash,
}

/// Proves and stores what is not here yet; the inner error says what is wrong with the export.
pub(super) fn store(
    connection: &Connection,
    path: &Path,
    keys: &HashMap<String, i64>,
    mut shared: Vec<Shared>,
) -> Result<Result<(), String>, StoreError> {
    shared.sort_unstable_by_key(|shared| (shared.origin, shared.seq));
    let mut last = (0, 0, GENESIS);
    for entry in shared {
        let (origin, seq, previous) = last;
        let (seq, previous) = if origin == entry.origin { (seq, previous) } else { (0, GENESIS) };
        if entry.seq != seq + 1 {
            return Ok(Err(format!("shared event {} follows {seq}", entry.seq)));
        }
        let outcome = store_one(connection, key_of(keys, entry.origin), &entry, &previous).named(path)?;
        if let Err(why) = outcome {
            return Ok(Err(why));
        }
        last = (entry.origin, entry.seq, entry.chain);
    }
    Ok(Ok(()))
}

fn store_one(
    connection: &Connection,
    key: &str,
    entry: &Shared,
    previous: &Hash,
) -> rusqlite::Result<Result<(), String>> {
    let event = connection
        .prepare_cached(&format!("SELECT {} FROM events WHERE position = ?1", Recorded::COLUMNS))?
        .query_row([entry.position], Recorded::from_row)?;
    let link = chain::link(Chain::Shared, previous, &event.envelope(key));
    let ours: Option<Hash> = connection
        .prepare_cached("SELECT chain FROM outbox WHERE origin = ?1 AND seq = ?2")?
        .query_row([entry.origin, entry.seq], |row| row.get(0))
        .optional()?;
    if link != entry.chain || ours.is_some_and(|ours| ours != link) {
        return Ok(Err(format!("shared event {} is not what its link says", entry.seq)));
    }
    if ours.is_none() {
        connection
            .prepare_cached("INSERT INTO outbox (origin, seq, position, chain) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![entry.origin, entry.seq, entry.position, link])?;
        // Of our own streams consent decides, which an export does not hold.
        let sql =
            "UPDATE streams SET shared = 1 WHERE stream = ?1 AND origin <> (SELECT id FROM origins WHERE is_self = 1)";
        connection.prepare_cached(sql)?.execute([&event.stream])?;
    }
    Ok(Ok(()))
}

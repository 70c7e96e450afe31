//! What follows from recorded events and is not recorded yet: a process that is killed in between leaves it to the next scan.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::rows;
use crate::domain::id::FlakeId;
use crate::store::error::{Named, StoreError};
use crate::store::reader::Reader;

impl Reader {
    /// The flakes whose configurations have to be read again, and whether a text changed; else another release of the program
    /// may read more in the same one.
    pub fn configs_due(&self) -> Result<BTreeMap<FlakeId, bool>, StoreError> {
        let flake = |row: &Row<'_>| Ok((FlakeId::new(Uuid::from_bytes(row.get(0)?)), row.get(1)?));
        rows(self, "SELECT flake, changed FROM configs_due", flake)
            .map(|due| due.into_iter().collect())
            .named(self.path())
    }
}

/// Says that they have to be read again.
pub(super) fn add(connection: &Connection, flake: FlakeId, changed: bool) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO configs_due (flake, changed, position) \
             SELECT ?1, ?2, coalesce(max(position), 0) FROM events WHERE true \
             ON CONFLICT (flake) DO UPDATE SET changed = changed OR excluded.changed, position = excluded.position",
        )?
        .execute(params![flake.uuid().as_bytes(), changed])
        .map(drop)
}

/// Says that they were read when the ledger ended there.
pub(super) fn settled(connection: &Connection, flake: FlakeId, began: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM configs_due WHERE flake = ?1 AND position <= ?2")?
        .execute(params![flake.uuid().as_bytes(), began])
        .map(drop)
}

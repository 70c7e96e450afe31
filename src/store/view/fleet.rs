//! The fleet: whose events are here, and how fresh they are.

use rusqlite::Connection;

use super::At;
use super::query::rows;
use crate::store::StoreError;

/// How fresh what is known of one origin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Its public key.
    pub origin: String,
    /// Its machine.
    pub host: String,
    /// Its user.
    pub user: String,
    /// Whether it is this ledger.
    pub own: bool,
    /// `active`, `quarantined`, `blocked` or `retired`.
    pub state: String,
    /// Why it is not active.
    pub reason: Option<String>,
    /// How many flakes it has.
    pub flakes: u64,
    /// When its last event was recorded, in microseconds since 1970 UTC; none when there is none here.
    pub recorded_at: Option<i64>,
}

/// Every origin, this ledger first, then by machine.
pub fn freshness(connection: &Connection) -> Result<Vec<Freshness>, StoreError> {
    let sql = "
SELECT o.public_key, o.host, o.user, o.is_self, o.state, o.reason,
       (SELECT count(*) FROM {live_flakes} f WHERE f.origin = o.id) AS flakes,
       CASE WHEN o.is_self = 1 THEN (SELECT e.recorded_at FROM events e ORDER BY e.position DESC LIMIT 1)
       ELSE (SELECT e.recorded_at FROM outbox b JOIN events e ON e.position = b.position
             WHERE b.origin = o.id ORDER BY b.seq DESC LIMIT 1) END AS recorded_at
FROM origins o ORDER BY o.is_self DESC, o.host, o.public_key";
    rows(connection, sql, At::Now, [], |row| {
        Ok(Freshness {
            origin: row.get("public_key")?,
            host: row.get("host")?,
            user: row.get("user")?,
            own: row.get("is_self")?,
            state: row.get("state")?,
            reason: row.get("reason")?,
            flakes: row.get::<_, i64>("flakes")?.unsigned_abs(),
            recorded_at: row.get("recorded_at")?,
        })
    })
}

//! The fleet: whose events are here, how fresh they are, and the flakes of all machines together.

use rusqlite::Connection;

use super::At;
use super::flakes::read_path;
use super::query::{parsed, rows};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// What a flake goes on from, after a fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SucceedsRow {
    /// The public key of the origin that was forked.
    pub origin: String,
    /// The stream of the flake there.
    pub stream: String,
    /// The last event of it that the fork had.
    pub version: u64,
    /// The link of that event, hexadecimal.
    pub chain: String,
}

/// What a flake goes on from; none when it is no fork's.
pub fn succeeds(connection: &Connection, flake: FlakeId) -> Result<Option<SucceedsRow>, StoreError> {
    let sql = "SELECT succeeds ->> '$.origin' AS origin, succeeds ->> '$.stream' AS stream, \
               succeeds ->> '$.version' AS version, succeeds ->> '$.chain' AS chain \
               FROM streams WHERE stream = 'flake/' || ?1 AND succeeds IS NOT NULL";
    let found = rows(connection, sql, At::Now, [flake.to_string()], |row| {
        Ok(SucceedsRow {
            origin: row.get("origin")?,
            stream: row.get("stream")?,
            version: row.get::<_, i64>("version")?.unsigned_abs(),
            chain: row.get("chain")?,
        })
    })?;
    Ok(found.into_iter().next())
}

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
    /// The public key of the origin that it goes on from, after a fork.
    pub succeeds: Option<String>,
    /// How many flakes it has.
    pub flakes: u64,
    /// The last of what it has shared that is here; 0 when there is none.
    pub seq: i64,
    /// How many of its events are known to be missing: here, or for this ledger on the server.
    pub behind: i64,
    /// When its last event was recorded, in microseconds since 1970 UTC; none when there is none here.
    pub recorded_at: Option<i64>,
}

/// A flake of any machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRow {
    /// Which project it is; none without a remote.
    pub lineage: Option<String>,
    /// The flake.
    pub flake: FlakeId,
    /// The public key of its origin.
    pub origin: String,
    /// Its machine.
    pub host: String,
    /// Whether it is this machine's.
    pub own: bool,
    /// Its directory there.
    pub path: RecordedPath,
    /// The revision of its nixpkgs: of the input of that name, else of the first that comes from there.
    pub nixpkgs_rev: Option<String>,
    /// When that was last modified, in seconds since 1970 UTC.
    pub nixpkgs_last_modified: Option<i64>,
    /// When its last event was recorded, in microseconds since 1970 UTC.
    pub recorded_at: Option<i64>,
}

/// Where synchronisation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// The name of the delivery state.
    pub state: String,
    /// Why it is blocked.
    pub reason: Option<String>,
    /// How many events the server lacks.
    pub backlog: i64,
    /// How many messages could not be taken in.
    pub parked: u64,
    /// The server, by name and version; none before one was reached.
    pub server: Option<String>,
    /// Since when it is connected, in microseconds since 1970 UTC; none when it is not.
    pub connected_since: Option<i64>,
    /// What went wrong last; none when the last attempt worked.
    pub last_error: Option<String>,
    /// When the next attempt is made, in microseconds since 1970 UTC; none when none is waited for.
    pub next_attempt_at: Option<i64>,
}

/// A message that could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// Its number here.
    pub id: i64,
    /// The public key of the origin that it holds up.
    pub origin: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when, in microseconds since 1970 UTC.
    pub parked_at: i64,
}

/// Where synchronisation stands; none when it is off.
pub fn sync(connection: &Connection) -> Result<Option<SyncRow>, StoreError> {
    let sql = "SELECT s.state, s.reason, s.backlog, s.parked, s.server, s.last_error, r.next_attempt_at, \
               CASE WHEN s.connected_since IS NOT NULL THEN r.connected_since END AS connected_since \
               FROM v1_sync s LEFT JOIN remotes r ON r.name = 'exchange' WHERE s.enabled = 1";
    let found = rows(connection, sql, At::Now, [], |row| {
        Ok(SyncRow {
            state: row.get("state")?,
            reason: row.get("reason")?,
            backlog: row.get("backlog")?,
            parked: row.get::<_, i64>("parked")?.unsigned_abs(),
            server: row.get("server")?,
            connected_since: row.get("connected_since")?,
            last_error: row.get("last_error")?,
            next_attempt_at: row.get("next_attempt_at")?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// What could not be taken in, in the order of its numbers.
pub fn parked(connection: &Connection) -> Result<Vec<ParkedRow>, StoreError> {
    let sql = "SELECT id, origin, reason, parked_at FROM parked WHERE attempts > 0 ORDER BY id";
    rows(connection, sql, At::Now, [], |row| {
        Ok(ParkedRow {
            id: row.get("id")?,
            origin: row.get("origin")?,
            reason: row.get("reason")?,
            parked_at: row.get("parked_at")?,
        })
    })
}

/// Every origin, this ledger first, then by machine.
pub fn freshness(connection: &Connection) -> Result<Vec<Freshness>, StoreError> {
    let sql = "
SELECT o.*, CASE o.is_self
         WHEN 1 THEN max(o.seq - coalesce((SELECT max(r.acked_seq) FROM remotes r), 0), 0)
         ELSE max(coalesce((SELECT max(i.seq) FROM inbox i WHERE i.origin = o.public_key), 0) - o.seq, 0) END AS behind
FROM (SELECT o.public_key, o.host, o.user, o.is_self, o.state, o.reason,
       (SELECT old.public_key FROM origins old WHERE old.id = o.succeeds) AS succeeds,
       (SELECT count(*) FROM {live_flakes} f WHERE f.origin = o.id AND NOT {succeeded}) AS flakes,
       coalesce((SELECT max(b.seq) FROM outbox b WHERE b.origin = o.id), 0) AS seq,
       CASE WHEN o.is_self = 1 THEN (SELECT e.recorded_at FROM events e WHERE e.origin = o.id ORDER BY e.position DESC LIMIT 1)
       ELSE (SELECT e.recorded_at FROM outbox b JOIN events e ON e.position = b.position
             WHERE b.origin = o.id ORDER BY b.seq DESC LIMIT 1) END AS recorded_at
FROM origins o) o ORDER BY o.is_self DESC, o.host, o.public_key";
    rows(connection, sql, At::Now, [], |row| {
        Ok(Freshness {
            origin: row.get("public_key")?,
            host: row.get("host")?,
            user: row.get("user")?,
            own: row.get("is_self")?,
            state: row.get("state")?,
            reason: row.get("reason")?,
            succeeds: row.get("succeeds")?,
            flakes: row.get::<_, i64>("flakes")?.unsigned_abs(),
            seq: row.get("seq")?,
            behind: row.get("behind")?,
            recorded_at: row.get("recorded_at")?,
        })
    })
}

/// The flakes of every machine, by lineage; those without one last.
pub fn fleet(connection: &Connection) -> Result<Vec<FleetRow>, StoreError> {
    let sql = "
SELECT f.lineage, f.id, o.public_key, o.host, o.is_self, f.path, f.path_bytes,
       (SELECT n.locked ->> '$.rev' FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_nixpkgs = 1
        ORDER BY n.last_modified DESC, n.key LIMIT 1) AS rev,
       (SELECT max(n.last_modified) FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_nixpkgs = 1) AS modified,
       (SELECT e.recorded_at FROM events e WHERE e.stream = 'flake/' || f.id ORDER BY e.version DESC LIMIT 1) AS recorded_at
FROM {live_flakes} f JOIN origins o ON o.id = f.origin WHERE NOT {succeeded}
ORDER BY f.lineage IS NULL, f.lineage, o.is_self DESC, o.host, f.path, f.id";
    rows(connection, sql, At::Now, [], |row| {
        Ok(FleetRow {
            lineage: row.get("lineage")?,
            flake: parsed(row, "id")?,
            origin: row.get("public_key")?,
            host: row.get("host")?,
            own: row.get("is_self")?,
            path: read_path(row)?,
            nixpkgs_rev: row.get("rev")?,
            nixpkgs_last_modified: row.get("modified")?,
            recorded_at: row.get("recorded_at")?,
        })
    })
}

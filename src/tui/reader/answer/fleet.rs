//! Reads every machine whose events are here, their flakes, and what could not be taken in of them.

use rusqlite::Connection;

use super::SECOND;
use crate::store::StoreError;
use crate::store::view;
use crate::tui::model::{Fleet, FleetFlake, Machine, Parked, Sync};

pub(super) fn read(connection: &Connection) -> Result<Fleet, StoreError> {
    Ok(Fleet {
        machines: view::freshness(connection)?.into_iter().map(machine).collect(),
        flakes: view::fleet(connection)?.into_iter().map(flake).collect(),
        parked: view::parked(connection)?.into_iter().map(parked).collect(),
        sync: view::sync(connection)?.map(sync),
    })
}

/// Where synchronisation stands.
pub(super) fn sync(row: view::SyncRow) -> Sync {
    Sync {
        state: row.state,
        reason: row.reason,
        backlog: row.backlog,
        parked: usize::try_from(row.parked).unwrap_or(usize::MAX),
        server: row.server,
        connected_since: row.connected_since,
        last_error: row.last_error,
        next_attempt_at: row.next_attempt_at,
    }
}

fn machine(row: view::Freshness) -> Machine {
    Machine {
        origin: row.origin,
        host: row.host,
        user: row.user,
        own: row.own,
        state: row.state,
        reason: row.reason,
        flakes: usize::try_from(row.flakes).unwrap_or(usize::MAX),
        sequence: row.seq,
        behind: row.behind,
        recorded_at: row.recorded_at,
    }
}

fn flake(row: view::FleetRow) -> FleetFlake {
    FleetFlake {
        id: row.flake.to_string(),
        lineage: row.lineage,
        origin: row.origin,
        host: row.host,
        path: row.path.text().to_owned(),
        rev: row.nixpkgs_rev,
        nixpkgs_modified: row.nixpkgs_last_modified.map(|seconds| seconds.saturating_mul(SECOND)),
        recorded_at: row.recorded_at,
    }
}

fn parked(row: view::ParkedRow) -> Parked {
    Parked { id: row.id, origin: row.origin, reason: row.reason, since: row.parked_at }
}

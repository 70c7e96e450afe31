//! Where synchronisation stands, read from the ledger alone: no server is asked.

use super::{LEASE, REMOTE, SyncError};
use crate::domain::delivery::State;
use crate::store::Reader;
use crate::store::remote::Remote;

/// Where synchronisation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether the user agreed to it.
    pub enabled: bool,
    /// Where the exchange stands.
    pub remote: Remote,
    /// How many events this ledger has shared.
    pub shared: i64,
    /// How many of them the exchange lacks.
    pub backlog: i64,
    /// When the oldest of those was recorded, in microseconds since 1970 UTC.
    pub oldest: Option<i64>,
    /// How the breaker stands: `closed`, `half_open` or `open`.
    pub breaker: &'static str,
    /// Who delivers now; none when nobody does.
    pub holder: Option<String>,
    /// How many messages are parked.
    pub parked: u64,
    /// How many messages wait for others.
    pub waiting: u64,
    /// How many roots are shared, and how many there are.
    pub roots: (usize, usize),
    /// Whether the problems that were found below them are shared as well.
    pub findings: bool,
    /// Whether the generations and channels of this machine are shared.
    pub system: bool,
    /// How many other origins have events here.
    pub origins: usize,
}

/// Reads where it stands.
///
/// # Errors
/// When the ledger cannot be read.
pub fn report(reader: &Reader, now: i64) -> Result<Report, SyncError> {
    let mut remote = reader.remote(REMOTE)?;
    let enabled = reader.is_sync_enabled()?;
    let holder = reader.lease_holder(LEASE, now)?;
    // Who was killed could not write down that nobody delivers any more.
    let state = match State::named(&remote.status.state) {
        _ if !enabled => State::Disabled,
        Some(State::Blocked) => State::Blocked,
        Some(state) if holder.is_some() && state != State::Disabled => state,
        _ => State::Offline,
    };
    state.name().clone_into(&mut remote.status.state);
    if holder.is_none() || state == State::Disabled {
        remote.status.connected_since = None;
    }
    let (shared, _) = reader.shared_head()?;
    let roots = reader.roots()?;
    let backlog = shared - remote.acked.min(shared);
    let oldest =
        if backlog > 0 { reader.shared(remote.acked, 1)?.first().map(|first| first.event.recorded_at) } else { None };
    Ok(Report {
        enabled,
        backlog,
        oldest,
        breaker: state.breaker(remote.status.attempts),
        remote,
        shared,
        holder,
        parked: reader.parked_count()?,
        waiting: reader.waiting()?,
        roots: (roots.iter().filter(|root| root.shared).count(), roots.len()),
        findings: reader.are_findings_shared()?,
        system: reader.is_system_shared()?,
        origins: reader.shared_heads()?.len().saturating_sub(1),
    })
}

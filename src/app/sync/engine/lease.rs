//! The lease: one process of many delivers, and the others are told who.

use std::path::Path;

use super::super::{LEASE, SyncError};
use super::Engine;
use crate::domain::delivery::Seen;

/// How long a lease lasts, and when it is renewed, in microseconds.
const LEASE_US: i64 = 10_000_000;

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Takes or renews the lease; the other holder when there is one.
    pub(super) fn keep_lease(&mut self) -> Result<Option<String>, SyncError> {
        let now = self.now();
        // Where the clock was set back, others take what lasts too long for nobody's.
        if (LEASE_US / 2..=LEASE_US).contains(&(self.leased_until - now)) {
            return Ok(None);
        }
        if self.session.store.lease(LEASE, &self.holder, now, now + LEASE_US)? {
            self.leased_until = now + LEASE_US;
            return Ok(None);
        }
        let other = self.reader.lease_holder(LEASE, now)?.unwrap_or_else(|| "another process".to_owned());
        if is_dead(&other, &self.session.who.host) {
            tracing::warn!(other, "who delivered is gone and did not say so");
            self.session.store.release_lease(LEASE, &other)?;
            if self.session.store.lease(LEASE, &self.holder, now, now + LEASE_US)? {
                self.leased_until = now + LEASE_US;
                return Ok(None);
            }
        }
        self.stop_way_in();
        if self.leased_until > 0 {
            // What was known of the exchange is another's to know now; whoever delivers again asks first.
            self.leased_until = 0;
            if self.bus.is_some() {
                self.see(Seen::Connected);
            }
        }
        Ok(Some(other))
    }
}

/// How a process is called that holds the lease.
pub(super) fn holder(host: &str, process: u32) -> String {
    format!("{host} (process {process})")
}

/// Whether a holder of the lease was a process of this machine and is no more. Should two deliver after all, the fence
/// holds.
pub(in crate::app::sync) fn is_dead(other: &str, host: &str) -> bool {
    let process = other.strip_prefix(host).and_then(|rest| rest.strip_prefix(" (process ")?.strip_suffix(')'));
    let exists = |process: &str| Path::new("/proc").join(process).exists();
    process.is_some_and(|process| process.parse::<u32>().is_ok() && exists("self") && !exists(process))
}

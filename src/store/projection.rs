//! Read models that follow the log inside its transactions.

use rusqlite::Connection;

use super::error::StoreError;
use super::log::Recorded;

/// Applies new events to every read model, inside the transaction that records them.
#[expect(clippy::unnecessary_wraps, reason = "the read models come with their errors")]
pub(crate) fn apply_all(_connection: &Connection, _events: &[Recorded]) -> Result<(), StoreError> {
    Ok(())
}

/// Makes the read models that are missing.
#[expect(clippy::unnecessary_wraps, reason = "the read models come with their errors")]
pub(crate) fn ensure(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

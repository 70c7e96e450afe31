//! What could not be taken in, and what becomes of it.

use super::super::Session;
use super::{REMOTE, SyncError};
use crate::store::Reader;
use crate::store::inbox::Parked;
pub use crate::store::inbox::ParkedRow;

/// Every parked message.
///
/// # Errors
/// When the ledger cannot be read.
pub fn list(reader: &Reader) -> Result<Vec<ParkedRow>, SyncError> {
    Ok(reader.parked()?)
}

/// One parked message.
///
/// # Errors
/// [`SyncError::NothingParked`].
pub fn show(reader: &Reader, id: i64) -> Result<ParkedRow, SyncError> {
    reader.parked()?.into_iter().find(|row| row.id == id).ok_or(SyncError::NothingParked(id))
}

/// Lets the origin go on, and has the exchange read again from its beginning: what is here already is passed over.
///
/// # Errors
/// [`SyncError::NothingParked`].
pub fn retry(session: &Session, id: i64) -> Result<(), SyncError> {
    settle(session, id, Parked::Retry)?;
    session.store.read_again(REMOTE, session.clock.now())?;
    Ok(())
}

/// Drops the message; its origin is not listened to any more.
///
/// # Errors
/// [`SyncError::NothingParked`].
pub fn discard(session: &Session, id: i64) -> Result<(), SyncError> {
    settle(session, id, Parked::Discard)
}

fn settle(session: &Session, id: i64, decision: Parked) -> Result<(), SyncError> {
    if session.store.settle_parked(id, decision)? { Ok(()) } else { Err(SyncError::NothingParked(id)) }
}

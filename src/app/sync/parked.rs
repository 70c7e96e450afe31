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

/// Lets its origin go on, if it has one, with all of it that is parked, and has the exchange read again: what is here already is
/// passed over. Returns what was parked.
///
/// # Errors
/// [`SyncError::NothingParked`].
pub fn retry(session: &Session, id: i64) -> Result<ParkedRow, SyncError> {
    let (row, _) = settle(session, id, Parked::Retry)?;
    // What its origin has shared meanwhile was passed over, wherever it is; a message of nobody stands for itself.
    let from = if row.origin.is_some() { 1 } else { row.remote_seq };
    session.store.read_again(REMOTE, from, session.clock.now())?;
    Ok(row)
}

/// Lets the origin of a key, or of the beginning of one, go on after something of it was discarded, and has the exchange read
/// again. Returns its key.
///
/// # Errors
/// [`SyncError::NoSuchOrigin`], [`SyncError::LeftBehind`].
pub fn listen_again(session: &Session, key: &str) -> Result<String, SyncError> {
    let mut heads = session.store.reader()?.shared_heads()?;
    heads.retain(|head| head.origin.starts_with(key));
    let (Some(head), true) = (heads.pop(), heads.is_empty()) else {
        return Err(SyncError::NoSuchOrigin(key.to_owned()));
    };
    if !session.store.readmit(&head.origin)? {
        return Err(SyncError::LeftBehind(head.origin));
    }
    session.store.read_again(REMOTE, 1, session.clock.now())?;
    Ok(head.origin)
}

/// Drops the message; its origin, if it waits for that, is not listened to any more. Returns the key of that origin.
///
/// # Errors
/// [`SyncError::NothingParked`].
pub fn discard(session: &Session, id: i64) -> Result<Option<String>, SyncError> {
    let (row, retired) = settle(session, id, Parked::Discard)?;
    Ok(row.origin.filter(|_| retired))
}

fn settle(session: &Session, id: i64, decision: Parked) -> Result<(ParkedRow, bool), SyncError> {
    session.store.settle_parked(id, decision)?.ok_or(SyncError::NothingParked(id))
}

//! Who this ledger is to others: one origin, its key, and what becomes of a copy or of a lost ledger.

use std::path::Path;

use super::sync::LEASE;
use super::{AppError, Session};

pub use crate::store::origin::Succession;

/// Makes this ledger an origin of its own, with a new key.
///
/// # Errors
/// [`AppError::Delivering`] while a process exchanges events for it.
pub fn fork(session: Session) -> Result<Succession, AppError> {
    refuse_while_delivering(&session)?;
    let (who, now) = (session.who.clone(), session.clock.now());
    Ok(session.store.fork(&who, now)?)
}

/// Makes this ledger the origin that a key file belongs to.
///
/// # Errors
/// [`AppError::Delivering`] while a process exchanges events for it, and those of the store.
pub fn adopt(session: Session, key_file: &Path) -> Result<Succession, AppError> {
    refuse_while_delivering(&session)?;
    Ok(session.store.adopt(key_file)?)
}

/// Refuses while a process exchanges events under the identity that is to change.
pub(super) fn refuse_while_delivering(session: &Session) -> Result<(), AppError> {
    let holder = session.store.reader()?.lease_holder(LEASE, session.clock.now());
    match holder? {
        Some(holder) => Err(AppError::Delivering { holder }),
        None => Ok(()),
    }
}

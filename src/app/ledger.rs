//! Opening the ledger for a face, and what a face may need of it beside the views.

use std::path::Path;

use crate::domain::catalogue::Event;
use crate::store::view::EventRow;
use crate::store::{Access, Store, StoreError, shape};

use super::Session;
use super::clock::Clock;

pub use crate::store::local::RootRow;
pub use crate::store::sql::{Answer as SqlAnswer, run as sql};
pub use crate::store::{Reader, Who};

/// The ledger, open for reading only.
#[derive(Debug)]
pub struct Ledger {
    /// What reads it.
    pub reader: Reader,
    pub(super) store: Store,
}

impl Ledger {
    /// The public key of this database's origin.
    pub fn origin(&self) -> &str {
        &self.store.origin().public_key
    }
}

/// Opens the ledger for reading and writing, and makes it when it is not there.
pub fn open(path: &Path, who: Who, clock: Clock) -> Result<Session, StoreError> {
    let store = Store::open(path, Access::ReadWrite, &who, clock.now())?;
    Ok(Session { store, clock, who })
}

/// Opens the ledger for reading; it must be there. One of an older release is brought up to date.
pub fn look(path: &Path, who: &Who, now: i64) -> Result<Ledger, StoreError> {
    let store = Store::open(path, Access::ReadOnly, who, now)?;
    Ok(Ledger { reader: store.reader()?, store })
}

/// What an event says; nothing when it was erased, or comes from a newer release.
pub fn decode(row: &EventRow) -> Option<Event> {
    shape::decode(&row.kind, row.schema_version, &row.payload).ok()
}

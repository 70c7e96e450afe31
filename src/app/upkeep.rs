//! Looking after the ledger itself: checks, copies, exports, erasure. Each is one call of the store with what a face
//! has to know about it.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::domain::id::EventId;
use crate::store::erase::Erasure;
use crate::store::view::{self, EventRow};
use crate::store::{Receipt, StoreError};

use super::ledger::Ledger;
use super::{AppError, Session, origin};

pub use crate::store::backup::{Agreed, BackedUp, BackupOptions, Restored, restore};
pub use crate::store::check::{Check, CheckState, check, worst};
pub use crate::store::import::{Export, Imported};
pub use crate::store::rebuild::{Progress, Rebuilt, Replayed, Selection, Table as ReplayedTable};
pub use crate::store::remote::Agreement;
pub use crate::store::verify::verify;

/// What an erasure came to.
#[derive(Debug, Clone)]
pub struct Erased {
    /// The position of the event that says so.
    pub position: Option<i64>,
    /// Whether the bytes are gone from the files already; if not, the next opening goes on.
    pub complete: bool,
    /// Why they are not, when that failed; else a reader is in the way.
    pub failed: Option<StoreError>,
    /// Whether `undo` has no text of any edit any more, as it is not recorded where the event's flake was.
    pub all_edits: bool,
}

/// The event that is meant by a position or an id.
pub fn event(session: &Session, selector: &str) -> Result<EventRow, StoreError> {
    view::event(&*session.store.reader()?, selector)
}

/// Blanks the payload of an event, for a reason in the user's words.
pub fn erase(session: &Session, event: EventId, reason: &str) -> Result<Erased, AppError> {
    let erased = session.store.erase(Erasure {
        command: session.command("erase_event"),
        at: session.clock.now(),
        event,
        record: EventId::new(session.clock.new_id()),
        reason: reason.to_owned(),
    })?;
    let position = match erased.receipt {
        Receipt::Stored { first, .. } | Receipt::Repeated { first, .. } => first,
    };
    Ok(Erased { position, complete: erased.complete, failed: erased.failed, all_edits: erased.all_edits })
}

/// Builds the read model, or one part of it, anew from the log.
pub fn rebuild(
    session: &Session,
    name: Option<&str>,
    stop: &AtomicBool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<Rebuilt>, AppError> {
    Ok(session.store.rebuild(name, stop, progress)?)
}

/// Replays chosen events into a read model of its own and sums it up; nothing that others see is touched.
pub fn replay(session: &Session, selection: &Selection) -> Result<Replayed, AppError> {
    Ok(session.store.replay(selection)?)
}

/// Copies the ledger to a file while others write.
pub fn backup(
    ledger: &Ledger,
    to: &Path,
    options: BackupOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackedUp, AppError> {
    Ok(ledger.store.backup(to, options, progress)?)
}

/// Whether a copy may be written there: not where the ledger itself is.
pub fn refuse_itself(ledger: &Ledger, to: &Path) -> Result<(), AppError> {
    Ok(ledger.store.refuse_itself(to)?)
}

/// Writes the whole log, one JSON object a line; `to` is its name in errors. Returns how many events it wrote.
pub fn export(ledger: &Ledger, out: &mut dyn Write, to: &Path) -> Result<i64, AppError> {
    Ok(ledger.store.export(out, to)?)
}

/// Takes an export in.
///
/// # Errors
/// [`AppError::Delivering`] when this ledger would become another one while a process exchanges events for it, and those of the store.
pub fn import(session: Session, export: Export) -> Result<Imported, AppError> {
    if session.store.is_of_another(&export) {
        origin::refuse_while_delivering(&session)?;
    }
    Ok(session.store.import_opened(export)?)
}

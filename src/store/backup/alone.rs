//! Having a ledger alone: nobody else reads or writes it meanwhile, and whoever opens it waits.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::connect;
use crate::store::error::{Named, StoreError};
use crate::store::holder;
use crate::store::inode;

/// For so long those are waited for that are over soon.
const PATIENCE: Duration = Duration::from_secs(1);

/// A ledger that this process has alone as long as this is kept. All of it is in its file.
#[derive(Debug)]
pub(super) struct Alone {
    /// In a transaction that holds the lock. No other file handle of it may be closed: the lock would be gone.
    pub(super) connection: Connection,
}

/// Takes a ledger for this process alone; nothing for one that is too damaged to be opened by anyone.
///
/// # Errors
/// [`StoreError::InUse`] names those who have it open.
pub(super) fn take(ledger: &Path) -> Result<Option<Alone>, StoreError> {
    let since = Instant::now();
    loop {
        let taken = inode::steadily(ledger, || match lock(ledger) {
            Err(error) if connect::is_busy(&error) => Ok(None),
            other => other.named(ledger),
        });
        match taken {
            Ok((Some(connection), _)) => return Ok(Some(Alone { connection })),
            Ok((None, _)) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            Ok((None, _)) => {
                return Err(StoreError::InUse { path: ledger.to_owned(), holders: holder::holders(ledger) });
            }
            Err(StoreError::Corrupt { .. } | StoreError::NotADatabase { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Without a write-ahead log, an exclusive transaction keeps readers out as well. Its log goes only when nobody else has it
/// open, and may have come again until the transaction begins.
fn lock(ledger: &Path) -> rusqlite::Result<Option<Connection>> {
    let connection = connect::bare(ledger)?;
    connection.pragma_update(None, "journal_mode", "delete")?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok((mode == "delete").then_some(connection))
}

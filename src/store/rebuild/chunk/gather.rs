//! Events are read and folded on a thread of its own while what has come together before is written, as both take about
//! as long. It stops where the log ends or memory is full: the build goes on by itself from there.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ffi};

use super::{Limits, head, take_in};
use crate::store::connect;
use crate::store::error::StoreError;
use crate::store::projection::{Change, Memory, Outcome, Projection, Target};

/// The handle; dropping it stops the thread and waits for it.
#[derive(Debug)]
pub(super) struct Gatherer {
    told: Option<Receiver<Told>>,
    thread: Option<JoinHandle<()>>,
}

/// What comes from the thread.
#[derive(Debug)]
pub(super) enum Told {
    /// What is to be written, in order, and up to where events were taken in for it.
    Part { position: i64, changes: Vec<Change> },
    /// The thread is done: what is true now is in memory, and what came together last.
    End { position: i64, memory: Memory, outcome: rusqlite::Result<Outcome> },
}

impl Gatherer {
    /// Starts the thread, on a connection of its own.
    pub(super) fn start(
        path: &Path,
        built: (&'static dyn Projection, i64),
        limits: Limits,
    ) -> Result<Self, StoreError> {
        let connection = connect::to_read(path)?;
        // Nothing waits in between: there is a part on either side already.
        let (tell, told) = sync_channel(0);
        let thread = thread::Builder::new()
            .name("ledger-gatherer".to_owned())
            .spawn(move || gather(&connection, built, limits, &tell))
            .map_err(|source| StoreError::file("start the thread that reads", path, source))?;
        Ok(Self { told: Some(told), thread: Some(thread) })
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// When the thread ended without a word, which it does only when it panicked.
    pub(super) fn next(&self) -> rusqlite::Result<Told> {
        let silent = || {
            let why = "the thread that reads the log ended without a word".to_owned();
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT), Some(why))
        };
        self.told.as_ref().and_then(|told| told.recv().ok()).ok_or_else(silent)
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        // It ends when nobody listens.
        drop(self.told.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reads the log for a build panicked");
        }
    }
}

/// The life of the thread.
fn gather(
    connection: &Connection,
    (projection, generation): (&'static dyn Projection, i64),
    limits: Limits,
    tell: &SyncSender<Told>,
) {
    let target = Target::fresh(connection, projection, generation);
    let mut position: i64 = 0;
    let outcome = loop {
        let last = match head(connection) {
            Ok(head) => head.min(position.saturating_add(limits.read)),
            Err(error) => break Err(error),
        };
        if last == position || target.size() > limits.keys {
            break Ok(Outcome::Applied);
        }
        match take_in(connection, projection, &target, (position, last), || Ok(())) {
            Ok(Outcome::Applied) => position = last,
            other => break other,
        }
        if target.waiting() > limits.gathered {
            let part = Told::Part { position, changes: target.take_in_order() };
            if tell.send(part).is_err() {
                return;
            }
        }
    };
    // Nobody may listen any more.
    tell.send(Told::End { position, memory: target.into_memory(), outcome }).unwrap_or_default();
}

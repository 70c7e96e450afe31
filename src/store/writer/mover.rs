//! Moves the write-ahead log into the file, on a thread and a connection of its own, so that no commit has to.
//!
//! A log that is always written to is never moved to its end that way, and would never begin anew. The commit that finds
//! little left to move therefore does it, and so does one that finds the log too long.

use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

use crate::store::connect;
use crate::store::error::{Named, StoreError};
use crate::store::inode::Inode;

/// After so many pages it is moved, beside whoever writes.
const STEP: c_int = 4_000;
/// So little is left that a commit moves it: the log is short then, and pages that were written before cost less.
const REST: c_int = 500;
/// At so many pages a commit moves it whatever is left: 64 MB.
const MOST: c_int = 16_000;

/// The handle; dropping it waits for the move that is under way.
#[derive(Debug)]
pub(super) struct Mover {
    wish: Arc<Wish>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is to do.
#[derive(Debug, Default)]
struct Wish {
    state: Mutex<State>,
    changed: Condvar,
    /// Up to which page of the log the last move came.
    moved: AtomicI32,
}

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    over: bool,
}

impl Mover {
    /// Starts the thread, and has the connection that writes tell it how long the log is.
    pub(super) fn start(writing: &mut Connection, path: &Path, inode: Inode) -> Result<Self, StoreError> {
        let wish = Arc::new(Wish::default());
        writing.wal_hook(Some(watch(Arc::clone(&wish)))).named(path)?;
        let (served, at) = (Arc::clone(&wish), path.to_owned());
        let thread = thread::Builder::new()
            .name("ledger-mover".to_owned())
            .spawn(move || served.serve(&at, inode))
            .map_err(|source| StoreError::file("start the mover of", path, source))?;
        Ok(Self { wish, thread: Some(thread) })
    }

    /// Has what there is moved, soon.
    pub(super) fn tell(&self) {
        self.wish.tell();
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.wish.state().over = true;
        self.wish.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that moves the ledger's log panicked");
        }
    }
}

/// What is called after each commit, with the length of the log in pages.
fn watch(wish: Arc<Wish>) -> impl FnMut(&mut Wal, c_int) -> rusqlite::Result<()> + Send + 'static {
    let (mut told, mut before) = (0, 0);
    move |wal, pages| {
        if pages < before {
            // It begins anew.
            told = 0;
            wish.moved.store(0, Ordering::Relaxed);
        }
        before = pages;
        let moved = wish.moved.load(Ordering::Relaxed);
        let little = (1..=pages).contains(&moved) && pages - moved <= REST;
        if little || pages >= MOST {
            wish.moved.store(0, Ordering::Relaxed);
            // Another may be at it; a later commit sees to it then.
            wal.checkpoint().unwrap_or_default();
        } else if pages - told >= STEP {
            told = pages;
            wish.tell();
        }
        Ok(())
    }
}

impl Wish {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.state().wanted = true;
        self.changed.notify_one();
    }

    /// The life of the thread. The connection is made when it is first needed.
    fn serve(&self, path: &Path, inode: Inode) {
        let mut connection = None;
        loop {
            let mut state = self.state();
            while !state.wanted && !state.over {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.over {
                return;
            }
            state.wanted = false;
            drop(state);
            let moved = move_on(&mut connection, path, inode).map(|moved| self.moved.store(moved, Ordering::Relaxed));
            if let Err(error) = moved {
                tracing::debug!(%error, "the log could not be moved into the file yet");
            }
        }
    }
}

/// Moves what it can without waiting for anyone, and returns up to which page; what it cannot now, a later commit or move
/// will. A log is never moved into another file that has come to lie there.
fn move_on(connection: &mut Option<Connection>, path: &Path, inode: Inode) -> Result<c_int, StoreError> {
    inode.stays_at(path)?;
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(connect::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?),
    };
    inode.stays_at(path)?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2)).named(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use rusqlite::params;

    use super::*;
    use crate::store::connect::to_write;

    const PAGE: u64 = 4_096;

    /// A database with a table, and its mover.
    fn begin(path: &Path) -> (Connection, Mover) {
        fs::File::create(path).unwrap();
        let mut connection = to_write(path).unwrap();
        let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        assert_eq!(connection.query_row("PRAGMA journal_mode = wal", [], mode).unwrap(), "wal");
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, x BLOB)").unwrap();
        let mover = Mover::start(&mut connection, path, Inode::at(path).unwrap()).unwrap();
        (connection, mover)
    }

    /// Commits that write about so many pages each; the longest that the log ever was, in pages.
    fn write(connection: &mut Connection, path: &Path, commits: u64, pages: u64) -> u64 {
        let log = path.with_extension("db-wal");
        let mut longest = 0;
        for commit in 0..commits {
            let transaction = connection.transaction().unwrap();
            for page in 0..pages {
                let row = params![((commit % 40) * pages + page).cast_signed(), vec![7_u8; 3_500]];
                transaction.prepare_cached("REPLACE INTO t VALUES (?1, ?2)").unwrap().execute(row).unwrap();
            }
            transaction.commit().unwrap();
            longest = longest.max(fs::metadata(&log).unwrap().len() / (PAGE + 24));
        }
        longest
    }

    #[test]
    fn the_log_begins_anew_under_small_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (mut connection, _mover) = begin(&path);
        let longest = write(&mut connection, &path, 4_000, 10);
        // As it grows on while it is moved, how far depends on the disk.
        assert!(longest < 30_000, "of 40,000 pages it held {longest} at once");
    }

    #[test]
    fn the_log_begins_anew_under_large_commits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (mut connection, _mover) = begin(&path);
        let longest = write(&mut connection, &path, 40, 1_500);
        assert!(longest < 45_000, "of 60,000 pages it held {longest} at once");
    }

    #[test]
    fn it_is_moved_when_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (mut connection, mover) = begin(&path);
        write(&mut connection, &path, 1, 100);
        assert!(fs::metadata(&path).unwrap().len() < 100 * PAGE, "it is in the log alone");
        mover.tell();
        let begun = Instant::now();
        while fs::metadata(&path).unwrap().len() < 100 * PAGE {
            assert!(begun.elapsed() < Duration::from_secs(20), "it was not moved");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_cannot_be_moved_now_hinders_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (mut connection, mover) = begin(&path);
        write(&mut connection, &path, 1, 10);
        let reader = crate::store::connect::to_read(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        // Whoever looks at an old moment keeps the log from beginning anew, not from growing.
        write(&mut connection, &path, 1_000, 10);
        mover.tell();
        let rows = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!((rows(&reader), rows(&connection)), (10, 400));
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(rows(&reader), 400);
    }
}

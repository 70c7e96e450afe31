//! The one who writes: whoever holds the connection that does, and stores what many callers hand in, in few durable
//! transactions. A caller who finds the connection free takes it and spares two changes of thread; else a thread serves the
//! line. A caller is answered after the commit that holds its command.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::{Named, StoreError};
use super::inode::Inode;
use super::log::append::{self, Heads, Place, Prepared};
use super::log::{Receipt, Recorded};
use super::origin::Origin;
use super::projection;
use mover::Mover;

mod mover;

/// How many requests may wait; more make their callers wait.
const QUEUE: usize = 4096;
/// How many requests share one transaction at most.
const GROUP: usize = 256;
/// After this long without work the log is moved into the file, so that no commit has to.
const IDLE: Duration = Duration::from_millis(500);

type Answer = Result<Receipt, StoreError>;
type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Request {
    Append(Box<Prepared>, SyncSender<Answer>),
    Work(Work),
}

/// Who wants to know at once that something was recorded; called where it is written, so it must not wait for anything.
pub type Listener = dyn Fn() + Send + Sync;

/// The handle of it all; dropping it waits for what was handed in.
pub(crate) struct Writer {
    office: Arc<Office>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.office.path).finish_non_exhaustive()
    }
}

/// An append that was handed in and not yet answered.
#[derive(Debug)]
pub struct Ticket {
    answer: Receiver<Answer>,
    path: PathBuf,
    inode: Inode,
}

impl Ticket {
    /// Waits until the append is durable, or says why it is not stored.
    ///
    /// # Errors
    /// Those of [`super::Store::append`].
    pub fn wait(self) -> Result<Receipt, StoreError> {
        self.answer.recv().unwrap_or_else(|_| Err(stopped(self.inode, &self.path)))
    }
}

impl Writer {
    pub(crate) fn start(
        mut connection: Connection,
        (path, inode): (&Path, Inode),
        origin: &Origin,
    ) -> Result<Self, StoreError> {
        let office = Arc::new(Office {
            path: path.to_owned(),
            inode,
            mover: Mover::start(&mut connection, path, inode)?,
            desk: Mutex::new(Desk { connection, origin: origin.clone() }),
            listeners: Mutex::default(),
            line: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
        });
        let served = Arc::clone(&office);
        let thread = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || served.serve())
            .map_err(|source| StoreError::file("start the writer of", path, source))?;
        Ok(Self { office, thread: Some(thread) })
    }

    /// Hands an append in for the thread to store.
    pub(crate) fn submit(&self, append: Prepared) -> Result<Ticket, StoreError> {
        let ticket = self.hand_in(append)?;
        self.office.wake();
        Ok(ticket)
    }

    /// Stores an append, and whatever was handed in before it.
    pub(crate) fn append(&self, append: Prepared) -> Answer {
        let ticket = self.hand_in(append)?;
        self.office.serve_here_or_wake(&ticket.answer).unwrap_or_else(|| ticket.wait())
    }

    /// Runs a piece of work with the connection, outside any transaction.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.office.push(Request::Work(Box::new(move |connection| {
            // A caller that is gone needs no answer.
            answer.send(work(connection)).unwrap_or_default();
        })))?;
        let served = self.office.serve_here_or_wake(&answered);
        served.unwrap_or_else(|| answered.recv().unwrap_or_else(|_| Err(self.office.stopped())))
    }

    /// Tells a listener of every append, as long as somebody keeps it.
    pub(crate) fn listen(&self, listener: &Arc<Listener>) {
        self.office.listeners().push(Arc::downgrade(listener));
    }

    fn hand_in(&self, append: Prepared) -> Result<Ticket, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.office.push(Request::Append(Box::new(append), answer))?;
        Ok(Ticket { answer: answered, path: self.office.path.clone(), inode: self.office.inode })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.office.line().closed = true;
        self.office.arrived.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.office.path.display(), "the writer of the ledger panicked");
        }
    }
}

/// What callers and the thread share. Who needs both locks takes the desk first.
struct Office {
    path: PathBuf,
    inode: Inode,
    mover: Mover,
    desk: Mutex<Desk>,
    listeners: Mutex<Vec<Weak<Listener>>>,
    line: Mutex<Line>,
    /// Tells the thread that there is something to do.
    arrived: Condvar,
    /// Tells callers that the line is shorter.
    room: Condvar,
}

/// Who waits.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Request>,
    /// Nobody may join any more.
    closed: bool,
    /// When something was written last that may not be in the file yet.
    unmoved: Option<Instant>,
    rest: Rest,
}

/// What the thread is at.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Rest {
    #[default]
    Awake,
    /// It waits for the moment to move the log into the file.
    Short,
    /// It waits for whatever comes next.
    Long,
}

/// What the thread is to do next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Serve,
    Move,
    End,
}

impl Office {
    /// Another's panic while it held the line leaves the line as good as it was: nothing that is done with it can panic midway.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> StoreError {
        stopped(self.inode, &self.path)
    }

    fn is_replaced(&self) -> bool {
        self.inode.stays_at(&self.path).is_err()
    }

    fn push(&self, request: Request) -> Result<(), StoreError> {
        let mut line = self.line();
        while line.waiting.len() >= QUEUE && !line.closed {
            line = self.room.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        if line.closed {
            return Err(self.stopped());
        }
        line.waiting.push_back(request);
        Ok(())
    }

    fn wake(&self) {
        if self.line().rest != Rest::Awake {
            self.arrived.notify_one();
        }
    }

    /// Serves those who wait on this very thread, when nobody else does; the answer, when somebody had given it already.
    fn serve_here_or_wake<T>(&self, answered: &Receiver<T>) -> Option<T> {
        match self.desk.try_lock() {
            Ok(desk) => {
                if let Ok(answer) = answered.try_recv() {
                    // Others' work is not this caller's to wait for.
                    drop(desk);
                    self.served();
                    return Some(answer);
                }
                // A panic must not reach a caller whose work it was not; the desk is poisoned and everybody is told.
                match catch_unwind(AssertUnwindSafe(|| self.serve_at(desk))) {
                    Ok(()) => self.served(),
                    Err(_) => self.close(),
                }
            }
            Err(TryLockError::WouldBlock) => self.wake(),
            Err(TryLockError::Poisoned(_)) => self.close(),
        }
        None
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the thread know, so that it moves the log when nothing comes for a while.
    fn served(&self) {
        let mut line = self.line();
        line.unmoved = Some(Instant::now());
        if line.rest == Rest::Long || (line.rest == Rest::Short && !line.waiting.is_empty()) {
            self.arrived.notify_one();
        }
    }

    /// Whoever waits is told that nobody writes any more, by the end of the channels.
    fn close(&self) {
        let mut line = self.line();
        line.closed = true;
        line.waiting.clear();
        self.arrived.notify_all();
        self.room.notify_all();
    }

    /// The life of the thread.
    fn serve(&self) {
        loop {
            let next = self.next();
            if next == Next::Move {
                self.mover.tell();
                continue;
            }
            let Ok(desk) = self.desk.lock() else { return self.close() };
            let done = catch_unwind(AssertUnwindSafe(|| {
                if next == Next::Serve {
                    self.serve_at(desk);
                    self.line().unmoved = Some(Instant::now());
                } else if self.is_replaced() {
                    self.leave(&desk);
                } else {
                    // Keeps the planner's statistics fresh; a failure costs only speed.
                    desk.connection.execute_batch("PRAGMA optimize").unwrap_or_default();
                }
            }));
            match (done, next) {
                (Err(_), _) => return self.close(),
                (Ok(()), Next::End) => return,
                (Ok(()), _) => {}
            }
        }
    }

    fn next(&self) -> Next {
        let mut line = self.line();
        loop {
            line.rest = Rest::Awake;
            if !line.waiting.is_empty() {
                return Next::Serve;
            }
            if line.closed {
                return Next::End;
            }
            if let Some(since) = line.unmoved {
                let left = IDLE.saturating_sub(since.elapsed());
                if left.is_zero() {
                    line.unmoved = None;
                    return Next::Move;
                }
                line.rest = Rest::Short;
                (line, _) = self.arrived.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner);
            } else {
                line.rest = Rest::Long;
                line = self.arrived.wait(line).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Serves the first who waits, and with an append all behind it up to the next piece of work.
    fn serve_at(&self, mut desk: MutexGuard<'_, Desk>) {
        if self.is_replaced() {
            return self.leave(&desk);
        }
        let mut group = Vec::new();
        while group.len() < GROUP {
            match self.take() {
                Some(Request::Append(append, answer)) => group.push((*append, answer)),
                Some(Request::Work(work)) => {
                    self.store_group(&mut desk, std::mem::take(&mut group));
                    work(&mut desk.connection);
                    return;
                }
                None => break,
            }
        }
        self.store_group(&mut desk, group);
    }

    /// Writes no more: another file has come to lie at the path, or none. The log is moved into the file that it belongs to,
    /// and is empty then, so that it is never read into the other one.
    fn leave(&self, desk: &Desk) {
        let moved = desk.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::warn!(%error, path = %self.path.display(), "what was recorded last may be in the log alone");
        }
        self.close();
    }

    fn store_group(&self, desk: &mut Desk, group: Vec<(Prepared, SyncSender<Answer>)>) {
        if group.is_empty() {
            return;
        }
        let (appends, callers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let stored = store_all(&mut desk.connection, &self.path, &desk.origin, appends);
        // What went into a file that nobody else sees is not acknowledged.
        let answers = match stored.and_then(|answers| self.inode.stays_at(&self.path).map(|()| answers)) {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); callers.len()],
        };
        for (caller, answer) in callers.iter().zip(answers) {
            // A caller that is gone needs no answer.
            caller.send(answer).unwrap_or_default();
        }
        self.listeners().retain(|listener| listener.upgrade().inspect(|listener| listener()).is_some());
    }

    fn take(&self) -> Option<Request> {
        let mut line = self.line();
        let request = line.waiting.pop_front();
        if line.waiting.len() + 1 == QUEUE {
            self.room.notify_all();
        }
        request
    }
}

/// Why nobody writes any more.
fn stopped(inode: Inode, path: &Path) -> StoreError {
    inode.stays_at(path).err().unwrap_or_else(|| StoreError::WriterStopped { path: path.to_owned() })
}

/// What whoever writes has before it.
struct Desk {
    connection: Connection,
    origin: Origin,
}

/// Stores a group in one transaction, each in a savepoint of its own: a refused one leaves the others.
fn store_all(
    connection: &mut Connection,
    path: &Path,
    origin: &Origin,
    appends: Vec<Prepared>,
) -> Result<Vec<Answer>, StoreError> {
    let transaction = origin.begin(connection, path)?;
    let place = Place { connection: &transaction, path, origin };
    let mut heads = Heads::read(&place)?;
    let mut recorded = Vec::new();
    let mut answers = Vec::with_capacity(appends.len());
    let alone = appends.len() == 1;
    for append in appends {
        let answer = if alone {
            append::store(&place, &mut heads, append, &mut recorded)
        } else {
            store_guarded(&place, &mut heads, append, &mut recorded)?
        };
        answers.push(answer);
    }
    if answers.iter().all(Result::is_err) {
        // Dropping the transaction undoes it, if SQLite has not done so already.
        return Ok(answers);
    }
    projection::apply_all(&transaction, &recorded)?;
    transaction.commit().named(path)?;
    Ok(answers)
}

/// The outer error is the transaction's: SQLite has given it up, as it does when the disk is full.
fn store_guarded(
    place: &Place<'_>,
    heads: &mut Heads,
    append: Prepared,
    recorded: &mut Vec<Recorded>,
) -> Result<Answer, StoreError> {
    let run = |sql: &str| place.cached(sql)?.execute([]).named(place.path);
    run("SAVEPOINT command")?;
    let (before, length) = (*heads, recorded.len());
    let answer = append::store(place, heads, append, recorded);
    if let Err(error) = &answer {
        if place.connection.is_autocommit() {
            return Err(error.clone());
        }
        run("ROLLBACK TO command")?;
        *heads = before;
        recorded.truncate(length);
    }
    run("RELEASE command")?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (tempfile::TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        std::fs::File::create(&path).unwrap();
        let connection = super::super::connect::connect(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let origin = Origin { id: 1, public_key: "U".to_owned(), host: "h".to_owned(), user: "u".to_owned() };
        let writer = Writer::start(connection, (&path, Inode::at(&path).unwrap()), &origin).unwrap();
        (directory, writer)
    }

    #[test]
    fn a_panic_on_the_thread_is_an_error_for_everyone_and_no_hang() {
        let (_directory, writer) = writer();
        let died = writer.run(|_| -> Result<(), StoreError> { panic!("on purpose") });
        assert!(matches!(died, Err(StoreError::WriterStopped { .. })), "{died:?}");
        let after = writer.run(|_| Ok(()));
        assert!(matches!(after, Err(StoreError::WriterStopped { .. })), "{after:?}");
    }

    #[test]
    fn what_was_handed_in_before_is_done_before_whoever_does_it() {
        let (_directory, writer) = writer();
        let push = |sql: &'static str| {
            let work = move |connection: &mut Connection| connection.execute_batch(sql).unwrap();
            writer.office.push(Request::Work(Box::new(work))).unwrap();
        };
        push("CREATE TABLE t (x)");
        push("INSERT INTO t VALUES (1)");
        let count = |connection: &mut Connection| {
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).named(Path::new("x"))
        };
        assert_eq!(writer.run(count).unwrap(), 1);
    }

    #[test]
    fn a_panic_in_the_work_of_another_does_not_reach_the_caller_who_does_it() {
        let (_directory, writer) = writer();
        writer.office.push(Request::Work(Box::new(|_| panic!("on purpose")))).unwrap();
        let after = writer.run(|_| Ok(()));
        assert!(matches!(after, Err(StoreError::WriterStopped { .. })), "{after:?}");
    }

    #[test]
    fn dropping_the_handle_waits_for_what_was_handed_in() {
        let (directory, writer) = writer();
        writer.run(|connection| connection.execute_batch("CREATE TABLE t (x)").named(Path::new("x"))).unwrap();
        for _ in 0..10 {
            writer
                .office
                .push(Request::Work(Box::new(|connection| {
                    thread::sleep(Duration::from_millis(2));
                    connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
                })))
                .unwrap();
        }
        drop(writer);
        let reader = super::super::connect::to_read(&directory.path().join("x.db")).unwrap();
        let rows: i64 = reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 10);
    }
}

//! The thread that writes: it owns the one connection that does, and stores what many callers hand it in few durable
//! transactions. A caller is answered after the commit that holds its command.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Named, StoreError};
use super::log::append::{self, Heads, Place, Prepared};
use super::log::{Receipt, Recorded};
use super::origin::Origin;
use super::projection;

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

/// Who wants to know at once that something was recorded; called on the thread, so it must not wait for anything.
pub type Listener = dyn Fn() + Send + Sync;

type Listeners = Arc<Mutex<Vec<Weak<Listener>>>>;

/// The handle of the thread.
pub(crate) struct Writer {
    listeners: Listeners,
    queue: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish_non_exhaustive()
    }
}

/// An append that was handed in and not yet answered.
#[derive(Debug)]
pub struct Ticket {
    answer: Receiver<Answer>,
    path: PathBuf,
}

impl Ticket {
    /// Waits until the append is durable, or says why it is not stored.
    ///
    /// # Errors
    /// Those of [`super::Store::append`].
    pub fn wait(self) -> Result<Receipt, StoreError> {
        self.answer.recv().unwrap_or(Err(StoreError::WriterStopped { path: self.path }))
    }
}

impl Writer {
    pub(crate) fn start(connection: Connection, path: &Path, origin: &Origin) -> Result<Self, StoreError> {
        let (queue, requests) = sync_channel(QUEUE);
        let listeners = Listeners::default();
        let (path_of_desk, told) = (path.to_owned(), listeners.clone());
        let mut desk = Desk { connection, path: path_of_desk, origin: origin.clone(), requests, listeners: told };
        let thread = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || desk.serve())
            .map_err(|source| StoreError::file("start the writer of", path, source))?;
        Ok(Self { listeners, queue: Some(queue), thread: Some(thread), path: path.to_owned() })
    }

    pub(crate) fn submit(&self, append: Prepared) -> Result<Ticket, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.send(Request::Append(Box::new(append), answer))?;
        Ok(Ticket { answer: answered, path: self.path.clone() })
    }

    /// Tells a listener of every append, as long as somebody keeps it.
    pub(crate) fn listen(&self, listener: &Arc<Listener>) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(listener));
    }

    /// Runs a piece of work on the thread, with its connection, outside any transaction.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.send(Request::Work(Box::new(move |connection| {
            // A caller that is gone needs no answer.
            answer.send(work(connection)).unwrap_or_default();
        })))?;
        answered.recv().unwrap_or_else(|_| Err(self.stopped()))
    }

    fn send(&self, request: Request) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(|| self.stopped())?;
        queue.send(request).map_err(|_| self.stopped())
    }

    fn stopped(&self) -> StoreError {
        StoreError::WriterStopped { path: self.path.clone() }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the writer of the ledger panicked");
        }
    }
}

/// What the thread has before it.
struct Desk {
    connection: Connection,
    path: PathBuf,
    origin: Origin,
    requests: Receiver<Request>,
    listeners: Listeners,
}

impl Desk {
    fn serve(&mut self) {
        let mut unmoved = false;
        loop {
            let request = if unmoved {
                match self.requests.recv_timeout(IDLE) {
                    Ok(request) => request,
                    Err(RecvTimeoutError::Timeout) => {
                        self.checkpoint();
                        unmoved = false;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match self.requests.recv() {
                    Ok(request) => request,
                    Err(_) => break,
                }
            };
            self.take(request);
            unmoved = true;
        }
        // Keeps the planner's statistics fresh; a failure costs only speed.
        self.connection.execute_batch("PRAGMA optimize").unwrap_or_default();
    }

    /// Serves a request, and with an append all that wait behind it up to the next piece of work.
    fn take(&mut self, first: Request) {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next.take() {
            match request {
                Request::Append(append, answer) => group.push((*append, answer)),
                Request::Work(work) => {
                    self.store_group(std::mem::take(&mut group));
                    work(&mut self.connection);
                    return;
                }
            }
            if group.len() < GROUP {
                next = self.requests.try_recv().ok();
            }
        }
        self.store_group(group);
    }

    fn store_group(&mut self, group: Vec<(Prepared, SyncSender<Answer>)>) {
        if group.is_empty() {
            return;
        }
        let (appends, callers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let answers = match store_all(&mut self.connection, &self.path, &self.origin, appends) {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); callers.len()],
        };
        for (caller, answer) in callers.iter().zip(answers) {
            // A caller that is gone needs no answer.
            caller.send(answer).unwrap_or_default();
        }
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|listener| listener.upgrade().inspect(|listener| listener()).is_some());
    }

    /// Moves what it can without waiting for anyone; what it cannot now, a later commit or checkpoint will.
    fn checkpoint(&self) {
        let moved = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::debug!(%error, "the log could not be moved into the file yet");
        }
    }
}

/// Stores a group in one transaction, each in a savepoint of its own: a refused one leaves the others.
fn store_all(
    connection: &mut Connection,
    path: &Path,
    origin: &Origin,
    appends: Vec<Prepared>,
) -> Result<Vec<Answer>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).named(path)?;
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
        let writer = Writer::start(connection, &path, &origin).unwrap();
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
    fn dropping_the_handle_waits_for_what_was_handed_in() {
        let (directory, writer) = writer();
        writer.run(|connection| connection.execute_batch("CREATE TABLE t (x)").named(Path::new("x"))).unwrap();
        for _ in 0..10 {
            writer
                .send(Request::Work(Box::new(|connection| {
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

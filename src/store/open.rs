//! The open ledger: what may be done with it, and how it comes to be.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;

use super::connect::{self, Last, SCHEMA};
use super::erase;
use super::error::{Named, StoreError};
use super::file;
use super::inode::Inode;
use super::local;
use super::log::append::{Place, Prepared};
use super::log::{Append, Receipt};
use super::network::network_kind;
use super::origin::{self, Origin, Signer};
use super::projection;
use super::reader::Reader;
use super::writer::{Listener, Ticket, Writer};

/// How a store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Appends and reads; makes the database when there is none.
    ReadWrite,
    /// Reads only; works without write permission.
    ReadOnly,
}

/// Who is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The machine.
    pub host: String,
    /// The user.
    pub user: String,
}

impl Who {
    /// As actors are written: `user@host`. Whatever the environment says, both fit into an event.
    pub fn actor(&self) -> String {
        format!("{}@{}", cut(&self.user), cut(&self.host))
    }
}

/// The longest name of a user or a machine, in bytes; longer ones no system has.
const LONGEST_NAME: usize = 256;

fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or(name)
}

/// An open ledger. Shared by reference between threads; dropping it waits for what was submitted.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    origin: Origin,
    writer: Option<Writer>,
    immutable: bool,
    inode: Inode,
    last: Last,
}

impl Store {
    /// Opens a ledger, and with [`Access::ReadWrite`] makes it. One of an older release is brought up to date in either case.
    /// `now` is in microseconds since 1970 UTC and is kept as the time of creation.
    ///
    /// # Errors
    /// Says why the file is refused; a refused file is left untouched.
    pub fn open(path: &Path, access: Access, who: &Who, now: i64) -> Result<Self, StoreError> {
        connect::refuse_old_sqlite()?;
        match access {
            Access::ReadWrite => Self::open_to_write(path, who, now, &network_kind),
            Access::ReadOnly => Self::open_to_read(path, who, now),
        }
    }

    /// From a moment on nobody who writes waits for another process any more: this one is to end. Said twice, the first counts.
    pub fn wait_no_longer_than(&self, moment: Instant) {
        self.last.get_or_init(|| moment);
    }

    pub(super) fn last(&self) -> Last {
        Arc::clone(&self.last)
    }

    /// A new connection that reads.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] when another file lies there by now.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let opened = if self.immutable { connect::immutable(&self.path) } else { connect::to_read(&self.path) };
        let connection = opened.map_err(|error| self.still_there().err().unwrap_or(error))?;
        connection.pragma_update(None, "query_only", true).named(&self.path)?;
        self.is_of_this(&connection)?;
        Ok(Reader::new(connection, &self.path))
    }

    /// The same for whoever answers others: what is private is in no table of the read model that it sees, as if it were not
    /// there. What others told is shared.
    ///
    /// # Errors
    /// As [`Store::reader`].
    pub fn reader_of_shared(&self) -> Result<Reader, StoreError> {
        let reader = self.reader()?;
        let hide = || -> rusqlite::Result<()> {
            reader.pragma_update(None, "query_only", false)?;
            projection::see_shared_only(&reader)?;
            reader.pragma_update(None, "query_only", true)
        };
        hide().named(&self.path)?;
        Ok(reader)
    }

    /// Stores what one command writes, and returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a stream has moved on; nothing of the command is stored on any error.
    pub fn append(&self, append: Append) -> Result<Receipt, StoreError> {
        let writer = self.writer()?;
        writer.append(Prepared::new(append)?)
    }

    /// Hands an append to the writer without waiting for it; waits only while the queue is full. Appends are stored in
    /// the order in which they were submitted.
    ///
    /// # Errors
    /// When an event cannot be written down, or the writer has stopped.
    pub fn submit(&self, append: Append) -> Result<Ticket, StoreError> {
        let writer = self.writer()?;
        writer.submit(Prepared::new(append)?)
    }

    /// The origin that this database is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key that signs for this origin.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the key file is missing or another's; everything else works without it.
    pub fn signer(&self) -> Result<Signer, StoreError> {
        origin::signer(&self.path, &self.origin)
    }

    /// The database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the path still leads to the file that was opened.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] when it was replaced, moved or deleted meanwhile.
    pub fn still_there(&self) -> Result<(), StoreError> {
        self.inode.stays_at(&self.path)
    }

    /// The same, and whether the ledger is still the origin that it was, as a connection to it sees.
    ///
    /// # Errors
    /// [`StoreError::Replaced`], and [`StoreError::OriginChanged`] when another process made it another's.
    pub fn still_ours(&self, connection: &Connection) -> Result<(), StoreError> {
        self.still_there()?;
        // Whoever cannot be told now asks again.
        if self.origin.is_of(connection).unwrap_or(true) {
            Ok(())
        } else {
            Err(StoreError::OriginChanged { path: self.path.clone() })
        }
    }

    /// Refuses a connection that was made by the path and is to another file.
    pub(crate) fn is_of_this(&self, connection: &Connection) -> Result<(), StoreError> {
        // The first look at a file locks it: nobody restores another in its place after that.
        let looked = connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0));
        self.still_there().and(looked.map(drop).named(&self.path))
    }

    /// How it was opened.
    pub fn access(&self) -> Access {
        if self.writer.is_some() { Access::ReadWrite } else { Access::ReadOnly }
    }

    /// Tells a listener of everything that this process appends, as long as somebody keeps it. It is called where
    /// appends are written and must not wait for anything.
    ///
    /// # Errors
    /// When the ledger is open for reading only.
    pub fn listen(&self, listener: &Arc<Listener>) -> Result<(), StoreError> {
        self.writer()?.listen(listener);
        Ok(())
    }

    /// Runs one piece of work in a transaction of its own, on the connection that writes.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, origin, inode) = (self.path.clone(), self.origin.clone(), self.inode);
        self.with_connection(move |connection| write_on(connection, (&path, inode), &origin, work))
    }

    /// The same for what another can tell again, as how far a server has got: not waited for on the disk, so a power cut may
    /// take it back. What was committed before is durable as ever, and whoever commits next makes this so as well.
    pub(crate) fn write_relaxed<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, origin, inode) = (self.path.clone(), self.origin.clone(), self.inode);
        self.with_connection(move |connection| {
            connection.pragma_update(None, "synchronous", "NORMAL").named(&path)?;
            let done = write_on(connection, (&path, inode), &origin, work);
            connection.pragma_update(None, "synchronous", "FULL").named(&path)?;
            done
        })
    }

    /// Lends the connection that writes, between two transactions.
    pub(crate) fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer()?.run(work)
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::OpenedReadOnly { path: self.path.clone() })
    }

    /// The same ledger, to be written; an erasure that is not finished is as it was.
    pub(super) fn open_again_to_write(&self) -> Result<Self, StoreError> {
        let who = Who { host: self.origin.host.clone(), user: self.origin.user.clone() };
        // It is there: no time of creation is written, and no edit is too old at that time.
        let store = Self::open_as_it_is(&self.path, &who, 0, &network_kind)?;
        self.still_there()?;
        Ok(store)
    }

    fn open_to_write(
        path: &Path,
        who: &Who,
        now: i64,
        network: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let store = Self::open_as_it_is(path, who, now, network)?;
        store.go_on_with_erasure_on_opening(now);
        Ok(store)
    }

    fn open_as_it_is(
        path: &Path,
        who: &Who,
        now: i64,
        network: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<Self, StoreError> {
        file::make_parent(path)?;
        if let Some(kind) = network(file::parent(path)) {
            return Err(StoreError::NetworkFileSystem { path: path.to_owned(), kind });
        }
        make_file(path)?;
        let (mut connection, inode) = connect::prepared_to_write(path)?;
        restrict_files(path);
        let mut origin = origin::load_or_make(&mut connection, path, who, now)?;
        if let Err(error) = origin::follow_host(&connection, &mut origin, who) {
            tracing::warn!(%error, "this machine has another name, which is written down by the next opening");
        }
        projection::ensure(&connection)?;
        local::edits::sweep(&connection, now).named(path)?;
        if erase::pending(&connection).named(path)?.is_some() {
            local::edits::blank_secrets(&connection).named(path)?;
        }
        let last = Last::default();
        connect::be_patient(&mut connection, Arc::clone(&last)).named(path)?;
        let writer = Writer::start(connection, (path, inode), &origin)?;
        Ok(Self { path: path.to_owned(), origin, writer: Some(writer), immutable: false, inode, last })
    }

    fn open_to_read(path: &Path, who: &Who, now: i64) -> Result<Self, StoreError> {
        let mut opened = connect::to_look_at(path)?;
        if opened.found == 0 {
            // An empty file is no ledger yet, and reading makes none.
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        if opened.found < SCHEMA {
            let (found, immutable) = (opened.found, opened.immutable);
            drop(opened);
            bring_up_to_date(path, found, immutable, || Self::open_to_write(path, who, now, &network_kind))?;
            opened = connect::to_look_at(path)?;
        }
        let origin = origin::load(&opened.connection).named(path)?;
        let origin = origin.ok_or_else(|| StoreError::NoOrigin { path: path.to_owned() })?;
        let (immutable, inode) = (opened.immutable, opened.inode);
        Ok(Self { path: path.to_owned(), origin, writer: None, immutable, inode, last: Last::default() })
    }
}

/// Has a ledger of an older release opened to be written, which brings it up to date, when that is possible.
fn bring_up_to_date(
    path: &Path,
    found: u32,
    immutable: bool,
    open: impl FnOnce() -> Result<Store, StoreError>,
) -> Result<(), StoreError> {
    let older = StoreError::Older { path: path.to_owned(), found, known: SCHEMA };
    if immutable {
        return Err(older);
    }
    match open() {
        Ok(_) => Ok(()),
        Err(StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. } | StoreError::NetworkFileSystem { .. }) => {
            Err(older)
        }
        Err(error) => Err(error),
    }
}

/// Makes the file before SQLite does, so that it never has another mode; its log and shared memory inherit it.
fn make_file(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(StoreError::NotADatabase { path: path.to_owned() }),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(connect::not_there(path, &error)),
        Err(_) => {}
    }
    file::make_private(path).map_err(|source| StoreError::file("make", path, source))
}

/// Takes the files of what is certainly a ledger away from others.
fn restrict_files(path: &Path) {
    for suffix in ["", "-wal", "-shm", ".key"] {
        // Another owner's file keeps its mode; `store check` tells.
        file::restrict(&file::beside(path, suffix)).unwrap_or_default();
    }
}

/// One transaction. What went into a file that nobody else sees is not acknowledged.
fn write_on<T>(
    connection: &mut Connection,
    (path, inode): (&Path, Inode),
    origin: &Origin,
    work: impl FnOnce(&Place<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = origin.begin(connection, path)?;
    let done = work(&Place { connection: &transaction, path, origin })?;
    transaction.commit().named(path)?;
    inode.stays_at(path)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_refused_with_advice_before_anything_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.db");
        let who = Who { host: "h".to_owned(), user: "u".to_owned() };
        let error = Store::open_to_write(&path, &who, 0, &|_| Some("nfs4".to_owned())).unwrap_err();
        assert!(error.to_string().contains("nfs4") && error.to_string().contains("--db"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn whoever_is_at_work_is_named_as_shortly_as_an_event_needs() {
        let named = |user: &str, host: &str| Who { host: host.to_owned(), user: user.to_owned() }.actor();
        assert_eq!(named("ada", "desk"), "ada@desk");
        let actor = named(&"é".repeat(70_000), &format!("x{}", "é".repeat(200)));
        assert_eq!(actor, format!("{}@x{}", "é".repeat(128), "é".repeat(127)));
        // As the actor of a command that somebody asked for, with their own name.
        assert!(actor.len() + "bus: ()".len() + LONGEST_NAME < crate::store::shape::NAME_LIMIT);
    }

    #[test]
    fn what_is_written_after_a_relaxed_transaction_is_waited_for_again() {
        let directory = tempfile::tempdir().unwrap();
        let who = Who { host: "h".to_owned(), user: "u".to_owned() };
        let store = Store::open(&directory.path().join("ledger.db"), Access::ReadWrite, &who, 0).unwrap();
        let synchronous = |connection: &Connection| {
            connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).named(Path::new("x"))
        };
        let inside = store.write_relaxed(move |place| synchronous(place.connection)).unwrap();
        let failed = store.write_relaxed(|_| Err::<(), _>(StoreError::Stopped { doing: "this" }));
        let after = store.with_connection(move |connection| synchronous(connection)).unwrap();
        assert_eq!((inside, failed.is_err(), after), (1, true, 2));
    }
}

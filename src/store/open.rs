//! Opening the ledger: the one place where connections are made, with their pragmas and every refusal.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::{Named, StoreError};
use super::file;
use super::log::append::{Place, Prepared};
use super::log::{Append, Receipt};
use super::network::network_kind;
use super::origin::{self, Origin, Signer};
use super::projection;
use super::reader::Reader;
use super::writer::{Ticket, Writer};

mod refinery_migrations {
    refinery::embed_migrations!("migrations");
}

/// `CIMN`: what a ledger's header carries.
pub const APPLICATION_ID: i32 = 0x4349_4d4e;
/// The newest schema that this release knows; the last migration sets `user_version` to it.
pub const SCHEMA: u32 = 1;
/// How long a writer waits for another process.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Older ones can damage a write-ahead log that two connections use.
const OLDEST_SQLITE: i32 = 3_051_003;

const PRAGMAS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; \
     PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000; \
     PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

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
    /// As actors are written: `user@host`.
    pub fn actor(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

/// An open ledger. Shared by reference between threads; dropping it waits for what was submitted.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    origin: Origin,
    writer: Option<Writer>,
    immutable: bool,
}

impl Store {
    /// Opens a ledger, and with [`Access::ReadWrite`] makes or migrates it. `now` is in microseconds since 1970 UTC and
    /// is kept as the time of creation.
    ///
    /// # Errors
    /// Says why the file is refused; a refused file is left untouched.
    pub fn open(path: &Path, access: Access, who: &Who, now: i64) -> Result<Self, StoreError> {
        refuse_old_sqlite()?;
        match access {
            Access::ReadWrite => Self::open_to_write(path, who, now, &network_kind),
            Access::ReadOnly => Self::open_to_read(path),
        }
    }

    /// A new connection that reads.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let connection = if self.immutable { connect_immutable(&self.path)? } else { connect_to_read(&self.path)? };
        Ok(Reader::new(connection, &self.path))
    }

    /// Stores what one command writes, and returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a stream has moved on; nothing of the command is stored on any error.
    pub fn append(&self, append: Append) -> Result<Receipt, StoreError> {
        self.submit(append)?.wait()
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

    /// How it was opened.
    pub fn access(&self) -> Access {
        if self.writer.is_some() { Access::ReadWrite } else { Access::ReadOnly }
    }

    /// Runs one piece of work in a transaction of its own, on the thread that writes.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, origin) = (self.path.clone(), self.origin.clone());
        self.with_connection(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).named(&path)?;
            let done = work(&Place { connection: &transaction, path: &path, origin: &origin })?;
            transaction.commit().named(&path)?;
            Ok(done)
        })
    }

    /// Lends the connection that writes, between two transactions, on its own thread.
    pub(crate) fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer()?.run(work)
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::OpenedReadOnly { path: self.path.clone() })
    }

    fn open_to_write(
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
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let found = identify(&connection, path)?;
        if connection.is_readonly("main").named(path)? {
            return Err(StoreError::ReadOnly { path: path.to_owned() });
        }
        use_write_ahead_log(&connection, path)?;
        if found < SCHEMA {
            migrate(&mut connection, path)?;
        }
        let origin = origin::load_or_make(&mut connection, path, who, now)?;
        projection::ensure(&mut connection)?;
        let writer = Writer::start(connection, path, &origin)?;
        Ok(Self { path: path.to_owned(), origin, writer: Some(writer), immutable: false })
    }

    fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let (connection, immutable) =
            match connect_to_read(path).and_then(|c| identify(&c, path).map(|found| (c, found))) {
                Err(error) if needs_immutable(path, &error) => {
                    let connection = connect_immutable(path)?;
                    let found = identify(&connection, path)?;
                    ((connection, found), true)
                }
                other => (other?, false),
            };
        let (connection, found) = connection;
        if found < SCHEMA {
            return Err(StoreError::Older { path: path.to_owned(), found, known: SCHEMA });
        }
        let origin = origin::load(&connection).named(path)?;
        let origin = origin.ok_or_else(|| StoreError::NoOrigin { path: path.to_owned() })?;
        Ok(Self { path: path.to_owned(), origin, writer: None, immutable })
    }
}

/// A connection with every pragma that does not touch the file.
pub(crate) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    #[expect(clippy::disallowed_methods, reason = "this is where connections come from")]
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).named(path)?;
    connection.busy_timeout(BUSY_TIMEOUT).named(path)?;
    connection.execute_batch(PRAGMAS).named(path)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// A connection that refuses to write.
pub(crate) fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true).named(path)?;
    Ok(connection)
}

/// What the file is: its schema, zero for a new one.
pub(crate) fn identify(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).named(path);
    let (application_id, version) = (number("application_id")?, number("user_version")?);
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    let refusal = match application_id {
        APPLICATION_ID if found > SCHEMA => StoreError::Newer { path: path.to_owned(), found, known: SCHEMA },
        APPLICATION_ID => return Ok(found),
        0 if found == 0 && is_new(connection, path)? => return Ok(0),
        _ => StoreError::OtherApplication { path: path.to_owned(), application_id },
    };
    // Closing the last connection would move a write-ahead log into the file, which is not ours to touch.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).named(path)?;
    Err(refusal)
}

/// No tables yet, or only what an interrupted first migration leaves.
fn is_new(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    connection
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name NOT IN ('refinery_schema_history'))",
            [],
            |row| row.get(0),
        )
        .named(path)
}

fn refuse_old_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite { found: rusqlite::version().to_owned() });
    }
    Ok(())
}

/// Makes the file before SQLite does, so that it never has another mode; its log and shared memory inherit it.
fn make_file(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        file::make_private(path).map_err(|source| StoreError::file("make", path, source))?;
    }
    for suffix in ["", "-wal", "-shm", ".key"] {
        // Another owner's file keeps its mode; `store check` tells.
        file::restrict(&file::beside(path, suffix)).unwrap_or_default();
    }
    Ok(())
}

/// Changing the journal mode needs the file alone for a moment and does not wait by itself.
fn use_write_ahead_log(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let since = Instant::now();
    loop {
        let set = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match set {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(StoreError::ReadOnly { path: path.to_owned() }),
            Err(error) if is_busy(&error) && since.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(StoreError::sqlite(path, error)),
        }
    }
}

/// Runs the migrations; when another process was faster, what counts is that they are done.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let migrated = refinery_migrations::migrations::runner().run(connection);
    connection.set_transaction_behavior(TransactionBehavior::Deferred);
    match migrated {
        Ok(_) => Ok(()),
        Err(_) if identify(connection, path)? == SCHEMA => Ok(()),
        Err(error) => Err(migration_error(path, &error)),
    }
}

fn migration_error(path: &Path, error: &refinery::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(sqlite) = current.downcast_ref::<rusqlite::Error>()
            && let Some(code) = sqlite.sqlite_error()
        {
            return StoreError::sqlite(path, rusqlite::Error::SqliteFailure(*code, Some(sqlite.to_string())));
        }
        cause = current.source();
    }
    StoreError::Corrupt { path: path.to_owned(), detail: error.to_string() }
}

/// Whether a database cannot be opened for reading only because its directory cannot be written: a write-ahead log needs
/// its shared memory there. Without a log nothing is missed by reading the file alone.
fn needs_immutable(path: &Path, error: &StoreError) -> bool {
    let cannot = match error {
        StoreError::ReadOnly { .. } => true,
        StoreError::Sqlite { source, .. } => source.sqlite_error_code() == Some(ErrorCode::CannotOpen),
        _ => false,
    };
    cannot && !file::beside(path, "-wal").exists()
}

fn connect_immutable(path: &Path) -> Result<Connection, StoreError> {
    let uri = immutable_uri(path).map_err(|source| StoreError::file("find", path, source))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = connect(Path::new(&uri), flags)?;
    connection.pragma_update(None, "query_only", true).named(path)?;
    Ok(connection)
}

fn immutable_uri(path: &Path) -> std::io::Result<String> {
    use std::os::unix::ffi::OsStrExt;

    let path = fs::canonicalize(path)?;
    let escaped = path.as_os_str().as_bytes().iter().map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        other => format!("%{other:02x}"),
    });
    Ok(format!("file:{}?immutable=1", escaped.collect::<String>()))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
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
}

//! Connections: the one place where they are made, with their pragmas, and where a file is told from a ledger.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::{Named, StoreError};
use super::file;
use super::inode::{self, Inode};

mod frames;

mod migrations;

pub(crate) use migrations::migrate;

/// `CIMN`: what a ledger's header carries.
pub(crate) const APPLICATION_ID: i32 = 0x4349_4d4e;
/// The newest schema that this release knows; the last migration sets `user_version` to it.
pub(crate) const SCHEMA: u32 = 10;
/// How long a writer waits for another process.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// So often a connection tries again at once before it takes its time.
const SHORT_TRIES: i32 = 200;
/// How much of the file a writer keeps in memory at most, in KiB below zero.
const WRITE_CACHE: i64 = -32_000;
/// Older ones can damage a write-ahead log that two connections use.
const OLDEST_SQLITE: i32 = 3_051_003;

const PRAGMAS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; \
     PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000; \
     PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

/// A connection with every pragma that does not touch the file.
pub(crate) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let mut connection = open(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).named(path)?;
    be_patient(&mut connection, Last::default()).named(path)?;
    connection.execute_batch(PRAGMAS).named(path)?;
    // Without it SQLite plans a statement anew for every value that is bound to it, wherever a partial index is in reach.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).named(path)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

#[expect(clippy::disallowed_methods, reason = "this is where connections come from")]
fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match frames::file::name() {
        Some(name) if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) => {
            Connection::open_with_flags_and_vfs(path, flags, name)
        }
        _ => Connection::open_with_flags(path, flags),
    }
}

/// A connection that is as SQLite makes it and waits for nobody: to find out who else is there.
pub(crate) fn bare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// The moment from which on nobody waits for another process any more, once it is known.
pub(crate) type Last = Arc<OnceLock<Instant>>;

/// Lets a connection wait up to [`BUSY_TIMEOUT`] for another process, and no longer than up to a last moment. SQLite's own way to
/// wait sleeps longer with every try, up to a tenth of a second: whoever writes all the time then starves whoever waits.
pub(crate) fn be_patient(connection: &mut Connection, last: Last) -> rusqlite::Result<()> {
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        // At first shorter than a commit takes.
        std::thread::sleep(if tries < SHORT_TRIES { Duration::from_micros(100) } else { Duration::from_millis(1) });
        since.elapsed() < BUSY_TIMEOUT && last.get().is_none_or(|last| Instant::now() < *last)
    }))
}

/// A connection that writes: what many events change fits into its memory. What it deletes is overwritten where that writes no
/// page more: a table that a rebuild lets go would be written once more otherwise.
pub(crate) fn to_write(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "cache_size", WRITE_CACHE).named(path)?;
    let fast = connection.pragma_update_and_check(None, "secure_delete", "fast", |row| row.get::<_, i64>(0));
    fast.named(path)?;
    Ok(connection)
}

/// A connection that cannot write to the file.
pub(crate) fn to_read(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// A file that was opened without touching it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    /// Its schema, zero for an empty file.
    pub(crate) found: u32,
    /// Whether it is read as a file that nobody changes, because its directory cannot be written.
    pub(crate) immutable: bool,
    /// Which file it is.
    pub(crate) inode: Inode,
}

/// Opens a file to read it, or to check it; temporary tables may be made.
pub(crate) fn to_look_at(path: &Path) -> Result<Opened, StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(StoreError::NotADatabase { path: path.to_owned() }),
        Ok(_) => {}
        Err(error) => return Err(not_there(path, &error)),
    }
    let look = |connection: Connection, immutable| {
        let found = identify(&connection, path)?;
        Ok((connection, found, immutable))
    };
    let looked = inode::steadily(path, || match to_read(path).and_then(|connection| look(connection, false)) {
        Err(error) if needs_immutable(path, &error) => look(immutable(path)?, true),
        other => other,
    });
    let ((connection, found, immutable), inode) = looked?;
    Ok(Opened { connection, found, immutable, inode })
}

/// Makes a file a ledger of this release, ready to be written.
pub(crate) fn prepared_to_write(path: &Path) -> Result<(Connection, Inode), StoreError> {
    let ((mut connection, found), inode) = inode::steadily(path, || with_log(path))?;
    if migrations::are_missing(&connection, found).named(path)? {
        migrate(&mut connection, path)?;
    }
    Ok((connection, inode))
}

/// Opens a file with a write-ahead log, which keeps a lock on it as long as it is open; also its schema.
fn with_log(path: &Path) -> Result<(Connection, u32), StoreError> {
    let mut connection = to_write(path)?;
    let found = identify(&connection, path)?;
    if connection.is_readonly("main").named(path)? {
        return Err(StoreError::ReadOnly { path: path.to_owned() });
    }
    // Another owner's files keep their mode; writing then says so.
    if file::writable_beside(path).unwrap_or_default() {
        // Both would share what the first one could not open to write.
        drop(connection);
        connection = to_write(path)?;
    }
    use_write_ahead_log(&connection, path)?;
    Ok((connection, found))
}

/// What the file is: its schema, zero for a new one.
pub(crate) fn identify(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    // At one moment: another process may be making it.
    let _moment = Transaction::new_unchecked(connection, TransactionBehavior::Deferred).named(path)?;
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

/// Refuses the SQLite versions that can damage a write-ahead log.
pub(crate) fn refuse_old_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite { found: rusqlite::version().to_owned() });
    }
    Ok(())
}

/// Changing the journal mode needs the file alone for a moment and does not wait by itself.
pub(crate) fn use_write_ahead_log(connection: &Connection, path: &Path) -> Result<(), StoreError> {
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

/// What it means that the system does not tell of a file: what lies in a directory that may not be entered may be there.
pub(crate) fn not_there(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let barred = |directory: &&Path| {
                fs::metadata(directory.join(".")).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
            };
            // The outermost one, whose own parents may be entered.
            let directory = file::parent(path).ancestors().take_while(barred).last().unwrap_or(file::parent(path));
            StoreError::Barred { path: path.to_owned(), directory: directory.to_owned() }
        }
        _ => StoreError::Missing { path: path.to_owned() },
    }
}

/// Whether a database cannot be opened for reading only because its directory cannot be written: a write-ahead log needs
/// its shared memory there. Without a log nothing is missed by reading the file alone.
fn needs_immutable(path: &Path, error: &StoreError) -> bool {
    let cannot = matches!(error, StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. });
    cannot && !file::beside(path, "-wal").exists()
}

/// A connection that reads the file alone, as if nobody could change it.
pub(crate) fn immutable(path: &Path) -> Result<Connection, StoreError> {
    let uri = immutable_uri(path).map_err(|source| StoreError::file("find", path, source))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    connect(Path::new(&uri), flags).map_err(|error| match error {
        StoreError::Sqlite { source, .. } => StoreError::Sqlite { path: path.to_owned(), source },
        StoreError::CannotOpen { .. } => StoreError::CannotOpen { path: path.to_owned() },
        other => other,
    })
}

fn immutable_uri(path: &Path) -> io::Result<String> {
    use std::os::unix::ffi::OsStrExt;

    let path = fs::canonicalize(path)?;
    let escaped = path.as_os_str().as_bytes().iter().map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        other => format!("%{other:02x}"),
    });
    Ok(format!("file:{}?immutable=1", escaped.collect::<String>()))
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

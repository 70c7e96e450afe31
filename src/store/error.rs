//! What can go wrong with the ledger's file, in words that name the file and the next step.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};
use uuid::Uuid;

use super::file;
use super::shape::ShapeError;

/// An error of the store. Cheap to clone: one failed commit answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no database at that path.
    #[error("there is no ledger at {path}; run `cim-nix scan` to make one, or name another with `--db`")]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The database lies behind a directory that this user may not enter, so whether it is there is not known.
    #[error(
        "cannot open {path}: permission denied for the directory {directory}; let this user enter it, or name another ledger with `--db`"
    )]
    Barred {
        /// The database.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
    },
    /// A newer release made the file; it was not touched.
    #[error("{path} was made by a newer cim-nix (schema {found}, this one knows {known}); update this one")]
    Newer {
        /// The database.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The newest schema that this release knows.
        known: u32,
    },
    /// The file must be brought to this release's schema, which needs writing, and that is not possible where it lies.
    #[error(
        "{path} has schema {found}, this cim-nix reads {known}, and it cannot be written here to bring it up to date; copy it with `cp` to where you may write, and name the copy with `--db`"
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The schema that this release reads.
        known: u32,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a database; name another file with `--db`")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a SQLite database of something else.
    #[error(
        "{path} is the database of another application (application id {application_id:#010x}); name another file with `--db`"
    )]
    OtherApplication {
        /// The file.
        path: PathBuf,
        /// The id that the file carries.
        application_id: i32,
    },
    /// Pages of the file are damaged.
    #[error("{path} is damaged ({detail}); run `cim-nix store verify`, then `cim-nix store restore` from a backup")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The file, its directory or the way it was opened forbids writing.
    #[error("{path} cannot be written; give this user write permission for the file and its directory")]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// No space left, or a size limit reached; nothing of the command was stored.
    #[error("no space left for {path}; free some and repeat, what was stored before is safe")]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Another process has held the write lock for too long.
    #[error("{path} has been locked for over {seconds} s{}; wait for it or end it", holder_text(holder.as_deref()))]
    Locked {
        /// The database.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
        /// Who holds it, when that can be known: `1234 (cim-nix)`.
        holder: Option<String>,
    },
    /// Something needs the file alone, and others have it open.
    #[error("{path} is open in {}; close it there, then repeat", holders_text(holders))]
    InUse {
        /// The database.
        path: PathBuf,
        /// Who they are, as far as that can be known: `1234 (cim-nix)`.
        holders: Vec<String>,
    },
    /// The path leads to another file than the one that was opened, or to none.
    #[error(
        "{path} was replaced, moved or deleted while it was open; start again with what is there now, nothing more was recorded"
    )]
    Replaced {
        /// The database.
        path: PathBuf,
    },
    /// The ledger was made another origin's by another process: what would be written now would not fit its chain.
    #[error(
        "{path} became the ledger of another origin while it was open, by an import, `origin adopt` or `origin fork`; start again with what is there now, nothing more was recorded"
    )]
    OriginChanged {
        /// The database.
        path: PathBuf,
    },
    /// A write-ahead log needs shared memory, which this file system has not.
    #[error(
        "{path} lies on a network file system ({kind}), where a shared ledger gets damaged; name a local file with `--db`"
    )]
    NetworkFileSystem {
        /// The database.
        path: PathBuf,
        /// `nfs`, `cifs`, …
        kind: String,
    },
    /// The linked SQLite can damage a write-ahead log.
    #[error("SQLite {found} can damage a ledger; build with 3.51.3 or newer")]
    OldSqlite {
        /// The version that is linked.
        found: String,
    },
    /// The database has no origin of its own, although it has its schema.
    #[error("{path} does not say whose ledger it is; restore it from a backup")]
    NoOrigin {
        /// The database.
        path: PathBuf,
    },
    /// The key that signs for this database cannot be used.
    #[error("{path}: {why}; put the key file back from a backup (nothing can be shared without it, the rest works)")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The stream has moved on since it was read.
    #[error("{stream} is at version {actual}, not at {expected}: something else wrote to it meanwhile")]
    Conflict {
        /// The stream.
        stream: String,
        /// The version that the writer had seen.
        expected: u64,
        /// The version it has.
        actual: u64,
    },
    /// The stream belongs to another origin, which alone may write it.
    #[error("{stream} belongs to origin {owner}: only that machine may write it")]
    NotOwner {
        /// The stream.
        stream: String,
        /// The public key of its origin.
        owner: String,
    },
    /// This database and what it had sent went different ways.
    #[error("this ledger went on by itself after it was copied or restored: {why}")]
    Forked {
        /// Where they differ.
        why: String,
    },
    /// A ledger that has recorded events cannot become another one.
    #[error(
        "this ledger has recorded {events} events of its own and cannot become another one; name a new file with `--db`"
    )]
    NotAdoptable {
        /// How many.
        events: i64,
    },
    /// A payload is too large for one event.
    #[error("{stream}: a {kind} event of {bytes} bytes is over the limit of {limit}; split what it reports")]
    TooLarge {
        /// The stream.
        stream: String,
        /// The type of the event.
        kind: String,
        /// The size of the payload.
        bytes: usize,
        /// The largest that is stored.
        limit: usize,
    },
    /// A name is longer than others take in.
    #[error("{stream}: {what} of {bytes} bytes is over the limit of {limit}; shorten it")]
    LongName {
        /// The stream.
        stream: String,
        /// Which name.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest that is stored.
        limit: usize,
    },
    /// An event cannot be written down.
    #[error("{stream}: {source}")]
    Shape {
        /// The stream.
        stream: String,
        /// Why.
        source: ShapeError,
    },
    /// The event id is in the ledger already.
    #[error("event {event} is recorded already; give new events new ids")]
    DuplicateEvent {
        /// The event.
        event: Uuid,
    },
    /// No such event.
    #[error("there is no event {event} in {path}; `cim-nix log` shows those there are")]
    NoSuchEvent {
        /// What was asked for.
        event: String,
        /// The database.
        path: PathBuf,
    },
    /// The event must not be erased.
    #[error("event {event} cannot be erased: {why}")]
    NotErasable {
        /// The event.
        event: Uuid,
        /// Why not.
        why: String,
    },
    /// What was erased is still in the files, and cannot be taken out of them now.
    #[error("what was erased has to leave {path} before it is copied, and cannot: {source}")]
    Erasing {
        /// The database.
        path: PathBuf,
        /// Why not.
        source: Box<StoreError>,
    },
    /// The store was opened for reading.
    #[error("{path} was opened for reading only")]
    OpenedReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The thread that writes is gone.
    #[error("the writer of {path} has stopped; start the program again, what was acknowledged is stored")]
    WriterStopped {
        /// The database.
        path: PathBuf,
    },
    /// A file that must not be overwritten is there.
    #[error("{path} exists; name another file, or repeat with `--force`")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file of the ledger itself was named as the place for a copy of it.
    #[error("{path} is a file of this ledger; name another file")]
    Itself {
        /// The file.
        path: PathBuf,
    },
    /// A backup failed its checks.
    #[error("{path} is not a sound ledger: {why} (nothing was changed)")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The first thing that failed.
        why: String,
    },
    /// What was to be taken in as an export is a database.
    #[error("{path} is a database, not an export; `cim-nix store restore` puts a backup in the place of the ledger")]
    NoExport {
        /// The file.
        path: PathBuf,
    },
    /// An export cannot be taken in.
    #[error("{path}, line {line}: {why} (nothing of it was stored)")]
    Import {
        /// The export.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was being done: `write`, `make the directory`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// No flake goes by this path, id or beginning of an id.
    #[error("no flake `{selector}` in the ledger; `cim-nix flake list` shows those there are")]
    NoFlake {
        /// What was asked for.
        selector: String,
    },
    /// More than one flake goes by this path or beginning of an id.
    #[error("`{selector}` may be any of {}; give the path, or more of the id", some(candidates))]
    AmbiguousFlake {
        /// What was asked for.
        selector: String,
        /// Each fitting flake: its id and its path.
        candidates: Vec<String>,
    },
    /// A statement of the user was refused, or is wrong.
    #[error("the statement was refused: {reason}")]
    Statement {
        /// Why, with the next step.
        reason: String,
    },
    /// A part of the read model could not be filled.
    #[error(
        "the projection {name} of {path} failed at position {position}: {reason}; `cim-nix store rebuild {name}` tries again, the log is sound"
    )]
    Projection {
        /// The database.
        path: PathBuf,
        /// Which projection.
        name: &'static str,
        /// The event that it failed at.
        position: i64,
        /// What went wrong.
        reason: String,
    },
    /// No part of the read model has this name.
    #[error("no projection `{name}`; name one of {}", known.join(", "))]
    NoProjection {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// The work was stopped before its end; nothing half-done is visible.
    #[error("stopped while {doing}, and nothing was changed")]
    Stopped {
        /// What was being done.
        doing: &'static str,
    },
    /// The file is there and cannot be opened.
    #[error(
        "cannot open {path}; let this user read and write it and its directory, or copy it with its `-wal`, if there is one, to where that is so, and name the copy with `--db`"
    )]
    CannotOpen {
        /// The database.
        path: PathBuf,
    },
    /// Anything else that SQLite reports.
    #[error("{path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: Arc<rusqlite::Error>,
    },
}

impl StoreError {
    /// Names a file operation that failed.
    pub(crate) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::Full { path: path.to_owned() };
        }
        Self::File { doing, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Says what an error of SQLite means for the file at `path`.
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked {
                holder: super::holder::write_lock_holder(&path),
                seconds: super::connect::BUSY_TIMEOUT.as_secs(),
                path,
            },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::SystemIoFailure) if is_of_shared_memory(&source) && file::is_disk_full(&path) => {
                Self::Full { path }
            }
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, detail: source.to_string() },
            _ => Self::Sqlite { path, source: Arc::new(source) },
        }
    }
}

/// Whether the shared memory of the log could not be made, enlarged or used: SQLite does not say that the disk is full there.
fn is_of_shared_memory(source: &rusqlite::Error) -> bool {
    let of =
        [ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMLOCK, ffi::SQLITE_IOERR_SHMMAP];
    source.sqlite_error().is_some_and(|error| of.contains(&error.extended_code))
}

/// Turns errors of SQLite into ours, naming the file.
pub(crate) trait Named<T> {
    /// Names the file that the error is about.
    fn named(self, path: &Path) -> Result<T, StoreError>;
}

impl<T> Named<T> for rusqlite::Result<T> {
    fn named(self, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::sqlite(path, source))
    }
}

/// The first of many names, and how many more there are.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn holder_text(holder: Option<&str>) -> String {
    holder.map(|holder| format!(" by process {holder}")).unwrap_or_default()
}

fn holders_text(holders: &[String]) -> String {
    match holders {
        [] => "another process".to_owned(),
        [one] => format!("process {one}"),
        many => format!("processes {}", many.join(", ")),
    }
}

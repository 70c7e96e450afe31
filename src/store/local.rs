//! This machine's own tables: what it watches and remembers. Not events, never synced.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

pub(crate) mod edits;

mod directory;
mod due;
mod places;
mod undo;
pub(crate) mod unlearn;

pub use directory::Directory;
pub(crate) use directory::all as root_directories;
pub use edits::EditRow;
pub(crate) use places::is_in_forgotten_root;
pub use places::{Places, all_below, forgotten_root};
pub use undo::{Replaced, Undo};

use super::chain::Hash;
use super::error::{Named, StoreError};
use super::origin::heir;
use super::outbox;
use super::reader::Reader;
use super::remote::{self, Agreement};
use crate::domain::flake::event::Succeeded;
use crate::domain::id::FlakeId;
use crate::domain::stream::StreamId;

/// A change of a local table, made in the transaction of a command. Each may be made twice without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalNote {
    /// A file was read.
    FileSeen(FileRow),
    /// A file was read and says what is recorded: kept unless somebody else has read it since it was read before.
    FileSame {
        /// What was seen.
        row: FileRow,
        /// Its stamp when it was read before; none for the first time.
        before: Option<Vec<u8>>,
    },
    /// What was learnt by a look: kept unless an event was erased since, as whoever looked had still read what it told.
    AsOf {
        /// The position where the ledger ended before the look.
        head: i64,
        /// What was learnt.
        note: Box<LocalNote>,
    },
    /// The configurations of a flake have to be read again: what they follow from is recorded, and they are not yet.
    ConfigsDue {
        /// The flake.
        flake: FlakeId,
        /// Whether a text changed.
        changed: bool,
    },
    /// The configurations of a flake are recorded as they are.
    ConfigsSettled {
        /// The flake.
        flake: FlakeId,
        /// The position where the ledger ended before they were read.
        began: i64,
    },
    /// A file is gone.
    FileGone {
        /// The file.
        path: PathBuf,
    },
    /// A directory is watched from now on.
    RootAdded {
        /// The directory.
        path: PathBuf,
        /// When it was added, in microseconds since 1970 UTC.
        at: i64,
    },
    /// A root, or one that was, is that directory.
    RootSeen {
        /// Where it is.
        path: PathBuf,
        /// Which it is; none when that is elsewhere by now.
        directory: Option<Directory>,
    },
    /// A directory is no longer watched.
    RootRemoved {
        /// The directory.
        path: PathBuf,
    },
    /// What is below a watched directory is shared from now on, or no longer.
    RootShared {
        /// The directory.
        path: PathBuf,
        /// Whether it is.
        shared: bool,
    },
    /// The user agrees to something from now on, or no longer.
    Agreed {
        /// What that is.
        to: Agreement,
        /// Whether they do.
        agreed: bool,
    },
    /// A stream is private from here on, and what the same command records in it stays here already.
    Withdrawn {
        /// The stream.
        stream: StreamId,
    },
    /// A watched directory was scanned to its end.
    RootScanned {
        /// The directory.
        path: PathBuf,
        /// When, in microseconds since 1970 UTC.
        at: i64,
    },
    /// The past of a flake's lock was read up to a commit.
    HistoryCursor(HistoryCursor),
    /// A flake's directory is passed over from now on; or a root was forgotten, which is written `ROOT/*`.
    Forget {
        /// The directory.
        path: PathBuf,
        /// When, in microseconds since 1970 UTC.
        at: i64,
    },
    /// A flake's directory is no longer passed over.
    Unforget {
        /// The directory.
        path: PathBuf,
    },
    /// The stream of a flake goes on from one of the origin that was forked.
    Succeeds {
        /// The stream.
        stream: StreamId,
        /// What it goes on from.
        old: Box<Succeeded>,
    },
    /// A command is about to write a file.
    EditLeft(Box<EditRow>),
    /// What a command wrote has been observed.
    EditSeen {
        /// The command.
        command: Uuid,
    },
    /// What a command was about to write was not written.
    EditDropped {
        /// The command.
        command: Uuid,
    },
    /// Where a face left off.
    UiState {
        /// What it is.
        key: String,
        /// Its value.
        value: serde_json::Value,
    },
}

/// What a file looked like when it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// The file.
    pub path: PathBuf,
    /// Size, times, inode and device, as the scanner packs them.
    pub stamp: Vec<u8>,
    /// The BLAKE3 hash of its text.
    pub content: Hash,
    /// The version of the extractor that read it.
    pub extractor: u32,
    /// The flake that it belongs to.
    pub flake: Option<FlakeId>,
}

impl FileRow {
    /// Set in [`Self::extractor`] of a file that rules looked at, and not the extractor of flakes.
    pub const CHECKED: u32 = 1 << 31;

    /// Whether this is a Nix file that rules looked at, and not the directory of a flake.
    pub const fn is_checked(&self) -> bool {
        self.extractor & Self::CHECKED != 0
    }

    /// The device that the directory of a flake, or that around a file, was on when it was read last.
    pub fn device(&self) -> Option<u64> {
        // In the stamp of a file it stands last, also in that of a lock alone, as an earlier release kept it.
        let is_of_file = self.is_checked() || self.flake.is_none() && self.stamp.len() == size_of::<[u64; 5]>();
        let bytes = if is_of_file { self.stamp.last_chunk() } else { self.stamp.first_chunk() };
        bytes.copied().map(u64::from_be_bytes)
    }
}

/// A directory that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRow {
    /// The directory.
    pub path: PathBuf,
    /// When it was added, in microseconds since 1970 UTC.
    pub added_at: i64,
    /// Whether what is below it may be shared.
    pub shared: bool,
    /// When it was last scanned to its end.
    pub scanned_at: Option<i64>,
}

/// How far the past of a flake's lock has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryCursor {
    /// The flake.
    pub flake: FlakeId,
    /// The commit that was checked out, in hexadecimal.
    pub head: String,
    /// The oldest time that was asked for, in microseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Whether everything up to that bound was read.
    pub complete: bool,
}

impl Reader {
    /// What is remembered of one file.
    pub fn file(&self, path: &Path) -> Result<Option<FileRow>, StoreError> {
        self.prepare_cached("SELECT path, stamp, content, extractor, flake FROM files WHERE path = ?1")
            .and_then(|mut statement| statement.query_row([bytes(path)], file_row).optional())
            .named(self.path())
    }

    /// Every file that is remembered, in order of path.
    pub fn all_files(&self) -> Result<Vec<FileRow>, StoreError> {
        all_files(self).named(self.path())
    }

    /// Every directory that is watched, in order of path.
    pub fn roots(&self) -> Result<Vec<RootRow>, StoreError> {
        roots(self).named(self.path())
    }

    /// How far the past of a flake's lock has been read.
    pub fn history_cursor(&self, flake: FlakeId) -> Result<Option<HistoryCursor>, StoreError> {
        self.prepare_cached("SELECT head, since, complete FROM history_cursors WHERE flake = ?1")
            .and_then(|mut statement| {
                let row = statement.query_row([flake.uuid().as_bytes()], |row| {
                    Ok(HistoryCursor { flake, head: row.get(0)?, since: row.get(1)?, complete: row.get(2)? })
                });
                row.optional()
            })
            .named(self.path())
    }

    /// The directories that scans pass over, with the time they were forgotten; a root that was is written `ROOT/*`.
    pub fn forgotten(&self) -> Result<Vec<(PathBuf, i64)>, StoreError> {
        forgotten(self).named(self.path())
    }

    /// Where a face left off; none when nothing readable was kept.
    pub fn ui_state(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        let text: Option<String> = self
            .query_row("SELECT value FROM ui_state WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .named(self.path())?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// Every file that is remembered, in order of path.
pub(crate) fn all_files(connection: &Connection) -> rusqlite::Result<Vec<FileRow>> {
    rows(connection, "SELECT path, stamp, content, extractor, flake FROM files ORDER BY path", file_row)
}

/// Every directory that is watched, in order of path.
pub(crate) fn roots(connection: &Connection) -> rusqlite::Result<Vec<RootRow>> {
    rows(connection, "SELECT path, added_at, shared, scanned_at FROM roots ORDER BY path", |row| {
        Ok(RootRow { path: path_at(row, 0)?, added_at: row.get(1)?, shared: row.get(2)?, scanned_at: row.get(3)? })
    })
}

/// The directories that scans pass over, as [`Reader::forgotten`].
pub(crate) fn forgotten(connection: &Connection) -> rusqlite::Result<Vec<(PathBuf, i64)>> {
    let sql = "SELECT path, forgotten_at FROM forgotten ORDER BY path";
    rows(connection, sql, |row| Ok((path_at(row, 0)?, row.get(1)?)))
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// Makes one change.
pub(crate) fn apply(connection: &Connection, note: &LocalNote) -> rusqlite::Result<()> {
    let run =
        |sql: &str, parameters: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(parameters).map(drop);
    match note {
        LocalNote::FileSeen(file) => file_seen(connection, file),
        LocalNote::FileSame { row, before } => {
            let sql = "SELECT stamp FROM files WHERE path = ?1";
            let stamp = connection.prepare_cached(sql)?.query_row([bytes(&row.path)], |row| row.get(0)).optional()?;
            if stamp == *before { file_seen(connection, row) } else { Ok(()) }
        }
        LocalNote::AsOf { head, note } => {
            if unlearn::is_since(connection, *head)? {
                Ok(())
            } else {
                apply(connection, note)
            }
        }
        LocalNote::ConfigsDue { flake, changed } => due::add(connection, *flake, *changed),
        LocalNote::ConfigsSettled { flake, began } => due::settled(connection, *flake, *began),
        LocalNote::FileGone { path } => run("DELETE FROM files WHERE path = ?1", &[&bytes(path)]),
        LocalNote::RootAdded { path, at } => {
            run("INSERT INTO roots (path, added_at) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING", &[&bytes(path), at])
        }
        LocalNote::RootSeen { path, directory } => directory::seen(connection, path, *directory),
        LocalNote::RootRemoved { path } => run("DELETE FROM roots WHERE path = ?1", &[&bytes(path)]),
        LocalNote::RootShared { path, shared } => {
            run("UPDATE roots SET shared = ?2 WHERE path = ?1", &[&bytes(path), shared])
        }
        LocalNote::Withdrawn { stream } => outbox::withdraw(connection, &stream.to_string()),
        LocalNote::Agreed { to, agreed } => remote::agree(connection, *to, *agreed),
        LocalNote::RootScanned { path, at } => {
            run("UPDATE roots SET scanned_at = ?2 WHERE path = ?1", &[&bytes(path), at])
        }
        LocalNote::HistoryCursor(cursor) => history_cursor(connection, cursor),
        LocalNote::Forget { path, at } => run(
            "INSERT INTO forgotten (path, forgotten_at) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING",
            &[&bytes(path), at],
        ),
        LocalNote::Unforget { path } => run("DELETE FROM forgotten WHERE path = ?1", &[&bytes(path)]),
        LocalNote::Succeeds { stream, old } => heir::keep(connection, &stream.to_string(), old),
        LocalNote::EditLeft(edit) => edits::left(connection, edit),
        LocalNote::EditSeen { command } => {
            run("UPDATE edits SET seen = 1 WHERE command_id = ?1", &[command.as_bytes()])
        }
        LocalNote::EditDropped { command } => edits::dropped(connection, *command),
        LocalNote::UiState { key, value } => run(
            "INSERT INTO ui_state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            &[key, &value.to_string()],
        ),
    }
}

fn file_seen(connection: &Connection, file: &FileRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO files (path, stamp, content, extractor, flake) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (path) DO UPDATE SET stamp = excluded.stamp, content = excluded.content, \
             extractor = excluded.extractor, flake = excluded.flake",
        )?
        .execute(params![
            bytes(&file.path),
            file.stamp,
            file.content,
            file.extractor,
            file.flake.map(|flake| flake.uuid().into_bytes())
        ])
        .map(drop)
}

fn history_cursor(connection: &Connection, cursor: &HistoryCursor) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO history_cursors (flake, head, since, complete) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (flake) DO UPDATE SET head = excluded.head, since = excluded.since, complete = excluded.complete",
        )?
        .execute(params![cursor.flake.uuid().as_bytes(), cursor.head, cursor.since, cursor.complete])
        .map(drop)
}

fn file_row(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    Ok(FileRow {
        path: path_at(row, 0)?,
        stamp: row.get(1)?,
        content: row.get(2)?,
        extractor: row.get(3)?,
        flake: row.get::<_, Option<[u8; 16]>>(4)?.map(|id| FlakeId::new(Uuid::from_bytes(id))),
    })
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn path_at(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    Ok(PathBuf::from(OsStr::from_bytes(row.get_ref(column)?.as_blob()?)))
}

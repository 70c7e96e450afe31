//! Which directories the roots were when they were seen last: what is renamed is still the same one.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::super::error::{Named, StoreError};
use super::super::reader::Reader;
use super::{bytes, path_at, rows};

/// A directory, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directory {
    /// The number of the file system, which a restart may change.
    pub device: u64,
    /// Its number in that.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970 UTC, where the file system tells.
    pub made_at: Option<i64>,
}

impl Directory {
    /// Whether this is the same one. Where nothing tells when it was made, its number has to do, and that of the file system.
    pub fn is(&self, other: &Self) -> bool {
        match (self.made_at, other.made_at) {
            (Some(one), Some(two)) => self.inode == other.inode && one == two,
            _ => (self.device, self.inode) == (other.device, other.inode),
        }
    }
}

impl Reader {
    /// Which directories the roots were, and those that were some, when they were seen last.
    pub fn root_directories(&self) -> Result<Vec<(PathBuf, Directory)>, StoreError> {
        all(self).named(self.path())
    }
}

/// The same of a connection.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<(PathBuf, Directory)>> {
    let sql = "SELECT path, device, inode, made_at FROM root_directories ORDER BY path";
    let row = |row: &rusqlite::Row<'_>| {
        let number = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok((path_at(row, 0)?, Directory { device: number(1)?, inode: number(2)?, made_at: row.get(3)? }))
    };
    rows(connection, sql, row)
}

/// Keeps which one a root is.
pub(super) fn seen(connection: &Connection, path: &Path, directory: Option<Directory>) -> rusqlite::Result<()> {
    let Some(directory) = directory else {
        let sql = "DELETE FROM root_directories WHERE path = ?1";
        return connection.prepare_cached(sql)?.execute([bytes(path)]).map(drop);
    };
    let Directory { device, inode, made_at } = directory;
    connection
        .prepare_cached(
            "INSERT INTO root_directories (path, device, inode, made_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (path) \
             DO UPDATE SET device = excluded.device, inode = excluded.inode, made_at = excluded.made_at",
        )?
        .execute((bytes(path), device.cast_signed(), inode.cast_signed(), made_at))
        .map(drop)
}

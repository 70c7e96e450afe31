//! Who holds a database: read from `/proc/locks`, so that the user can be told whom to wait for, or what to end.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// In a write-ahead log's shared memory, the byte that a writer locks.
const WRITE_LOCK_BYTE: RangeInclusive<u64> = 120..=120;
/// In the database, the bytes by which SQLite's processes keep each other out; whoever has it open holds one of the last.
const LOCK_BYTES: RangeInclusive<u64> = 0x4000_0000..=0x4000_01ff;

/// The process that keeps others from writing, as `1234 (name)`; none when it cannot be known.
pub(crate) fn write_lock_holder(database: &Path) -> Option<String> {
    let shared = super::file::beside(database, "-shm");
    (0..READINGS).find_map(|_| {
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let holder = |path: &Path, bytes: &RangeInclusive<u64>| {
            let inode = fs::metadata(path).ok()?.ino();
            held(&locks, inode, bytes).find(|lock| lock.writes).map(|lock| lock.pid)
        };
        holder(&shared, &WRITE_LOCK_BYTE).or_else(|| holder(database, &LOCK_BYTES)).map(named)
    })
}

/// How often the table of locks is read until it names somebody. It is told in parts, and a lock that is taken or given up
/// meanwhile, of any file, may hide a line.
const READINGS: u32 = 3;

/// The processes that have a database open, as `1234 (name)`; none that cannot be known.
pub(crate) fn holders(database: &Path) -> Vec<String> {
    let Ok(found) = fs::metadata(database) else { return Vec::new() };
    let read = |_| {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        held(&locks, found.ino(), &LOCK_BYTES).map(|lock| lock.pid).collect::<BTreeSet<u32>>()
    };
    let told = (0..READINGS).map(read).find(|pids| !pids.is_empty());
    told.into_iter().flatten().map(named).collect()
}

fn named(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => pid.to_string(),
        name => format!("{pid} ({name})"),
    }
}

/// A line of a lock table.
struct Lock {
    pid: u32,
    writes: bool,
    inode: u64,
    bytes: RangeInclusive<u64>,
}

/// The locks in a table that are held on some of these bytes of the file with this inode.
fn held<'t>(locks: &'t str, inode: u64, bytes: &RangeInclusive<u64>) -> impl Iterator<Item = Lock> + use<'t> {
    let bytes = bytes.clone();
    locks.lines().filter_map(read).filter(move |lock| {
        lock.inode == inode && lock.bytes.start() <= bytes.end() && bytes.start() <= lock.bytes.end()
    })
}

/// Reads a line; none of one who waits, and of locks of another kind.
fn read(line: &str) -> Option<Lock> {
    let mut fields = line.split_whitespace().skip(1);
    let (kind, _, mode) = (fields.next()?, fields.next()?, fields.next()?);
    if !matches!(kind, "POSIX" | "OFDLCK") {
        return None;
    }
    let (pid, file) = (fields.next()?.parse().ok()?, fields.next()?);
    let (start, end) = (fields.next()?.parse().ok()?, fields.next()?);
    let end = if end == "EOF" { u64::MAX } else { end.parse().ok()? };
    Some(Lock { pid, writes: mode == "WRITE", inode: file.rsplit(':').next()?.parse().ok()?, bytes: start..=end })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  READ  77 fe:00:4711 128 128
2: POSIX  ADVISORY  WRITE 1234 fe:00:4711 120 120
2: -> POSIX  ADVISORY  WRITE 99 fe:00:4711 120 120
3: FLOCK  ADVISORY  WRITE 55 fe:00:4711 0 EOF
4: POSIX  ADVISORY  WRITE 56 fe:00:4712 0 EOF
5: POSIX  ADVISORY  READ  78 fe:00:4713 1073741826 1073742335
6: POSIX  ADVISORY  READ  79 fe:00:4713 128 128
7: POSIX  ADVISORY  READ  80 fe:00:4713 1073741826 1073742335
";

    fn pids(inode: u64, bytes: &RangeInclusive<u64>) -> Vec<(u32, bool)> {
        held(LOCKS, inode, bytes).map(|lock| (lock.pid, lock.writes)).collect()
    }

    #[test]
    fn the_writer_is_the_one_with_the_write_byte() {
        assert_eq!(pids(4711, &WRITE_LOCK_BYTE), [(1234, true)]);
        assert_eq!(pids(4712, &WRITE_LOCK_BYTE), [(56, true)]);
        assert_eq!(pids(1, &WRITE_LOCK_BYTE), []);
    }

    #[test]
    fn whoever_has_a_database_open_holds_a_lock_on_its_shared_bytes() {
        assert_eq!(pids(4713, &LOCK_BYTES), [(78, false), (80, false)]);
        assert_eq!(pids(4712, &LOCK_BYTES), [(56, true)]);
    }
}

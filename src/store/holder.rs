//! Who holds the write lock of a database: read from `/proc/locks`, so that the user can be told whom to wait for.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// In a write-ahead log's shared memory, the byte that a writer locks.
const WRITE_LOCK_BYTE: u64 = 120;

/// The process that holds the write lock, as `1234 (name)`; none when it cannot be known.
pub(crate) fn write_lock_holder(database: &Path) -> Option<String> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let shared = super::file::beside(database, "-shm");
    let inode = fs::metadata(&shared).ok()?.ino();
    let pid = holder_in(&locks, inode)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(match name.trim() {
        "" => pid.to_string(),
        name => format!("{pid} ({name})"),
    })
}

/// The process in a lock table that holds the write byte of the file with this inode.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1).filter(|field| *field != "->");
        let (kind, _, mode) = (fields.next()?, fields.next()?, fields.next()?);
        let (pid, file) = (fields.next()?, fields.next()?);
        let (start, end) = (fields.next()?.parse::<u64>().ok()?, fields.next()?);
        let end = if end == "EOF" { u64::MAX } else { end.parse().ok()? };
        let same = file.rsplit(':').next()?.parse() == Ok(inode);
        let waiting = line.contains("->");
        let holds = matches!(kind, "POSIX" | "OFDLCK") && mode == "WRITE" && !waiting;
        (same && holds && (start..=end).contains(&WRITE_LOCK_BYTE)).then(|| pid.parse().ok())?
    })
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
";

    #[test]
    fn the_writer_is_the_one_with_the_write_byte() {
        assert_eq!(holder_in(LOCKS, 4711), Some(1234));
        assert_eq!(holder_in(LOCKS, 4712), Some(56));
        assert_eq!(holder_in(LOCKS, 1), None);
    }
}

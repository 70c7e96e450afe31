//! What tells cheaply whether a file has changed. Opens none.

use std::os::unix::fs::MetadataExt;

/// What tells cheaply whether a file is still the one that was read. Of the file itself, not of a symlink to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// Size in bytes.
    pub size: u64,
    /// When the content was changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When anything about the file was changed, in nanoseconds since 1970; programs cannot set it back.
    pub ctime_ns: i64,
    /// The file's number in its file system.
    pub inode: u64,
    /// The file system's number.
    pub dev: u64,
}

impl FileStamp {
    /// The stamp of a file.
    pub fn new(meta: &std::fs::Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            size: meta.len(),
            mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanos(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            dev: meta.dev(),
        }
    }
}

impl FileStamp {
    /// The stamp as bytes, to be hashed or stored.
    pub fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let parts = [
            self.size.to_be_bytes(),
            self.mtime_ns.to_be_bytes(),
            self.ctime_ns.to_be_bytes(),
            self.inode.to_be_bytes(),
            self.dev.to_be_bytes(),
        ];
        bytes.copy_from_slice(parts.as_flattened());
        bytes
    }
}

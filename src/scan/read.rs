//! Reading one text file within bounds.
//!
//! A name such as `flake.nix` promises nothing: it may be a pipe that never ends, a disk image, or no text at all.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// More than any flake or lock needs: 16 MiB.
pub const DEFAULT_LIMIT: u64 = 16 * 1024 * 1024;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// Its text; bytes that are not UTF-8 are replaced when [`Self::lossy`] is set.
    pub text: String,
    /// The hash of the bytes as they are on disk, where those are not the text's.
    raw: Option<blake3::Hash>,
    /// Whether some bytes were not UTF-8.
    pub lossy: bool,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is larger than the limit.
    #[error("{} has {size} bytes; more than {limit} are not read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes, at least.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is a directory, a pipe, a socket or a device.
    #[error("{} is not a regular file and was not read; replace it by one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot read {}; let this user read it", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl ReadError {
    /// The rule that finds it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotAFile { .. } | Self::Io { .. } => "unreadable",
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::TooLarge { path, .. } | Self::NotAFile { path } | Self::Io { path, .. } => path,
        }
    }
}

/// Reads a file of at most `limit` bytes. A symlink to a file is followed.
pub fn read_text(path: &Path, limit: u64) -> Result<FileText, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let file = open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned() });
    }
    let too_large = |size| ReadError::TooLarge { path: path.to_owned(), size, limit };
    if meta.len() > limit {
        return Err(too_large(meta.len()));
    }
    // One byte more than the file has, so that the end is seen without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default().saturating_add(1));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    let size = bytes.len() as u64;
    if size > limit {
        return Err(too_large(size));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => FileText { text, raw: None, lossy: false },
        Err(error) => {
            let bytes = error.as_bytes();
            let text = String::from_utf8_lossy(bytes).into_owned();
            FileText { text, raw: Some(blake3::hash(bytes)), lossy: true }
        }
    })
}

impl FileText {
    /// The hash of its bytes as they are on disk.
    pub fn hash(&self) -> blake3::Hash {
        self.raw.unwrap_or_else(|| blake3::hash(self.text.as_bytes()))
    }
}

/// Opens without waiting: a pipe without a writer would block for ever.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

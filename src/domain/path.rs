//! Paths as they are recorded: text for people and queries, and the exact bytes where the text cannot hold them.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A path that survives being written down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedPath {
    text: String,
    bytes: Option<Vec<u8>>,
}

impl RecordedPath {
    /// Records a path; the bytes are kept only when they are not UTF-8.
    pub fn new(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_owned(), bytes: None },
            Err(_) => Self { text: path.to_string_lossy().into_owned(), bytes: Some(bytes.to_vec()) },
        }
    }

    /// Reads back what was recorded.
    pub fn from_parts(text: String, bytes: Option<Vec<u8>>) -> Self {
        Self { text, bytes }
    }

    /// The text shown to people; lossy when [`Self::bytes`] is present.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exact bytes of a path that is not UTF-8.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// The path itself.
    pub fn to_path(&self) -> PathBuf {
        match &self.bytes {
            Some(bytes) => PathBuf::from(OsStr::from_bytes(bytes)),
            None => PathBuf::from(&self.text),
        }
    }
}

impl fmt::Display for RecordedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_needs_no_bytes_and_other_paths_come_back_exactly() {
        let plain = RecordedPath::new(Path::new("/home/ä"));
        assert_eq!((plain.text(), plain.bytes()), ("/home/ä", None));
        let odd = PathBuf::from(OsStr::from_bytes(b"/home/\xff"));
        let recorded = RecordedPath::new(&odd);
        assert_eq!(recorded.to_path(), odd);
        assert!(recorded.bytes().is_some());
    }
}

//! Which file a path leads to. A ledger may be replaced, moved or deleted while it is open: whoever goes on with it then
//! writes what nobody sees. Opens no file, as closing one would take away the locks that SQLite holds on it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::StoreError;

/// So often what lies at a path may be another file while it is opened.
const TRIES: u32 = 10;

/// A file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// The file that a path leads to; none when there is none.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|found| Self { device: found.dev(), number: found.ino() })
    }

    /// Refuses when the path does not lead to this file any more.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub(crate) fn stays_at(self, path: &Path) -> Result<(), StoreError> {
        if Self::at(path) == Some(self) { Ok(()) } else { Err(StoreError::Replaced { path: path.to_owned() }) }
    }
}

/// Opens what lies at a path, and again when that was another file before. What `open` gives holds a lock of SQLite's: from
/// then on nobody restores another ledger in its place.
pub(crate) fn steadily<T>(
    path: &Path,
    mut open: impl FnMut() -> Result<T, StoreError>,
) -> Result<(T, Inode), StoreError> {
    for _ in 0..TRIES {
        let before = Inode::at(path);
        let opened = open();
        match (before, opened) {
            // What was read of a file that went away meanwhile says nothing, and neither does an error.
            (before, _) if Inode::at(path) != before => {}
            (Some(inode), Ok(opened)) => return Ok((opened, inode)),
            (None, Ok(_)) => {}
            (_, Err(error)) => return Err(error),
        }
    }
    Err(StoreError::Replaced { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_the_place_of_a_file_is_opened_in_its_stead() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["x", "y"].map(|name| folder.path().join(name));
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        fs::File::create(&path).unwrap();
        let mut texts = ["old", "new"].iter();
        let (opened, inode) = steadily(&path, || {
            let found = text(&path);
            if let Some(text) = texts.next() {
                super::super::file::write_private(&other, text.as_bytes()).unwrap();
                fs::rename(&other, &path).unwrap();
            }
            Ok(found)
        })
        .unwrap();
        assert_eq!(opened, "new");
        inode.stays_at(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(matches!(inode.stays_at(&path), Err(StoreError::Replaced { .. })));
    }

    #[test]
    fn an_error_of_a_file_that_stays_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut times = 0;
        let opened = steadily(&path, || {
            times += 1;
            Err::<(), _>(StoreError::Missing { path: path.clone() })
        });
        assert!(matches!(opened, Err(StoreError::Missing { .. })) && times == 1);
    }
}

//! Which contents are formatted already, remembered between runs: a file of hashes that may be deleted at any time.
//!
//! Holds nothing but "this content, byte for byte, is as this style wants it". A cache that cannot be read or written,
//! or is of another style, is an empty one.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::store::file::{make_parent, write_private};
use crate::syntax::format::STYLE;

/// The beginning of the hash of a content.
pub(super) type Key = [u8; 16];

/// As many as are kept: a mebibyte.
const MOST: usize = 65_536;

/// What is remembered.
pub(super) struct Cache {
    path: PathBuf,
    keys: Vec<Key>,
    known: HashSet<Key>,
}

/// The key of a content.
pub(super) fn key(content: &blake3::Hash) -> Key {
    let mut key = Key::default();
    key.iter_mut().zip(content.as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

impl Cache {
    /// Reads what earlier runs remembered.
    pub(super) fn open(path: &Path) -> Self {
        let keys = read(path).unwrap_or_default();
        Self { path: path.to_owned(), known: keys.iter().copied().collect(), keys }
    }

    /// Whether this content is known to be formatted.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.known.contains(key)
    }

    /// Remembers what this run found; when there is too much, what was not found for longest is let go.
    pub(super) fn keep(self, found: &[Key]) {
        if found.iter().all(|key| self.known.contains(key)) {
            return;
        }
        let fresh: HashSet<Key> = found.iter().copied().collect();
        let old = self.keys.iter().filter(|key| !fresh.contains(*key));
        let mut keys: Vec<Key> = old.copied().chain(fresh.iter().copied()).collect();
        keys.drain(..keys.len().saturating_sub(MOST));
        let bytes = [head().as_bytes(), keys.as_flattened()].concat();
        make_parent(&self.path).and_then(|()| write_private(&self.path, &bytes)).unwrap_or_default();
    }
}

fn head() -> String {
    format!("cim-nix formatted 1, {STYLE}\n")
}

fn read(path: &Path) -> Option<Vec<Key>> {
    let head = head();
    let most = u64::try_from(head.len() + MOST * size_of::<Key>()).ok()?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    let (keys, _) = bytes.strip_prefix(head.as_bytes())?.as_chunks();
    Some(keys.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize) -> Key {
        key(&blake3::hash(&number.to_be_bytes()))
    }

    #[test]
    fn what_is_kept_is_held_and_another_file_is_an_empty_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/formatted");
        assert!(!Cache::open(&path).holds(&numbered(1)));
        Cache::open(&path).keep(&[numbered(1)]);
        Cache::open(&path).keep(&[numbered(2)]);
        let cache = Cache::open(&path);
        assert!(cache.holds(&numbered(1)) && cache.holds(&numbered(2)) && !cache.holds(&numbered(3)));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        write_private(&path, &bytes).unwrap();
        assert!(!Cache::open(&path).holds(&numbered(1)));
    }

    #[test]
    fn it_does_not_grow_without_end_and_lets_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("formatted");
        Cache::open(&path).keep(&(0..10).map(numbered).collect::<Vec<_>>());
        Cache::open(&path).keep(&(10..MOST + 5).map(numbered).collect::<Vec<_>>());
        let cache = Cache::open(&path);
        assert_eq!(cache.keys.len(), MOST);
        assert_eq!((0..10).filter(|number| cache.holds(&numbered(*number))).count(), 5);
        assert!(cache.holds(&numbered(MOST + 4)));
    }
}

//! Which places may be shared: the innermost root around one decides.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// The roots, and whether each is shared. What was a root stays private until it is one again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<PathBuf, bool>);

impl Places {
    /// As a ledger has them now.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let forgotten = super::forgotten(connection)?.into_iter().map(|(path, _)| path);
        let forgotten = forgotten.filter_map(|path| Some((forgotten_root(&path)?.to_owned(), false)));
        let there = super::roots(connection)?.into_iter().map(|root| (root.path, root.shared));
        Ok(Self(forgotten.chain(there).collect()))
    }

    /// Whether what lies at a path may be shared.
    pub fn covers(&self, path: &Path) -> bool {
        // Of those around a path, the innermost comes last in order.
        self.0.iter().rev().find(|(root, _)| path.starts_with(root)).is_some_and(|(_, shared)| *shared)
    }

    /// Whether a root at a path or below it keeps what it holds.
    pub fn keeps_below(&self, path: &Path) -> bool {
        self.0.iter().any(|(root, shared)| !shared && root.starts_with(path))
    }

    /// Whether there is a shared root at all.
    pub fn are_any_shared(&self) -> bool {
        self.0.values().any(|shared| *shared)
    }
}

/// How a root that was forgotten is written among the directories that are: no flake lies there.
pub fn all_below(root: &Path) -> PathBuf {
    root.join("*")
}

/// The root that was forgotten, when a directory is written as such.
pub fn forgotten_root(directory: &Path) -> Option<&Path> {
    directory.parent().filter(|root| all_below(root) == *directory)
}

/// Whether a directory lies in a root that was forgotten, of all the directories that were.
pub(crate) fn is_in_forgotten_root(forgotten: &HashSet<PathBuf>, directory: &Path) -> bool {
    directory.ancestors().any(|above| forgotten.contains(&all_below(above)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(roots: &[(PathBuf, bool)]) -> Places {
        Places(roots.iter().cloned().collect())
    }

    #[test]
    fn a_name_that_begins_alike_is_no_root_around() {
        let places = places(&[("/a".into(), true), ("/a/b".into(), false)]);
        let covered = ["/a", "/a/bc", "/a/b", "/a/b/c", "/ab", "/"].map(|path| places.covers(Path::new(path)));
        assert_eq!(covered, [true, true, false, false, false, false]);
        assert_eq!(
            ["/a", "/a/bc", "/a/b", "/"].map(|path| places.keeps_below(Path::new(path))),
            [true, false, true, true]
        );
    }

    proptest! {
        #[test]
        fn the_innermost_root_decides(
            roots in prop::collection::btree_map("(/[a-c]{1,2}){1,4}", any::<bool>(), 0..8),
            path in "(/[a-c]{1,2}){1,5}",
        ) {
            let roots: Vec<(PathBuf, bool)> = roots.into_iter().map(|(path, shared)| (path.into(), shared)).collect();
            let around = roots.iter().filter(|(root, _)| Path::new(&path).starts_with(root));
            let innermost = around.max_by_key(|(root, _)| root.components().count());
            prop_assert_eq!(places(&roots).covers(Path::new(&path)), innermost.is_some_and(|(_, shared)| *shared));
        }
    }
}

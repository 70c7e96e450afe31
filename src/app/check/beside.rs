//! The files that others import: each is read once, and only when something depends on what is in it.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::lint::Linked;
use crate::scan::{DEFAULT_LIMIT, read_text};
use crate::syntax::exports::{self, Exports};
use crate::syntax::links::Link;
use crate::syntax::tree;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Files {
    known: Mutex<HashMap<PathBuf, Option<Arc<Exports>>>>,
}

impl Files {
    /// What is at the path of a link that stands in a file of a directory; what was looked at is added to `asked`.
    pub(super) fn ask(&self, directory: &Path, link: &Link, asked: &mut Vec<PathBuf>) -> Linked {
        let mut path = place(directory, &link.path);
        let mut meta = std::fs::metadata(&path);
        if meta.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            path.push("default.nix");
            meta = std::fs::metadata(&path);
        }
        asked.push(path.clone());
        if meta.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Linked::Missing;
        }
        if !link.asks() {
            return Linked::There;
        }
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().get(&path).cloned();
        let found = found.unwrap_or_else(|| {
            let text = read_text(&path, DEFAULT_LIMIT).ok();
            let exports = text.and_then(|file| exports::read(&tree::parse(&file.text))).map(Arc::new);
            known().insert(path, exports.clone());
            exports
        });
        found.map_or(Linked::There, Linked::File)
    }
}

/// Where a path of a text in a directory leads, without looking: `a/b` and `../c` make `a/c`.
pub(super) fn place(directory: &Path, path: &str) -> PathBuf {
    let mut place = directory.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(place.pop()),
            other => place.push(other),
        }
    }
    place
}

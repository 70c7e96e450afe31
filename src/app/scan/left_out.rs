//! What the user's patterns leave out of a scan and is recorded: one line for a directory, or for a pattern in a flake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::LeftOut;
use crate::scan::Why;

/// Files that are recorded and were not looked at.
#[derive(Default)]
pub(super) struct LeftOutFiles {
    /// What is left out as a whole, by pattern.
    whole: BTreeSet<(PathBuf, String)>,
    /// The files that patterns leave out one by one, by the directory in which they are told and the pattern.
    files: BTreeMap<(PathBuf, String), BTreeSet<PathBuf>>,
}

impl LeftOutFiles {
    /// Adds a file that a pattern leaves out, with itself or a directory around it as what it matches; `around` is the
    /// directory of its flake.
    pub(super) fn add(&mut self, file: &Path, at: &Path, pattern: &str, around: Option<&Path>) {
        match around.filter(|_| at == file) {
            Some(around) => {
                let files = self.files.entry((around.to_owned(), pattern.to_owned())).or_default();
                files.insert(file.to_owned());
            }
            None => drop(self.whole.insert((at.to_owned(), pattern.to_owned()))),
        }
    }

    /// What is to be said of them.
    pub(super) fn into_list(self) -> Vec<LeftOut> {
        let Self { mut whole, files } = self;
        let mut list = Vec::new();
        for ((path, pattern), mut files) in files {
            match files.pop_first() {
                Some(only) if files.is_empty() => drop(whole.insert((only, pattern))),
                _ => {
                    let why = format!("the exclude pattern `{pattern}` leaves out {} files in it", files.len() + 1);
                    list.push(LeftOut { path, why });
                }
            }
        }
        list.extend(
            whole.into_iter().map(|(path, pattern)| LeftOut { path, why: Why::Excluded { pattern }.to_string() }),
        );
        list
    }
}

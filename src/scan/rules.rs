//! What is not walked, decided in one place for the walk and for its explanation.
//!
//! What git ignores is found in `git_rules`, which reads files.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::mounts::Pseudo;
use super::skip::{self, Skip};
use super::{Error, Options};

/// Why a path is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is below none of the roots.
    NotBelowARoot,
    /// It does not exist.
    Missing,
    /// It cannot be looked at; the system's answer.
    NotReadable(String),
    /// Git ignores it.
    GitIgnored {
        /// The file that says so, when it could be found.
        file: Option<PathBuf>,
        /// The line in it, counted from 1.
        line: Option<u32>,
        /// The pattern.
        pattern: Option<String>,
    },
    /// A built-in rule.
    BuiltIn(&'static Skip),
    /// A pattern that the user gave.
    Excluded {
        /// The pattern.
        pattern: String,
    },
    /// A symlink to a directory: the walk does not follow it.
    Symlink {
        /// Where it leads, as written.
        target: PathBuf,
    },
    /// A file system of the kernel's own state is mounted there.
    PseudoFileSystem {
        /// Its name, as in `proc`.
        kind: String,
    },
    /// Deeper than asked for.
    TooDeep {
        /// The depth that was asked for.
        max_depth: usize,
    },
    /// It is neither a directory nor a regular file (a pipe, a socket, a device).
    NotAFile,
}

/// The rules for one root.
#[derive(Debug)]
pub(super) struct Rules {
    other_roots: Vec<PathBuf>,
    excludes: Gitignore,
    pseudo: Pseudo,
}

/// Refuses patterns that are none.
pub fn check_excludes(patterns: &[String]) -> Result<(), Error> {
    add_excludes(&mut GitignoreBuilder::new("/"), patterns)
}

fn add_excludes(builder: &mut GitignoreBuilder, patterns: &[String]) -> Result<(), Error> {
    // Git takes a bracket that is never closed for itself; here it is a slip that would leave nothing out.
    builder.allow_unclosed_class(false);
    for pattern in patterns {
        let failed = |source| Error::Exclude { pattern: pattern.clone(), source: Box::new(source) };
        builder.add_line(None, pattern).map_err(failed)?;
    }
    Ok(())
}

impl Rules {
    /// `root` and `roots` are canonical.
    pub(super) fn new(root: &Path, roots: &[PathBuf], options: &Options) -> Result<Self, Error> {
        let around = options.within.iter().filter(|around| root.starts_with(around));
        let seen_from = around.max_by_key(|around| around.components().count()).map_or(root, PathBuf::as_path);
        let mut builder = GitignoreBuilder::new(seen_from);
        add_excludes(&mut builder, &options.excludes)?;
        let failed = |source| Error::Excludes { root: root.to_owned(), source: Box::new(source) };
        let excludes = builder.build().map_err(failed)?;
        let other_roots = roots.iter().filter(|other| *other != root && other.starts_with(root)).cloned().collect();
        Ok(Self { other_roots, excludes, pseudo: Pseudo::read() })
    }

    /// Why a path below the root is not walked, as far as the path alone tells.
    pub(super) fn why_not(&self, path: &Path, is_dir: bool, is_symlink: bool) -> Option<Why> {
        if let Some(skip) = skip::rule_for(path, is_dir, is_symlink) {
            return Some(Why::BuiltIn(skip));
        }
        if let Some(kind) = self.pseudo.at(path) {
            return Some(Why::PseudoFileSystem { kind: kind.to_owned() });
        }
        match self.excludes.matched(path, is_dir) {
            ignore::Match::Ignore(glob) => Some(Why::Excluded { pattern: glob.original().to_owned() }),
            _ => None,
        }
    }

    /// Whether a directory is a root by itself and walked as such.
    pub(super) fn is_other_root(&self, path: &Path) -> bool {
        self.other_roots.iter().any(|other| other == path)
    }
}

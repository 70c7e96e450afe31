//! What git ignores: the ignore files from the top of a repository down to a directory, read once each and shared by the
//! threads of a walk and by its explanation.
//!
//! A repository that ignores everything by default (a home directory under git that lets single files in) says nothing
//! about what lies below it: there it is as if it were none. A directory that is a repository itself is let through
//! even where an outer one ignores it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use super::read::{self, ReadError};

/// A name that nobody lets in by name: what ignores it at the top of a repository ignores everything.
const NOBODYS_NAME: &str = "Ωψξ";

/// What the listing of a directory tells about git.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Markers {
    is_repository: bool,
    has_ignore_file: bool,
}

/// What git ignores in one directory; nothing where no repository has a say.
#[derive(Debug, Clone, Default)]
pub(super) struct GitRules(Option<Arc<Level>>);

/// A directory with ignore rules of its own, and those above it up to the top of its repository.
#[derive(Debug)]
struct Level {
    above: Option<Arc<Level>>,
    ignore: Gitignore,
    exclude: Gitignore,
}

/// Whether a repository ignores by default what lies in it; `top` is the top of its work tree.
pub fn ignores_everything(top: &Path) -> bool {
    let markers = Markers::look(top);
    Level::top(top, markers, &mut Vec::new()).ignores_everything(top)
}

impl Markers {
    /// Takes in one entry of the listing.
    pub(super) fn note(&mut self, name: &OsStr) {
        self.is_repository |= name == ".git" || name == ".jj";
        self.has_ignore_file |= name == ".gitignore";
    }

    /// Without a listing.
    pub(super) fn look(dir: &Path) -> Self {
        Self { is_repository: is_repository(dir), has_ignore_file: dir.join(".gitignore").exists() }
    }
}

impl GitRules {
    /// The rules that hold for a root itself: those of the repository it lies in, if any. What cannot be understood is
    /// added to `problems`.
    pub(super) fn above(root: &Path, problems: &mut Vec<(PathBuf, String)>) -> Self {
        let mut dirs: Vec<&Path> = root.ancestors().skip(1).collect();
        let Some(top) = dirs.iter().position(|dir| is_repository(dir)) else { return Self::default() };
        dirs.truncate(top + 1);
        dirs.iter().rev().fold(Self::default(), |rules, dir| rules.enter(dir, Markers::look(dir), problems))
    }

    /// The rules for the entries of a directory; `self` is where it lies.
    pub(super) fn enter(&self, dir: &Path, markers: Markers, problems: &mut Vec<(PathBuf, String)>) -> Self {
        if markers.is_repository {
            let level = Level::top(dir, markers, problems);
            return Self((!level.ignores_everything(dir)).then(|| Arc::new(level)));
        }
        match &self.0 {
            Some(above) if markers.has_ignore_file => {
                let ignore = read(dir, &dir.join(".gitignore"), problems);
                Self(Some(Arc::new(Level { above: Some(above.clone()), ignore, exclude: Gitignore::empty() })))
            }
            _ => self.clone(),
        }
    }

    /// The pattern by which an entry of this directory is left out.
    pub(super) fn why_not(&self, path: &Path, is_dir: bool) -> Option<&Glob> {
        let glob = self.0.as_ref()?.ignored(path, is_dir)?;
        (!is_dir || !is_repository(path)).then_some(glob)
    }
}

impl Level {
    fn top(dir: &Path, markers: Markers, problems: &mut Vec<(PathBuf, String)>) -> Self {
        let ignore =
            if markers.has_ignore_file { read(dir, &dir.join(".gitignore"), problems) } else { Gitignore::empty() };
        let exclude = exclude_file(dir).filter(|file| file.exists());
        let exclude = exclude.map_or_else(Gitignore::empty, |file| read(dir, &file, problems));
        Self { above: None, ignore, exclude }
    }

    /// The nearest `.gitignore` that says anything decides, then the repository's own exclude file.
    fn ignored(&self, path: &Path, is_dir: bool) -> Option<&Glob> {
        let levels = || std::iter::successors(Some(self), |level| level.above.as_deref());
        let ignore = levels().map(|level| level.ignore.matched(path, is_dir));
        let exclude = levels().map(|level| level.exclude.matched(path, is_dir));
        match ignore.chain(exclude).find(|said| !said.is_none()) {
            Some(Match::Ignore(glob)) => Some(glob),
            _ => None,
        }
    }

    fn ignores_everything(&self, dir: &Path) -> bool {
        let name = dir.join(NOBODYS_NAME);
        self.ignored(&name, true).is_some() || self.ignored(&name, false).is_some()
    }
}

pub(super) fn is_repository(dir: &Path) -> bool {
    dir.join(".git").exists() || dir.join(".jj").exists()
}

/// `info/exclude` of a repository; of a linked work tree, that of the repository it belongs to.
fn exclude_file(dir: &Path) -> Option<PathBuf> {
    let git = dir.join(".git");
    if git.is_dir() {
        return Some(git.join("info/exclude"));
    }
    let first_line = |file: &Path| {
        let text = read::read_text(file, read::DEFAULT_LIMIT).ok()?.text;
        text.lines().next().map(str::to_owned)
    };
    let git = dir.join(first_line(&git)?.strip_prefix("gitdir: ")?);
    let common = first_line(&git.join("commondir")).map_or_else(|| git.clone(), |common| git.join(common));
    Some(common.join("info/exclude"))
}

fn read(dir: &Path, file: &Path, problems: &mut Vec<(PathBuf, String)>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(dir);
    match read::read_text(file, read::DEFAULT_LIMIT) {
        Ok(read) => {
            for line in read.text.trim_start_matches('\u{feff}').lines() {
                if let Err(error) = builder.add_line(Some(file.to_owned()), line) {
                    problems.push((file.to_owned(), format!("a line of it is passed over: {error}")));
                }
            }
        }
        // What git cannot read either has no say.
        Err(ReadError::Io { .. }) => {}
        Err(error) => problems.push((file.to_owned(), error.to_string())),
    }
    builder.build().unwrap_or_else(|error| {
        problems.push((file.to_owned(), format!("it has no say: {error}")));
        Gitignore::empty()
    })
}

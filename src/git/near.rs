//! The repository of one directory after the other: neighbours are nearly always in the same one, and what was read of its
//! past for one of them is asked again for the next.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Error, Repository};

/// The repository that was found last; for a while in which nobody changes how repositories are set up.
#[derive(Debug, Default)]
pub struct Near {
    last: Option<Repository>,
}

impl Near {
    /// As [`Repository::discover`].
    ///
    /// # Errors
    /// As [`Repository::discover`].
    pub fn discover(&mut self, dir: &Path) -> Result<Option<&Repository>, Error> {
        if !self.last.as_ref().is_some_and(|last| holds(last, dir)) {
            self.last = Repository::discover(dir)?;
        }
        Ok(self.last.as_ref())
    }
}

/// Whether looking upwards from a directory would come to this repository: says no where it would have to look closer.
fn holds(repository: &Repository, dir: &Path) -> bool {
    let root = repository.path();
    let Ok(dir) = fs::canonicalize(dir) else { return false };
    // The work tree may be configured to be elsewhere than the git directory.
    let is_its_own = |path: &Path| fs::canonicalize(path).ok() == fs::canonicalize(repository.git_directory()).ok();
    if !dir.starts_with(root) || !is_its_own(&root.join(".git")) {
        return false;
    }
    let device = |path: &Path| fs::metadata(path).ok().map(|meta| meta.dev());
    // A directory of its own, or one that is a git directory itself.
    let another = |dir: &Path| [".git", "HEAD"].iter().any(|name| dir.join(name).symlink_metadata().is_ok());
    let mut between = dir.ancestors().take_while(|ancestor| *ancestor != root);
    between.all(|ancestor| !another(ancestor) && device(ancestor) == device(root))
}

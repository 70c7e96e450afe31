//! Why a scan sees a path, or passes it over.

use std::path::{Path, PathBuf};

use crate::git::{Repository, Tracked};
pub use crate::scan::{Explanation, Verdict};
use crate::scan::{Options, Why, explain_tracked};

use super::AppError;
use super::scan::counts;

/// Follows a path down from its root and says where a scan leaves it, and by which rule.
pub fn explain(path: &Path, roots: &[PathBuf], excludes: &[String]) -> Result<Explanation, AppError> {
    let options = Options { excludes: excludes.to_vec(), ..Options::default() };
    let explained = crate::scan::explain(path, roots, &options)?;
    // Git's rules say nothing of what git tracks: Nix sees it, and so does a scan.
    if is_tracked(&explained) { Ok(explain_tracked(path, roots, &options)?) } else { Ok(explained) }
}

/// Whether it is a file that git's rules leave out, with itself or with a directory around it, and git tracks all the same.
fn is_tracked(explained: &Explanation) -> bool {
    let Verdict::Skipped { at, why: Why::GitIgnored { .. } } = &explained.verdict else { return false };
    let repository = |inside: &Path| Repository::discover(inside.parent()?).ok().flatten();
    let around = repository(at);
    if *at == explained.path && (at.ends_with("flake.nix") || at.ends_with("flake.lock")) {
        return counts(at, around.as_ref());
    }
    let (Some(around), Some(own)) = (around, repository(&explained.path)) else { return false };
    let is_file = explained.path.symlink_metadata().is_ok_and(|meta| !meta.is_dir());
    is_file && own.path() == around.path() && matches!(own.tracked(&explained.path), Ok(Tracked::Yes))
}

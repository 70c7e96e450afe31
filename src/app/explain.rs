//! Why a scan sees a path, or passes it over.

use std::path::{Path, PathBuf};

use crate::git::Repository;
pub use crate::scan::{Explanation, Verdict};
use crate::scan::{Options, Why};

use super::AppError;
use super::scan::counts;

/// Follows a path down from its root and says where a scan leaves it, and by which rule.
pub fn explain(path: &Path, roots: &[PathBuf], excludes: &[String]) -> Result<Explanation, AppError> {
    let options = Options { excludes: excludes.to_vec(), ..Options::default() };
    let mut explained = crate::scan::explain(path, roots, &options)?;
    if is_tracked(&explained) {
        explained.verdict = Verdict::Seen;
    }
    Ok(explained)
}

/// Whether it is a `flake.nix` or `flake.lock` that git's rules leave out and git tracks all the same: Nix sees it, and so
/// does a scan.
fn is_tracked(explained: &Explanation) -> bool {
    let Verdict::Skipped { at, why: Why::GitIgnored { .. } } = &explained.verdict else { return false };
    let repository = at.parent().and_then(|directory| Repository::discover(directory).ok().flatten());
    *at == explained.path
        && (at.ends_with("flake.nix") || at.ends_with("flake.lock"))
        && counts(at, repository.as_ref())
}

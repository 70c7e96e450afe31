//! What git's rules leave out and git tracks all the same: Nix sees it, and so does a scan.

use std::path::Path;

use crate::git::{Near, Repository, Tracked};
use crate::scan::Walk;

/// Counts a `flake.nix` that git's rules leave out where git tracks it, and takes a directory without one for none.
pub(in crate::app) fn count_in(walked: &mut Walk) {
    walked.flakes.append(&mut walked.ignored);
    walked.flakes.sort_by(|a, b| a.dir.cmp(&b.dir));
    let mut near = Near::default();
    for at in walked.flakes.iter_mut().filter(|at| at.flake_nix.is_none()) {
        at.flake_nix = at.ignored_nix.filter(|_| {
            let repository = near.discover(&at.dir).ok().flatten();
            counts(&at.dir.join("flake.nix"), repository)
        });
    }
    walked.flakes.retain(|at| at.flake_nix.or(at.flake_lock).is_some());
}

/// Whether a file that git's rules leave out counts: git tracks it, or cannot be asked.
pub(in crate::app) fn counts(file: &Path, repository: Option<&Repository>) -> bool {
    repository.is_none_or(|it| !matches!(it.tracked(file), Ok(Tracked::No)))
}

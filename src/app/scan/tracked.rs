//! What git's rules leave out and git tracks all the same: Nix sees it, and so does a scan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::git::{Near, Repository, Tracked};
use crate::scan::{Answer, Walk};

/// What git tracks of these files, and below these directories, that its rules leave out. Each repository is the one around
/// the place where the walk stopped.
pub(in crate::app) fn tracked_of(passed: &[PathBuf]) -> Answer {
    let mut inside: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in passed {
        inside.entry(path.parent().unwrap_or(path)).or_default().push(path);
    }
    let inside: Vec<(&Path, Vec<&Path>)> = inside.into_iter().collect();
    let ask = |near: &mut Near, (dir, paths): &(&Path, Vec<&Path>)| {
        let repository = near.discover(dir);
        match repository.and_then(|it| it.map_or_else(|| Ok(Vec::new()), |it| it.tracked_below(paths))) {
            Ok(files) => Answer { files, unknown: Vec::new() },
            Err(_) => Answer { files: Vec::new(), unknown: paths.iter().map(|path| path.to_path_buf()).collect() },
        }
    };
    let answers: Vec<Answer> = inside.par_iter().map_init(Near::default, ask).collect();
    answers.into_iter().fold(Answer::default(), |mut all, one| {
        all.files.extend(one.files);
        all.unknown.extend(one.unknown);
        all
    })
}

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

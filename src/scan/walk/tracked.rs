//! What git's rules leave out and git tracks all the same: noted by the walk, told by whoever can ask git, and taken in as if
//! the walk had come by. Nothing is listed for it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::explain::{Verdict, explain};
use super::super::git_rules::is_repository;
use super::super::rules::Why;
use super::{Options, Passed, Walker, of_flake};

/// Asks git about files and directories that its rules leave out.
pub type Ask = fn(&[PathBuf]) -> Answer;

/// What git tracks of what its rules leave out.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Those of the files, and all files below the directories.
    pub files: Vec<PathBuf>,
    /// The files and directories of which nobody knows, as their repository cannot be read.
    pub unknown: Vec<PathBuf>,
}

/// Whether a directory is a part of a root that git's rules leave out of it and git tracks in part: only that is looked at
/// then, as when all of the root is walked.
pub(super) fn is_left_to_git(dir: &Path, options: &Options) -> bool {
    let is_root = || options.within.iter().any(|root| root == dir);
    let Some(ask) = options.tracked.filter(|_| options.parts_by_rules && !is_root()) else { return false };
    let explained = explain(dir, &options.within, &Options { max_depth: None, ..options.clone() });
    let is_ignored =
        explained.is_ok_and(|it| matches!(it.verdict, Verdict::Skipped { why: Why::GitIgnored { .. }, .. }));
    is_ignored && {
        let Answer { files, unknown } = ask(&[dir.to_owned()]);
        !files.is_empty() || !unknown.is_empty()
    }
}

impl Walker<'_> {
    /// Takes in what git tracks of what its rules left out below this root.
    pub(super) fn take_in_tracked(&self, root: &Path) {
        let passed = self.state.with(|seen| std::mem::take(&mut seen.to_ask));
        let Some(ask) = self.ask.filter(|_| !passed.is_empty()) else { return };
        let answer = ask(&passed);
        let mut passed: HashSet<PathBuf> = passed.into_iter().collect();
        let tracked: HashSet<PathBuf> = answer.files.into_iter().collect();
        let mut ways = Ways { walker: self, root, passed: &passed, open: HashMap::new() };
        for file in &tracked {
            if (self.state.wants(file) || of_flake(file).is_some()) && ways.lead_to(file) {
                self.take_in(file, &tracked);
            }
        }
        for unknown in answer.unknown {
            passed.remove(&unknown);
        }
        let held = tracked.into_iter().filter(|file| self.state.wants(file) || of_flake(file).is_some());
        self.state.with(|seen| {
            seen.tracked.extend(held);
            seen.passed.extend(passed.iter().map(|path| (path.clone(), Passed::ByRule)));
            seen.asked.extend(passed);
        });
    }

    fn take_in(&self, file: &Path, tracked: &HashSet<PathBuf>) {
        self.state.see_file(file, file.file_name().unwrap_or_default());
        let Some((dir, is_nix)) = of_flake(file) else { return };
        // The other file of a flake may be there, and git not track it.
        let other = dir.join(if is_nix { "flake.lock" } else { "flake.nix" });
        if !tracked.contains(&other)
            && let Ok(meta) = other.symlink_metadata()
            && !self.leaves_out(&other, meta.file_type())
        {
            self.state.pass_over(&other, false);
        }
    }
}

/// The ways down from where the walk came by.
struct Ways<'a> {
    walker: &'a Walker<'a>,
    root: &'a Path,
    passed: &'a HashSet<PathBuf>,
    /// Directories below those that were passed over, and whether the walk would have entered them.
    open: HashMap<PathBuf, bool>,
}

impl Ways<'_> {
    /// Whether the walk would have come by a file, were it not for git's rules.
    fn lead_to(&mut self, file: &Path) -> bool {
        let is_beside = self.passed.contains(file);
        (is_beside || file.parent().is_some_and(|dir| self.is_open(dir)))
            && file
                .symlink_metadata()
                .is_ok_and(|meta| !meta.is_dir() && !self.walker.leaves_out(file, meta.file_type()))
    }

    fn is_open(&mut self, dir: &Path) -> bool {
        if self.passed.contains(dir) {
            return true;
        }
        if let Some(known) = self.open.get(dir) {
            return *known;
        }
        let above = dir.parent().filter(|above| above.starts_with(self.root));
        let is_open = above.is_some_and(|above| self.is_open(above)) && self.may_enter(dir);
        self.open.insert(dir.to_owned(), is_open);
        is_open
    }

    fn may_enter(&self, dir: &Path) -> bool {
        let depth = dir.strip_prefix(self.root).map_or(0, |below| below.components().count());
        // What is another repository by now tracks its files itself.
        self.walker.max_depth.is_none_or(|max| depth <= max)
            && !is_repository(dir)
            && dir.symlink_metadata().is_ok_and(|meta| meta.is_dir() && !self.walker.leaves_out(dir, meta.file_type()))
    }
}

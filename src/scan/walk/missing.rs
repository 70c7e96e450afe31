//! What is not there any more, or is left out: judged by what the walk came by, and by what is there now.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Passed, Walk};

impl Walk {
    /// Whether all entries of a directory were seen. `dir` is canonical.
    pub fn was_listed(&self, dir: &Path) -> bool {
        self.listed.contains(dir)
    }

    /// Whether a directory holds a flake, or a lock alone, that was found.
    pub fn has_flake(&self, dir: &Path) -> bool {
        self.flakes.binary_search_by(|at| at.dir.as_path().cmp(dir)).is_ok()
    }

    /// Every directory all of whose entries were seen, in no order.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.listed.iter().map(PathBuf::as_path)
    }

    /// What the walk passed over: directories and files, in no order.
    pub fn all_passed_over(&self) -> impl Iterator<Item = &Path> {
        self.passed.keys().map(PathBuf::as_path)
    }

    /// Whether the flake of a directory is known to be gone: the walk came by, and there is no `flake.nix` any more.
    ///
    /// False for a directory that is merely out of reach (not below the roots, unreadable, newly ignored or excluded).
    pub fn is_gone(&self, dir: &Path) -> bool {
        if let Some(there) = self.led_to(dir) {
            // Through the link it may be there, and out of reach.
            return self.has_flake(&there) || self.is_gone(&there);
        }
        let Some(nearest) = self.nearest(dir) else { return false };
        match dir.strip_prefix(nearest).ok().and_then(|rest| rest.components().next()) {
            None => absent(&dir.join("flake.nix")),
            Some(below) => {
                let below = nearest.join(below);
                no_directory(&below) || self.asked.contains(&below) && absent(&dir.join("flake.nix"))
            }
        }
    }

    /// The real path of what lay below a root that a link stands for now.
    pub fn led_to(&self, path: &Path) -> Option<PathBuf> {
        let below = self.replaced.iter().filter_map(|(root, there)| Some((path.strip_prefix(root).ok()?, there)));
        let (rest, there) = below.min_by_key(|(rest, _)| rest.components().count())?;
        Some(there.join(rest))
    }

    /// The nearest directory that was listed: this one, or one around it.
    pub fn nearest<'p>(&self, dir: &'p Path) -> Option<&'p Path> {
        dir.ancestors().find(|ancestor| self.was_listed(ancestor))
    }

    /// Whether a file is known to be gone, as for a flake. In a directory without anything in it nothing is: a disk may
    /// not be mounted there.
    pub fn is_file_gone(&self, file: &Path) -> bool {
        if let Some(there) = self.led_to(file) {
            return there.exists() || self.is_file_gone(&there);
        }
        let Some(nearest) = file.parent().and_then(|parent| self.nearest(parent)) else { return false };
        let is_empty = std::fs::read_dir(nearest).map_or(true, |mut entries| entries.next().is_none());
        !is_empty && self.is_missing(file)
    }

    /// Whether the walk came by where a file was, and it is not there: it is gone, or its disk is not mounted.
    pub fn is_missing(&self, file: &Path) -> bool {
        if let Some(there) = self.led_to(file) {
            return there.exists() || self.is_missing(&there);
        }
        let Some(nearest) = file.parent().and_then(|parent| self.nearest(parent)) else { return false };
        let mut below = file.strip_prefix(nearest).into_iter().flat_map(Path::components);
        match (below.next(), below.next()) {
            (Some(name), None) => no_file(&nearest.join(name)),
            (Some(directory), Some(_)) => no_directory(&nearest.join(directory)),
            (None, _) => false,
        }
    }

    /// Whether a rule leaves out a file that the walk passed over, or somebody has taken it away there; not where nobody can look,
    /// nor where a disk may not be mounted. The device is the one that it was on, when that is known.
    pub fn is_ruled_out(&self, file: &Path, device: Option<u64>) -> bool {
        match file.symlink_metadata() {
            Ok(_) => !self.tracked.contains(file),
            Err(_) => is_taken_away(file, device),
        }
    }

    /// What the walk passed over that is a file, or the directory around it, and why; none where it did not come by, and for
    /// what lies in a root of its own.
    pub fn passed_over(&self, file: &Path) -> Option<(&Path, &Passed)> {
        let nearest = self.nearest(file.parent()?)?;
        // Below a directory that git's rules leave out, what git tracks may be left out by itself.
        let mut below = file.ancestors().take_while(|at| *at != nearest);
        let (at, why) = below.find_map(|at| self.passed.get_key_value(at))?;
        let has_its_root = self.within.iter().any(|root| root.starts_with(at) && file.starts_with(root));
        (!has_its_root).then_some((at, why))
    }
}

/// Whether a file is not there, and somebody has taken it away: what is around it is there and not empty, and on the device that it
/// was on, when that is known. Else a disk may not be mounted.
pub fn is_taken_away(file: &Path, device: Option<u64>) -> bool {
    let Some(around) = file.ancestors().skip(1).find(|at| !absent(at)).filter(|_| absent(file)) else { return false };
    let is_there = around.metadata().is_ok_and(|meta| device.is_none_or(|device| meta.dev() == device));
    is_there && std::fs::read_dir(around).is_ok_and(|mut entries| entries.next().is_some())
}

fn absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether there is no file of that name any more; a directory is none.
fn no_file(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(there) => there.is_dir(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Whether there is no directory of that name any more. What a link leads to has another real path, so what lay here is gone;
/// one that leads nowhere may lead to it again.
fn no_directory(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(there) => !there.is_dir() && (!there.is_symlink() || path.is_dir()),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

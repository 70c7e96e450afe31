//! Devices: what was on one that is not there now is out of reach, and not gone. A disk that is not mounted leaves a directory
//! behind that lies on another one, with or without something in it.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use crate::scan::{Walk, is_taken_away};
use crate::store::FileRow;

use super::super::known::Known;

/// On which devices things were before a scan, and are now.
pub(super) struct Devices<'a> {
    walked: &'a Walk,
    /// What was known before: what the scan has read since is on the devices of today.
    known: &'a Known,
    became: OnceLock<HashSet<(u64, u64)>>,
}

impl<'a> Devices<'a> {
    pub(super) const fn new(walked: &'a Walk, known: &'a Known) -> Self {
        Self { walked, known, became: OnceLock::new() }
    }

    /// Whether the flake of a directory is gone for certain: the walk came by and did not find it, and its disk is there.
    pub(super) fn is_flake_gone(&self, directory: &Path) -> bool {
        self.walked.is_gone(directory) && !self.is_away(directory, self.known.file(directory))
    }

    /// Whether somebody took a flake away from where the walk did not come by, as it is known to have been on a disk that is there.
    pub(super) fn is_flake_taken_away(&self, directory: &Path) -> bool {
        let device = self.known.file(directory).and_then(FileRow::device);
        let is_walked = self.walked.nearest(directory).is_some();
        !is_walked && device.is_some() && is_taken_away(&directory.join("flake.nix"), device)
    }

    /// The same for a file of which something may be remembered. Where nothing is, it may have been on any device.
    pub(super) fn is_file_gone(&self, file: &Path, row: Option<&FileRow>) -> bool {
        let around = file.parent().unwrap_or(file);
        match self.then_and_now(around, row) {
            Some((then, now)) => self.walked.is_missing(file) && !self.is_another(then, now),
            None => self.walked.is_file_gone(file),
        }
    }

    /// Whether a place was on a device that is not there now.
    fn is_away(&self, place: &Path, row: Option<&FileRow>) -> bool {
        self.then_and_now(place, row).is_some_and(|(then, now)| self.is_another(then, now))
    }

    /// The device that a place was on, and that of the nearest directory that is there.
    fn then_and_now(&self, place: &Path, row: Option<&FileRow>) -> Option<(u64, u64)> {
        row?.device().zip(self.walked.nearest(place).and_then(device_at))
    }

    /// Whether a device is another one, and has not only another number since a restart, as those of btrfs and NFS do: what is
    /// still there and was on the one is on the other now.
    fn is_another(&self, then: u64, now: u64) -> bool {
        then != now && !self.became.get_or_init(|| self.compare()).contains(&(then, now))
    }

    fn compare(&self) -> HashSet<(u64, u64)> {
        let flakes = self.walked.flakes.iter().filter(|at| at.flake_nix.is_some()).map(|at| (&*at.dir, &*at.dir));
        let files = self.walked.nix.iter().filter_map(|(file, _)| Some((&**file, file.parent()?)));
        let both = |(known, place)| self.known.file(known)?.device().zip(device_at(place));
        flakes.chain(files).filter_map(both).collect()
    }
}

/// The device that a directory is on now.
pub(super) fn device_at(directory: &Path) -> Option<u64> {
    std::fs::metadata(directory).ok().map(|meta| meta.dev())
}

//! What is recorded of files that are there no more, or that scans leave out by now: compared with what the walk came by,
//! whatever is remembered of their last look. A moved flake, an import or an erased event may have left nothing of that.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::super::super::AppError;
use super::super::super::known::KnownFlake;
use super::super::Run;
use super::super::left_out::LeftOutFiles;
use super::super::settle::{Outcome, Settler};
use super::{Files, TOGETHER};
use crate::domain::id::FlakeId;
use crate::domain::stream::{Aggregate, StreamId};
use crate::scan::{Passed, Walk};
use crate::store::view::{self, RecordedFile};
use crate::store::{FileRow, LocalNote};

/// What the walk says of a file of which something is recorded.
enum Fate<'w> {
    /// It is as it was, or nobody knows.
    Kept,
    /// It belongs to another flake, or to none.
    Elsewhere,
    /// It is not there, or nobody who walks comes by.
    Gone,
    /// A pattern of the user's leaves out what is there: the file, or a directory around it.
    LeftOut(&'w Path, &'w str),
}

/// A file of which something is recorded that is so no more.
struct Over<'a> {
    path: &'a Path,
    flake: Option<&'a KnownFlake>,
    /// Whether it is nowhere; else it belongs elsewhere.
    is_gone: bool,
}

/// The flakes that are there, by their ids.
type Live<'a> = HashMap<FlakeId, &'a KnownFlake>;

impl Files<'_> {
    /// Resolves and deletes what there was in files that are gone; what a pattern leaves out stays, which is said.
    pub(super) fn gone(
        &self,
        run: &Run<'_>,
        unread: &HashSet<PathBuf>,
        settler: &mut Settler<'_>,
    ) -> Result<(), AppError> {
        let live: Live<'_> =
            self.known.flakes().filter(|flake| !flake.removed).map(|flake| (flake.id, flake)).collect();
        let recorded = view::recorded_files(settler.reader())?;
        let places: BTreeSet<_> = recorded.iter().filter_map(|file| self.place(file, &live)).collect();
        let (mut over, mut left_out) = (Vec::new(), LeftOutFiles::default());
        for (path, flake) in &places {
            let flake = flake.and_then(|id| live.get(&id).copied());
            match self.fate(run.walked, path, flake) {
                Fate::Kept => {}
                Fate::Gone => over.push(Over { path, flake, is_gone: true }),
                // What cannot be read is neither changed nor gone.
                Fate::Elsewhere if unread.contains(path) => {}
                Fate::Elsewhere => over.push(Over { path, flake, is_gone: false }),
                Fate::LeftOut(at, pattern) => {
                    let around = flake.map(|flake| flake.directory.as_path()).or_else(|| path.parent());
                    left_out.add(path, at, pattern, around);
                }
            }
        }
        settler.report.left_out.extend(left_out.into_list());
        let mut kept: HashSet<&Path> = HashSet::new();
        for group in over.chunks(TOGETHER) {
            if run.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if !self.store_over(group, settler)? {
                // One file must not stand in the way of those beside it.
                for one in group.chunks(1) {
                    if !self.store_over(one, settler)? {
                        kept.extend(one.iter().map(|file| file.path));
                    }
                }
            }
        }
        self.forget_rows(run.walked, &live, &kept, settler);
        Ok(())
    }

    /// Stores that these are over, and says whether it is stored.
    fn store_over(&self, over: &[Over<'_>], settler: &mut Settler<'_>) -> Result<bool, AppError> {
        let (mut writes, mut notes) = (Vec::new(), Vec::new());
        for file in over {
            writes.extend(self.over(file.path, file.flake, settler)?);
            let row = self.known.file(file.path).filter(|row| file.is_gone && row.is_checked());
            notes.extend(row.map(|row| LocalNote::FileGone { path: row.path.clone() }));
        }
        let outcome = settler.store(writes, notes)?;
        Ok(match over {
            [one] => settler.tell(one.path, outcome),
            _ => matches!(outcome, Outcome::Stored),
        })
    }

    /// Remembers no more of files that are gone, but where what they were could not be recorded as over.
    fn forget_rows(&self, walked: &Walk, live: &Live<'_>, kept: &HashSet<&Path>, settler: &mut Settler<'_>) {
        for (path, row) in self.known.files().filter(|(path, row)| row.is_checked() && !kept.contains(path.as_path())) {
            let flake = row.flake.and_then(|id| live.get(&id).copied());
            // Of a flake that was moved, the file is not looked for here any more.
            let inside = flake.filter(|flake| path.starts_with(&flake.directory));
            if matches!(self.fate(walked, path, inside), Fate::Gone) {
                settler.note(LocalNote::FileGone { path: path.clone() });
                if flake.is_some() == inside.is_some() {
                    self.touch_around(path, true, settler);
                }
            }
        }
    }

    /// Where a file is of which something is recorded, and its flake; none for what this machine does not look at.
    fn place(&self, file: &RecordedFile, live: &Live<'_>) -> Option<(PathBuf, Option<FlakeId>)> {
        let flake = file.flake.map(|id| live.get(&id).copied().ok_or(())).transpose().ok()?;
        let path = file.path.to_path();
        let path = match (file.stream.aggregate(), flake) {
            (Aggregate::Finding, _) => self.found_at(&file.stream, flake, path)?,
            (_, Some(flake)) => flake.directory.join(path),
            (_, None) => path,
        };
        Some((path, file.flake))
    }

    /// Where a file with findings is now: those of a flake that was moved name the old place until the file is read. The
    /// two files of a flake are looked at with it.
    fn found_at(&self, stream: &StreamId, flake: Option<&KnownFlake>, path: PathBuf) -> Option<PathBuf> {
        if path.ends_with("flake.nix") || path.ends_with("flake.lock") {
            return None;
        }
        let is_it = |path: &Path| {
            let is_inside = flake.is_none_or(|flake| path.starts_with(&flake.directory));
            is_inside && self.known.finding_stream_inside(flake, path) == *stream
        };
        if is_it(&path) {
            return Some(path);
        }
        let directory = &flake?.directory;
        let mut rest = path.components();
        while rest.next().is_some() {
            let place = directory.join(rest.as_path());
            if is_it(&place) {
                return Some(place);
            }
        }
        None
    }

    fn fate<'w>(&self, walked: &'w Walk, path: &Path, flake: Option<&KnownFlake>) -> Fate<'w> {
        if walked.nix.binary_search_by(|(seen, _)| seen.as_path().cmp(path)).is_ok() {
            let around = self.flake_around(path).map(|flake| flake.id);
            let is_elsewhere = self.looker.modules && around != flake.map(|flake| flake.id);
            return if is_elsewhere && !self.known.is_of_forgotten(path) { Fate::Elsewhere } else { Fate::Kept };
        }
        if self.known.is_of_forgotten(path) || !self.is_in_reach(walked, path, flake) {
            return Fate::Kept;
        }
        if self.devices.is_file_gone(path, self.row(path, flake)) {
            return Fate::Gone;
        }
        match walked.passed_over(path) {
            Some((_, Passed::ByRule)) if walked.is_ruled_out(path, self.row(path, flake).and_then(FileRow::device)) => {
                Fate::Gone
            }
            Some((at, Passed::Excluded { pattern })) => Fate::LeftOut(at, pattern),
            _ => Fate::Kept,
        }
    }

    /// What lies in a flake that is there and was not walked is as far out of reach as the flake.
    fn is_in_reach(&self, walked: &Walk, path: &Path, flake: Option<&KnownFlake>) -> bool {
        let nearest = || path.parent().and_then(|parent| walked.nearest(parent));
        flake.is_none_or(|flake| {
            self.leaving.contains(&flake.id)
                || nearest().is_some_and(|at| at.starts_with(&flake.directory))
                // One that git tracks below what its rules leave out was found without a listing.
                || walked.has_flake(&flake.directory)
        })
    }

    /// What is remembered of the last look at a file, also where its flake was before it moved.
    fn row(&self, path: &Path, flake: Option<&KnownFlake>) -> Option<&FileRow> {
        let before = || {
            let flake = flake?;
            let inside = path.strip_prefix(&flake.directory).ok()?;
            self.known.file(&self.moved.get(&flake.id)?.join(inside))
        };
        self.known.file(path).or_else(before)
    }
}

//! Private roots, and forgotten ones, are known again by their directories wherever the walk comes by them: no flake needs to tell
//! where they went. Must not know what lies in them.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt};
use std::path::{Path, PathBuf};

use crate::scan::{Options, Walk, walk as walk_with};
use crate::store::local::{Directory, forgotten_root};
use crate::store::{LocalNote, Reader, RootRow, StoreError};

use super::super::roots::directory_at;
use super::super::sync::consent;
use super::super::{AppError, Session};
use super::RootMoved;

/// A root that is or was private.
struct Kept {
    path: PathBuf,
    is_forgotten: bool,
    /// Which directory it was when it was seen last.
    was: Option<Directory>,
    /// Which one is there now.
    is: Option<Directory>,
}

/// What was walked.
#[derive(Clone, Copy)]
pub(super) enum Walked<'r> {
    /// These directories, and all below them; how roots are walked.
    Roots(&'r [PathBuf], &'r Options),
    /// One directory alone; how what lies below it is walked when a private root is to be found there.
    One(&'r Options),
}

/// Makes roots of the places where private ones lie by now, before anything is recorded there, and private what others had there;
/// returns which. One that lies where a shared root was takes its place. Where all roots were walked, what took the place of one
/// that is nowhere is that root from now on.
pub(super) fn follow(session: &Session, walk: &Walk, walked: Walked<'_>) -> Result<Vec<RootMoved>, AppError> {
    let search = Search::new(&session.store.reader()?)?;
    if search.kept.is_empty() {
        return Ok(Vec::new());
    }
    let options = match walked {
        Walked::Roots(_, options) | Walked::One(options) => options,
    };
    let is_walked = |root: &Path| matches!(walked, Walked::Roots(all, _) if all.iter().any(|at| root.starts_with(at)));
    let is_whole = search.roots.iter().all(|root| is_walked(&root.path));
    // What is to be forgotten of a directory whose place another one took is looked for everywhere first.
    let is_replaced = search.kept.iter().any(|root| root.was.is_some() && root.is.is_some() && root.is != root.was);
    let more = if is_replaced && !is_whole && !matches!(walked, Walked::Roots([], _)) {
        Some(search.roots.iter().map(|root| root.path.clone()).filter(|root| root.is_dir()).collect())
    } else if matches!(walked, Walked::One(_)) && !search.astray().is_empty() {
        Some(walk.directories().map(Path::to_owned).collect::<Vec<_>>())
    } else {
        None
    };
    let more = more.map(|roots| walk_with(&roots, options)).transpose()?;
    let walks: Vec<&Walk> = std::iter::once(walk).chain(&more).collect();
    let found = search.found(&walks);
    search.settle(session, found, is_whole || is_replaced && more.is_some())
}

/// The same where files are read that no walk need have come by.
pub(super) fn follow_files(
    session: &Session,
    files: impl IntoIterator<Item = PathBuf>,
) -> Result<Vec<RootMoved>, AppError> {
    let search = Search::new(&session.store.reader()?)?;
    if search.kept.is_empty() {
        return Ok(Vec::new());
    }
    let files: Vec<PathBuf> = files.into_iter().collect();
    let found = search.at(with_those_around(files.iter().map(PathBuf::as_path)));
    search.settle(session, found, false)
}

/// Where the private roots, and the forgotten ones, were and are.
struct Search {
    roots: Vec<RootRow>,
    kept: Vec<Kept>,
}

/// A root, where it lies by now, and which directory that is.
type Place<'k> = (&'k Kept, PathBuf, Directory);

impl Search {
    fn new(reader: &Reader) -> Result<Self, StoreError> {
        Ok(Self { roots: reader.roots()?, kept: kept(reader)? })
    }

    /// Those that are not where they were.
    fn astray(&self) -> Vec<&Kept> {
        let there: Vec<Directory> =
            self.kept.iter().filter(|root| !root.is_forgotten).filter_map(|root| root.is).collect();
        let is_there = |was: &Directory| there.iter().any(|is| is.is(was));
        let is_astray =
            |root: &&Kept| root.was.is_some_and(|was| !root.is.is_some_and(|is| is.is(&was)) && !is_there(&was));
        self.kept.iter().filter(is_astray).collect()
    }

    /// Where the directories of roots lie by now: in what was walked, or around that. Into what was passed over nobody has looked:
    /// there they are sought right below, and by the ends of their names.
    fn found(&self, walks: &[&Walk]) -> Vec<Place<'_>> {
        let mut places: HashSet<PathBuf> =
            walks.iter().flat_map(|walk| directories_around(walk)).map(Path::to_owned).collect();
        let astray = self.astray();
        if !astray.is_empty() {
            let ends: HashSet<PathBuf> = astray.iter().flat_map(|root| ends(&root.path)).collect();
            for at in walks.iter().flat_map(|walk| walk.all_passed_over()) {
                places.insert(at.to_owned());
                places.extend(inside(at, &astray, &ends));
            }
        }
        self.at(places.iter().map(PathBuf::as_path))
    }

    /// Which of these places are directories of roots. One may be there still, and here as well, where it is mounted twice.
    fn at<'p>(&self, places: impl IntoIterator<Item = &'p Path>) -> Vec<Place<'_>> {
        let mut found = Vec::new();
        for place in places {
            let is_like = |meta: &Metadata| self.was(meta.ino()).next().is_some();
            if !place.symlink_metadata().is_ok_and(|meta| is_like(&meta)) {
                continue;
            }
            let Some(is) = directory_at(place) else { continue };
            let same = self.was(is.inode).filter(|root| root.path != place && root.was.is_some_and(|was| was.is(&is)));
            found.extend(same.map(|root| (root, place.to_owned(), is)));
        }
        found.sort_by(|(one, at, _), (two, also, _)| (at, &one.path).cmp(&(also, &two.path)));
        found
    }

    fn was(&self, inode: u64) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |root| root.was.is_some_and(|was| was.inode == inode))
    }

    fn settle(&self, session: &Session, found: Vec<Place<'_>>, is_whole: bool) -> Result<Vec<RootMoved>, AppError> {
        let is_shared = |path: &Path| self.roots.iter().any(|root| root.shared && root.path == path);
        let (mut moved, mut notes) = (Vec::<RootMoved>::new(), Vec::new());
        for (root, place, directory) in found {
            let is_known = |is_forgotten: bool, path: &Path| path == place && (root.is_forgotten || !is_forgotten);
            if self.kept.iter().any(|other| is_known(other.is_forgotten, &other.path) && other.was == Some(directory)) {
                continue;
            }
            let is_news = !self.kept.iter().any(|other| is_known(other.is_forgotten, &other.path))
                && !moved.iter().any(|other| is_known(other.is_forgotten, &other.to));
            if is_news {
                let is_forgotten = root.is_forgotten && !is_shared(&place);
                moved.push(RootMoved { from: root.path.clone(), to: place.clone(), is_forgotten });
            }
            notes.push(LocalNote::RootShared { path: place.clone(), shared: false });
            notes.push(LocalNote::RootSeen { path: place, directory: Some(directory) });
            let is_still_there = root.is.is_some() && root.is == root.was;
            if !is_still_there && (root.is_forgotten || root.is.is_some()) {
                notes.push(LocalNote::RootSeen { path: root.path.clone(), directory: root.is });
            }
        }
        let is_news = |root: &&Kept| root.was.is_none() || is_whole && root.is != root.was;
        let seen = self.kept.iter().filter(is_news).filter_map(|root| Some((root.path.clone(), Some(root.is?))));
        notes.extend(seen.map(|(path, directory)| LocalNote::RootSeen { path, directory }));
        if !notes.is_empty() {
            let at = session.clock.now();
            let notes = moved.iter().flat_map(|root| root.kept(at)).chain(notes).collect();
            consent::settle(session, notes)?;
        }
        Ok(moved)
    }
}

/// Whether a place lies in what was a private root, or a forgotten one, when it was seen last, whatever that is called by now: nearer
/// than in a shared one.
pub(in crate::app) fn is_kept(reader: &Reader, place: &Path) -> Result<bool, StoreError> {
    let kept: Vec<Directory> = kept(reader)?.into_iter().filter_map(|root| root.was).collect();
    if kept.is_empty() {
        return Ok(false);
    }
    let roots = reader.roots()?;
    let is_shared = |at: &Path| roots.iter().any(|root| root.shared && root.path == at);
    let decides = |at: &Path| match directory_at(at) {
        Some(is) if kept.iter().any(|was| was.is(&is)) => Some(true),
        _ => is_shared(at).then_some(false),
    };
    Ok(place.ancestors().find_map(decides).unwrap_or_default())
}

fn kept(reader: &Reader) -> Result<Vec<Kept>, StoreError> {
    let (roots, directories) = (reader.roots()?, reader.root_directories()?);
    let forgotten: Vec<PathBuf> = reader.forgotten()?.into_iter().map(|(path, _)| path).collect();
    let is_root = |path: &Path| roots.iter().any(|root| root.path == path);
    let were = forgotten.iter().filter_map(|path| forgotten_root(path)).filter(|path| !is_root(path));
    let private = roots.iter().filter(|root| !root.shared).map(|root| (&*root.path, false));
    let kept = |(path, is_forgotten): (&Path, bool)| {
        let was = directories.iter().find(|(known, _)| known == path).map(|(_, directory)| *directory);
        Kept { path: path.to_owned(), is_forgotten, was, is: directory_at(path) }
    };
    Ok(private.chain(were.map(|path| (path, true))).map(kept).collect())
}

/// The directories right below one that was passed over that are those of roots, and what lies there by the end of the name of one.
fn inside(passed: &Path, roots: &[&Kept], ends: &HashSet<PathBuf>) -> Vec<PathBuf> {
    let Ok(entries) = passed.read_dir() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if roots.iter().any(|root| root.was.is_some_and(|was| was.inode == entry.ino())) {
            found.push(entry.path());
        }
        let is_below = |end: &&PathBuf| end.components().next().is_some_and(|first| first.as_os_str() == name);
        found.extend(ends.iter().filter(is_below).map(|end| passed.join(end)));
    }
    found
}

/// What the walk came by, and what lies around that: whoever walks a part of a private root does not walk the root.
fn directories_around(walk: &Walk) -> HashSet<&Path> {
    let flakes = walk.flakes.iter().map(|at| at.dir.as_path());
    let files = walk.nix.iter().map(|(file, _)| file).chain(&walk.pins).map(PathBuf::as_path);
    with_those_around(walk.directories().chain(flakes).chain(files))
}

fn with_those_around<'p>(places: impl IntoIterator<Item = &'p Path>) -> HashSet<&'p Path> {
    let mut around = HashSet::new();
    for at in places {
        // Those around one that is known are known.
        at.ancestors().take_while(|directory| around.insert(*directory)).for_each(drop);
    }
    around
}

/// The last component of a path, the last two of them and so on.
fn ends(path: &Path) -> Vec<PathBuf> {
    let names: Vec<_> = path.components().skip(1).collect();
    (0..names.len()).filter_map(|from| names.get(from..)).map(|end| end.iter().collect()).collect()
}

//! Private roots, and forgotten ones, are known again by their directories wherever the walk comes by them: no flake needs to tell
//! where they went. Must not know what lies in them.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
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
    let is_replaced = matches!(walked, Walked::Roots([_, ..], _))
        && search.kept.iter().any(|root| root.was.is_some() && root.is.is_some() && root.is != root.was);
    let more = if is_replaced && !is_whole {
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
    let files: Vec<PathBuf> = files.into_iter().collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let reader = session.store.reader()?;
    let inodes: HashSet<u64> = reader.root_directories()?.into_iter().map(|(_, directory)| directory.inode).collect();
    let mut places = with_those_around(files.iter().map(PathBuf::as_path));
    places.retain(|place| place.symlink_metadata().is_ok_and(|meta| inodes.contains(&meta.ino())));
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search::new(&reader)?;
    let found = search.at(places);
    search.settle(session, found, false)
}

/// Where the private roots, and the forgotten ones, were and are.
struct Search {
    roots: Vec<RootRow>,
    kept: Vec<Kept>,
    /// Which directory each root was when it was seen last, the shared ones too.
    directories: HashMap<PathBuf, Directory>,
}

/// A root, where it lies by now, and which directory that is.
type Place<'k> = (&'k Kept, PathBuf, Directory);

impl Search {
    fn new(reader: &Reader) -> Result<Self, StoreError> {
        let (roots, directories) = (reader.roots()?, reader.root_directories()?.into_iter().collect());
        Ok(Self { kept: kept(reader, &roots, &directories)?, roots, directories })
    }

    /// Whether the user shared this very directory by this name: that is no private root that took a place.
    fn is_meant(&self, path: &Path, is: &Directory) -> bool {
        let was = self.directories.get(path);
        was.is_some_and(|was| was.is(is)) && self.roots.iter().any(|root| root.shared && root.path == path)
    }

    /// The shared roots below a place that did not come there with it: what lies there by their names is another's.
    fn left_below(&self, place: &Path) -> impl Iterator<Item = &Path> {
        let below = self.roots.iter().filter(move |root| root.shared && root.path.starts_with(place));
        let is_other = |path: &Path| match (directory_at(path), self.directories.get(path)) {
            (Some(is), Some(was)) => !is.is(was),
            (is, _) => is.is_some(),
        };
        below.map(|root| &*root.path).filter(move |path| is_other(path))
    }

    /// Those that are not where they were.
    fn astray(&self) -> Vec<&Kept> {
        let private = self.kept.iter().filter(|root| !root.is_forgotten).filter_map(|root| root.is);
        let shared = self.roots.iter().filter(|root| root.shared);
        let meant = shared.filter_map(|root| directory_at(&root.path).filter(|is| self.is_meant(&root.path, is)));
        let there: Vec<Directory> = private.chain(meant).collect();
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
            let inodes: HashSet<u64> = astray.iter().filter_map(|root| Some(root.was?.inode)).collect();
            let mut by_first: HashMap<OsString, HashSet<PathBuf>> = HashMap::new();
            for end in astray.iter().flat_map(|root| ends(&root.path)) {
                let first = end.components().next().map(|first| first.as_os_str().to_owned()).unwrap_or_default();
                by_first.entry(first).or_default().insert(end);
            }
            for at in walks.iter().flat_map(|walk| walk.all_passed_over()) {
                places.insert(at.to_owned());
                places.extend(inside(at, &inodes, &by_first));
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
            if self.is_meant(place, &is) {
                continue;
            }
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
            let shared = std::iter::once(&*place).chain(self.left_below(&place)).map(Path::to_owned);
            notes.extend(shared.map(|path| LocalNote::RootShared { path, shared: false }));
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
    let search = Search::new(reader)?;
    let is_root = |at: &Path| search.roots.iter().any(|root| root.shared && root.path == at);
    let decides = |at: &Path| {
        let is = directory_at(at)?;
        if is_root(at) && search.directories.get(at).is_none_or(|was| was.is(&is)) {
            return Some(false);
        }
        search.was(is.inode).any(|root| root.was.is_some_and(|was| was.is(&is))).then_some(true)
    };
    Ok(!search.kept.is_empty() && place.ancestors().find_map(decides).unwrap_or_default())
}

fn kept(
    reader: &Reader,
    roots: &[RootRow],
    directories: &HashMap<PathBuf, Directory>,
) -> Result<Vec<Kept>, StoreError> {
    let forgotten: Vec<PathBuf> = reader.forgotten()?.into_iter().map(|(path, _)| path).collect();
    let known: HashSet<&Path> = roots.iter().map(|root| &*root.path).collect();
    let were = forgotten.iter().filter_map(|path| forgotten_root(path)).filter(|path| !known.contains(path));
    let private = roots.iter().filter(|root| !root.shared).map(|root| (&*root.path, false));
    let kept = |(path, is_forgotten): (&Path, bool)| {
        let was = directories.get(path).copied();
        Kept { path: path.to_owned(), is_forgotten, was, is: directory_at(path) }
    };
    Ok(private.chain(were.map(|path| (path, true))).map(kept).collect())
}

/// The directories right below one that was passed over that are those of roots, and what lies there by the end of the name of one.
fn inside(passed: &Path, inodes: &HashSet<u64>, ends: &HashMap<OsString, HashSet<PathBuf>>) -> Vec<PathBuf> {
    let Ok(entries) = passed.read_dir() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        if inodes.contains(&entry.ino()) {
            found.push(entry.path());
        }
        found.extend(ends.get(&entry.file_name()).into_iter().flatten().map(|end| passed.join(end)));
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

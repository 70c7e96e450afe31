//! What the ledger knows already: the flakes and where they are, what their files looked like, the state of one flake.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::domain::catalogue::Event;
use crate::domain::config::Profile;
use crate::domain::config::host::{self, Host};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Open, event as finding_event};
use crate::domain::flake::event::Succeeded;
use crate::domain::flake::state::Flake;
use crate::domain::id::FlakeId;
use crate::domain::lock_history::{LockHistoryEvent, Recorded};
use crate::domain::module::{self, Module};
use crate::domain::naming::Namespace;
use crate::domain::overlay::{self, Overlay};
use crate::domain::path::RecordedPath;
use crate::domain::pins::{self, Pins};
use crate::domain::stream::StreamId;
use crate::store::local::is_in_forgotten_root;
use crate::store::origin::Predecessor;
use crate::store::{FileRow, HistoryCursor, LocalNote, Reader, StoreError, view};

/// One flake that the ledger knows.
#[derive(Debug, Clone)]
pub struct KnownFlake {
    /// Its id.
    pub id: FlakeId,
    /// Its directory, or the last one it had.
    pub directory: PathBuf,
    /// Whether it is gone, or no longer watched.
    pub removed: bool,
}

/// Everything a scan has to know before it looks.
#[derive(Debug)]
pub struct Known {
    namespace: Namespace,
    /// Where the ledger ended before it was read.
    head: i64,
    flakes: HashMap<PathBuf, KnownFlake>,
    ids: HashSet<FlakeId>,
    files: HashMap<PathBuf, FileRow>,
    cursors: HashMap<FlakeId, HistoryCursor>,
    forgotten: HashSet<PathBuf>,
    /// The origin that this one was forked from, with its flakes by directory.
    before: Option<(Predecessor, HashMap<PathBuf, FlakeId>)>,
}

impl Known {
    /// Reads it from the ledger.
    pub fn load(reader: &Reader, origin_key: &str) -> Result<Self, StoreError> {
        let head = reader.head()?;
        let mut flakes = HashMap::new();
        let mut ids = HashSet::new();
        let rows = view::known_flakes(reader)?;
        let before = reader.predecessor()?.map(|old| {
            let theirs = rows.iter().filter(|row| row.origin == old.origin && !row.removed);
            let places = theirs.map(|row| (row.directory.to_path(), row.id)).collect();
            (old, places)
        });
        // Another machine's flake at the same path is another flake.
        for row in rows.into_iter().filter(|row| row.origin == origin_key) {
            ids.insert(row.id);
            let known = KnownFlake { id: row.id, directory: row.directory.to_path(), removed: row.removed };
            let place: &mut KnownFlake = flakes.entry(known.directory.clone()).or_insert_with(|| known.clone());
            if !known.removed {
                *place = known;
            }
        }
        let mut cursors = HashMap::new();
        for id in &ids {
            cursors.extend(reader.history_cursor(*id)?.map(|cursor| (*id, cursor)));
        }
        Ok(Self {
            namespace: Namespace::of(origin_key),
            head,
            flakes,
            ids,
            files: reader.all_files()?.into_iter().map(|row| (row.path.clone(), row)).collect(),
            cursors,
            forgotten: reader.forgotten()?.into_iter().map(|(path, _)| path).collect(),
            before,
        })
    }

    /// The flake at a directory.
    pub fn flake(&self, directory: &Path) -> Option<&KnownFlake> {
        self.flakes.get(directory)
    }

    /// Every flake, the removed ones included.
    pub fn flakes(&self) -> impl Iterator<Item = &KnownFlake> {
        self.flakes.values()
    }

    /// What the files of a directory looked like when they were read last.
    pub fn file(&self, directory: &Path) -> Option<&FileRow> {
        self.files.get(directory)
    }

    /// The note that a file was read; one that tells nothing new must not stand over what somebody else has read since.
    pub fn seen(&self, row: FileRow, tells: bool) -> LocalNote {
        if tells {
            return self.learnt(LocalNote::FileSeen(row));
        }
        self.learnt(LocalNote::FileSame { before: self.file(&row.path).map(|known| known.stamp.clone()), row })
    }

    /// The note of what a look told; what was erased since has to be looked at again.
    pub fn learnt(&self, note: LocalNote) -> LocalNote {
        LocalNote::AsOf { head: self.head, note: Box::new(note) }
    }

    /// Every directory that was read.
    pub fn files(&self) -> impl Iterator<Item = (&PathBuf, &FileRow)> {
        self.files.iter()
    }

    /// How far the past of a flake's lock has been read.
    pub fn cursor(&self, flake: FlakeId) -> Option<&HistoryCursor> {
        self.cursors.get(&flake)
    }

    /// Whether the user wants to hear no more of a directory.
    pub fn is_forgotten(&self, directory: &Path) -> bool {
        self.forgotten.contains(directory)
    }

    /// Whether a directory lies in a root that was forgotten: what is recorded of it stays private for good.
    pub fn is_in_forgotten_root(&self, directory: &Path) -> bool {
        is_in_forgotten_root(&self.forgotten, directory)
    }

    /// Whether a file belongs to what is forgotten; a flake inside of that does not.
    pub fn is_of_forgotten(&self, file: &Path) -> bool {
        self.forgotten_around(file).is_some()
    }

    /// The directory that is forgotten and to which a file belongs.
    pub fn forgotten_around<'p>(&self, file: &'p Path) -> Option<&'p Path> {
        let is_flake = |directory: &&Path| self.flake(directory).is_some_and(|flake| !flake.removed);
        let mut around = file.ancestors().skip(1).take_while(|directory| !is_flake(directory));
        around.find(|directory| self.is_forgotten(directory))
    }

    /// The id for a flake at a directory where none is known: the same whoever asks, so that two scans at once write
    /// to one stream and one of them notices. A flake that moved away keeps its id, so the next free one is taken.
    pub fn new_id(&self, directory: &Path) -> FlakeId {
        self.namespace.flake(directory, |id| self.ids.contains(&id))
    }

    /// What a flake that is new at a directory goes on from: the flake that was there when this origin was forked.
    pub fn succeeded(&self, reader: &Reader, directory: &Path) -> Result<Option<Succeeded>, StoreError> {
        let Some((old, places)) = &self.before else { return Ok(None) };
        let Some(flake) = places.get(directory) else { return Ok(None) };
        let stream = StreamId::flake(*flake);
        let end = reader.stream_end(&stream)?;
        Ok(end.map(|(version, chain)| Succeeded {
            origin: old.origin.clone(),
            stream: stream.to_string(),
            version,
            chain,
            signature: old.signature.clone(),
        }))
    }

    /// The stream of the generations of a profile.
    pub fn config_stream(&self, profile: &Path) -> StreamId {
        self.namespace.profile(profile)
    }

    /// The stream of a file with pins.
    pub fn pins_stream(&self, file: &Path) -> StreamId {
        self.namespace.pins(file)
    }

    /// The streams of a Nix file as a module and as an overlay.
    pub fn shape_streams(&self, flake: Option<&KnownFlake>, file: &Path) -> (StreamId, StreamId) {
        let inside = flake.and_then(|flake| file.strip_prefix(&flake.directory).ok());
        let key = self.namespace.file(flake.map(|flake| flake.id), inside.unwrap_or(file));
        (StreamId::module(key), StreamId::overlay(key))
    }

    /// The stream of the findings of one file; of a file without a flake by its path.
    pub fn finding_stream(&self, flake: Option<FlakeId>, file: &Path) -> StreamId {
        finding_stream(self.namespace, flake, file)
    }

    /// The flake that a file belongs to: that of the nearest directory around it that holds one.
    pub fn flake_around(&self, file: &Path) -> Option<&KnownFlake> {
        self.flakes_around(file).next()
    }

    /// Every flake that a file lies in, the nearest first.
    pub fn flakes_around(&self, file: &Path) -> impl Iterator<Item = &KnownFlake> {
        let around = file.ancestors().skip(1).filter_map(|directory| self.flake(directory));
        around.filter(|flake| !flake.removed)
    }

    /// The stream of the findings of a file somewhere in a flake.
    pub fn finding_stream_inside(&self, flake: Option<&KnownFlake>, file: &Path) -> StreamId {
        match flake {
            Some(flake) => {
                finding_stream(self.namespace, Some(flake.id), file.strip_prefix(&flake.directory).unwrap_or(file))
            }
            None => finding_stream(self.namespace, None, file),
        }
    }
}

/// The stream of the findings of one file, of the origin with that key.
pub fn finding_stream_of(origin_key: &str, flake: Option<FlakeId>, file: &Path) -> StreamId {
    finding_stream(Namespace::of(origin_key), flake, file)
}

fn finding_stream(namespace: Namespace, flake: Option<FlakeId>, file: &Path) -> StreamId {
    let path = match flake {
        // A path inside the flake stays as it is; of a whole one, the files beside flake.nix are meant.
        Some(_) if file.is_absolute() => file.file_name().map_or(Path::new(""), Path::new),
        _ => file,
    };
    StreamId::finding(namespace.file(flake, path))
}

/// The events of one aggregate among others.
macro_rules! only {
    ($aggregate:ident, $events:expr) => {
        $events.filter_map(|event| match event {
            Event::$aggregate(event) => Some(event),
            _ => None,
        })
    };
}

/// The state of a flake and the version of its stream.
pub fn flake(reader: &Reader, id: FlakeId) -> Result<(Option<Flake>, u64), StoreError> {
    folded(reader, &StreamId::flake(id), |events| Flake::fold(only!(Flake, events)))
}

/// The open findings of a stream and its version.
pub fn findings(reader: &Reader, stream: &StreamId) -> Result<(Open, u64), StoreError> {
    folded(reader, stream, |events| finding_event::fold(only!(Finding, events)))
}

/// The file that a stream of findings spoke of last.
pub fn found_in(reader: &Reader, stream: &StreamId) -> Result<Option<RecordedPath>, StoreError> {
    let events = reader.stream(stream)?;
    Ok(match events.last().and_then(|recorded| recorded.event().ok()) {
        Some(Event::Finding(
            FindingEvent::Raised { subject, .. }
            | FindingEvent::Changed { subject, .. }
            | FindingEvent::Resolved { subject, .. }
            | FindingEvent::Suppressed { subject, .. },
        )) => Some(subject.file.clone()),
        _ => None,
    })
}

/// What is known of a profile and the version of its stream.
pub fn profile(reader: &Reader, stream: &StreamId) -> Result<(Profile, u64), StoreError> {
    folded(reader, stream, |events| Profile::fold(only!(Config, events)))
}

/// What a file pins, as far as is known, and the version of its stream.
pub fn pins(reader: &Reader, stream: &StreamId) -> Result<(Option<Pins>, u64), StoreError> {
    folded(reader, stream, |events| pins::fold(only!(Pins, events)))
}

/// What a module says, as far as is known, and the version of its stream.
pub fn module(reader: &Reader, stream: &StreamId) -> Result<(Option<Module>, u64), StoreError> {
    folded(reader, stream, |events| module::fold(only!(Module, events)))
}

/// What an overlay adds, as far as is known, and the version of its stream.
pub fn overlay(reader: &Reader, stream: &StreamId) -> Result<(Option<Overlay>, u64), StoreError> {
    folded(reader, stream, |events| overlay::fold(only!(Overlay, events)))
}

/// What a configuration of a flake is, as far as is known, and the version of its stream.
pub fn host(reader: &Reader, stream: &StreamId) -> Result<(Option<Host>, u64), StoreError> {
    folded(reader, stream, |events| host::fold(only!(Config, events)))
}

/// The commits of a flake's past that are recorded: those that still count, and the others with what was recorded of them.
#[derive(Debug, Default)]
pub struct Commits {
    /// Those that the branch held when it was looked at last.
    pub there: BTreeSet<String>,
    /// Those that it held no more.
    pub lost: BTreeMap<String, Vec<Recorded>>,
}

/// The commits of a flake's past that are recorded, and the version of the stream.
pub fn commits(reader: &Reader, id: FlakeId) -> Result<(Commits, u64), StoreError> {
    folded(reader, &StreamId::lock_history(id), |events| {
        let mut told: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
        let mut commits = Commits::default();
        for event in only!(LockHistory, events) {
            match event {
                LockHistoryEvent::Recorded(event) => {
                    let id = &event.commit.id;
                    // One that comes back is recorded again.
                    if commits.lost.remove(id).is_some() {
                        told.remove(id.as_str());
                    }
                    commits.there.insert(id.clone());
                    told.entry(id).or_default().push(event);
                }
                LockHistoryEvent::Unreachable { commits: gone, .. } => {
                    for id in gone {
                        commits.there.remove(id);
                        let told = told.get(id.as_str()).map(|told| told.iter().copied().cloned().collect());
                        commits.lost.extend(told.map(|told| (id.clone(), told)));
                    }
                }
            }
        }
        commits
    })
}

/// The state after the events of a stream that can be read, and the version of the stream.
fn folded<S>(
    reader: &Reader,
    stream: &StreamId,
    fold: impl FnOnce(&mut dyn Iterator<Item = &Event>) -> S,
) -> Result<(S, u64), StoreError> {
    let stream = reader.stream(stream)?;
    let version = stream.last().map_or(0, |event| event.version);
    let state = fold(&mut stream.iter().filter_map(|recorded| recorded.event().ok()));
    Ok((state, version))
}

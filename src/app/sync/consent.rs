//! Consent: nothing leaves this machine before its user says which roots may be shared. The innermost root around a place
//! decides for it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::super::Session;
use super::super::known::finding_stream_of;
use super::super::roots::directory_at;
use super::engine::is_dead;
use super::{LEASE, REMOTE, SyncError};
use crate::domain::delivery::State;
use crate::domain::id::FlakeId;
use crate::domain::stream::StreamId;
use crate::store::error::Named;
use crate::store::local::{self, Places};
pub use crate::store::outbox::{Released, Settled};
use crate::store::remote;
pub use crate::store::remote::Agreement;
use crate::store::view::{self, HeldStream};
use crate::store::{FileRow, LocalNote, Reader, StoreError};
use crate::syntax::secret::MARKER;

/// For so long whoever delivers is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The files of a flake in which problems are found.
const FILES: [&str; 2] = ["flake.nix", "flake.lock"];

/// Which roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every root there is.
    All,
    /// These; none to take part without sharing anything.
    Named(Vec<PathBuf>),
}

/// How many events wait to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// In all.
    pub all: u64,
    /// Those of streams that are private again: they are sent all the same, as what comes after them builds on them.
    pub private: u64,
}

/// Agrees to synchronise, and to share what is below some roots. Returns what was released by it.
///
/// # Errors
/// [`SyncError::UnknownRoot`] names a path that is no root; nothing is changed then.
pub fn enable(session: &Session, which: &Which) -> Result<Released, SyncError> {
    Ok(enable_with(session, which, &[])?.released)
}

/// The same with what else the user agrees to, or no longer: all at one moment, so that nothing leaves in between that is to
/// be private.
///
/// # Errors
/// As [`enable`].
pub fn enable_with(session: &Session, which: &Which, others: &[(Agreement, bool)]) -> Result<Settled, SyncError> {
    let mut notes = marks(session, which, true)?;
    let agreed = others.iter().copied().chain([(Agreement::Sync, true)]);
    notes.extend(agreed.map(|(to, agreed)| LocalNote::Agreed { to, agreed }));
    Ok(settle(session, notes)?)
}

/// Takes the consent to synchronise back. What was shared stays shared. Waits for a moment until whoever delivers has stopped, so
/// that nothing leaves afterwards; returns who has not said so by then.
///
/// # Errors
/// When the ledger cannot be written or read.
pub fn disable(session: &Session) -> Result<Option<String>, SyncError> {
    agree(session, Agreement::Sync, false)?;
    let (reader, begun) = (session.store.reader()?, Instant::now());
    loop {
        let holder = reader.lease_holder(LEASE, session.clock.now())?;
        let Some(holder) = holder.filter(|holder| !is_dead(holder, &session.who.host)) else { return Ok(None) };
        // It writes that down when it knows, and sends nothing in between. Before it sends it has said that it is connected.
        let status = reader.remote(REMOTE)?.status;
        let sends = matches!(State::named(&status.state), Some(State::Live | State::CatchingUp | State::Reconciling));
        if status.state == State::Disabled.name() || !(sends || status.connected_since.is_some()) {
            return Ok(None);
        }
        if begun.elapsed() > PATIENCE {
            return Ok(Some(holder));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Shares roots: every flake below them with its past, from its first event on.
///
/// # Errors
/// As [`enable`].
pub fn share(session: &Session, which: &Which) -> Result<Released, SyncError> {
    Ok(settle(session, marks(session, which, true)?)?.released)
}

/// Keeps what is recorded below roots from now on; returns how many streams are private again.
///
/// # Errors
/// As [`enable`].
pub fn unshare(session: &Session, which: &Which) -> Result<usize, SyncError> {
    Ok(settle(session, marks(session, which, false)?)?.withdrawn)
}

/// Shares the problems that were found below shared roots as well, from the first on, and those to come.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn share_findings(session: &Session) -> Result<Released, SyncError> {
    Ok(agree(session, Agreement::Findings, true)?.released)
}

/// Keeps the problems that are found from now on; returns how many streams are private again.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn unshare_findings(session: &Session) -> Result<usize, SyncError> {
    Ok(agree(session, Agreement::Findings, false)?.withdrawn)
}

/// Shares the generations of this machine's profiles and its channels as well, from the first on, and those to come.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn share_system(session: &Session) -> Result<Released, SyncError> {
    Ok(agree(session, Agreement::System, true)?.released)
}

/// Keeps the generations and channels to come; returns how many streams are private again.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn unshare_system(session: &Session) -> Result<usize, SyncError> {
    Ok(agree(session, Agreement::System, false)?.withdrawn)
}

/// How many events wait to be sent.
///
/// # Errors
/// When the ledger cannot be read.
pub fn waiting(session: &Session) -> Result<Waiting, SyncError> {
    let reader = session.store.reader()?;
    let sent = reader.remote(REMOTE)?.acked;
    let (last, _) = reader.shared_head()?;
    Ok(Waiting { all: u64::try_from(last - sent).unwrap_or_default(), private: reader.private_after(sent)? })
}

/// Shares what consent covers and is private yet, as flakes that were found since, and keeps what it covers no more.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn follow(session: &Session) -> Result<Settled, StoreError> {
    let reader = session.store.reader()?;
    // Whoever changes consent follows it at that moment, so that what agrees here needs no turn at writing.
    let covered = Consent::read(&reader)?.streams(&reader, &session.store.origin().public_key)?;
    if reader.shares_only(&covered)? { Ok(Settled::default()) } else { settle(session, Vec::new()) }
}

/// Whether what lies at a place may be shared.
pub(in crate::app) fn covers(connection: &Connection, place: &Path) -> Result<bool, StoreError> {
    Ok(Consent::read(connection)?.covers(place))
}

/// Makes notes that change consent, and follows it, both at one moment: nothing slips out in between.
pub(in crate::app) fn settle(session: &Session, notes: Vec<LocalNote>) -> Result<Settled, StoreError> {
    let own = session.store.origin().public_key.clone();
    session.store.settle_consent(notes, move |connection| Consent::read(connection)?.streams(connection, &own))
}

fn agree(session: &Session, to: Agreement, agreed: bool) -> Result<Settled, StoreError> {
    settle(session, vec![LocalNote::Agreed { to, agreed }])
}

/// What the user agreed to share.
struct Consent {
    places: Places,
    findings: bool,
    system: bool,
}

impl Consent {
    fn read(connection: &Connection) -> Result<Self, StoreError> {
        let read = || -> rusqlite::Result<Self> {
            Ok(Self {
                places: Places::read(connection)?,
                findings: remote::has_agreed(connection, Agreement::Findings)?,
                system: remote::has_agreed(connection, Agreement::System)?,
            })
        };
        read().named(Path::new(connection.path().unwrap_or_default()))
    }

    fn covers(&self, path: &Path) -> bool {
        self.places.covers(path)
    }

    /// The streams that are covered: of flakes, what they hold, and files without one, those of findings only when that was
    /// asked for; those of the machine itself likewise.
    fn streams(&self, connection: &Connection, own: &str) -> Result<HashSet<StreamId>, StoreError> {
        let mut streams = HashSet::new();
        if self.places.are_any_shared() {
            let flakes = Flakes::read(self, connection, own)?;
            streams.extend(flakes.covered.keys().flat_map(|id| [StreamId::flake(*id), StreamId::lock_history(*id)]));
            let kept = flakes.kept_configurations(self, connection)?;
            let held = view::held_streams(connection)?.into_iter();
            let covered = held.filter(|held| flakes.cover(self, held) && !kept.contains(&held.stream));
            streams.extend(covered.map(|held| held.stream));
            if self.findings {
                streams.extend(flakes.findings(self, connection, own)?);
            }
        }
        if self.system {
            streams.extend(view::system_streams(connection)?);
        }
        Ok(streams)
    }
}

/// The flakes of this machine.
struct Flakes {
    /// Those that are covered, and where they are.
    covered: HashMap<FlakeId, PathBuf>,
    /// Where one is, or is forgotten, and whether that place is covered.
    places: HashMap<PathBuf, bool>,
}

impl Flakes {
    fn read(consent: &Consent, connection: &Connection, own: &str) -> Result<Self, StoreError> {
        let mut flakes = Self { covered: HashMap::new(), places: HashMap::new() };
        for flake in view::known_flakes(connection)?.into_iter().filter(|flake| flake.origin == own) {
            let place = flake.directory.to_path();
            let is_covered = consent.covers(&place);
            if is_covered {
                flakes.covered.insert(flake.id, place.clone());
            }
            if !flake.removed || flake.forgotten {
                flakes.places.insert(place, is_covered);
            }
        }
        Ok(flakes)
    }

    /// Whether something is covered with the flake that holds it; a root inside the flake decides for itself.
    fn cover(&self, consent: &Consent, held: &HeldStream) -> bool {
        let path = held.path.to_path();
        match held.flake {
            Some(flake) => self.covered.get(&flake).is_some_and(|place| consent.covers(&place.join(path))),
            None => self.cover_alone(consent, &path),
        }
    }

    /// The same for a file that no flake holds, as one with pins; it may lie in one all the same.
    fn cover_alone(&self, consent: &Consent, file: &Path) -> bool {
        let flake = file.ancestors().skip(1).find_map(|directory| self.places.get(directory));
        flake.is_none_or(|is_covered| *is_covered) && consent.covers(file)
    }

    /// The configurations that are private though their flakes are not: of what they say, or once said, something stands in a
    /// file that a root inside the flake keeps.
    fn kept_configurations(&self, consent: &Consent, connection: &Connection) -> Result<HashSet<StreamId>, StoreError> {
        let mut kept = HashSet::new();
        for (flake, place) in self.covered.iter().filter(|(_, place)| consent.places.keeps_below(place)) {
            // A file that is not named whole may be any.
            let is_covered = |file: &String| !file.contains(MARKER) && consent.covers(&place.join(file));
            let configurations = view::config_files(connection, *flake)?.into_iter();
            let private = configurations.filter(|it| it.left_out > 0 || !it.files.iter().all(is_covered));
            kept.extend(private.map(|it| it.stream));
        }
        Ok(kept)
    }

    fn findings(&self, consent: &Consent, connection: &Connection, own: &str) -> Result<Vec<StreamId>, StoreError> {
        let of_flake = |id: &FlakeId| FILES.map(|file| finding_stream_of(own, Some(*id), Path::new(file)));
        let mut streams: Vec<StreamId> = self.covered.keys().flat_map(of_flake).collect();
        let path = Path::new(connection.path().unwrap_or_default());
        let (checked, directories): (Vec<_>, Vec<_>) =
            local::all_files(connection).named(path)?.into_iter().partition(FileRow::is_checked);
        // Of a flake that moved, the files are known by where it was until they are looked at again.
        let mut before: HashMap<FlakeId, Vec<&Path>> = HashMap::new();
        for row in &directories {
            let Some(flake) = row.flake else {
                // A lock without a flake has its problems by its path.
                let lock = row.path.join("flake.lock");
                streams.extend(self.cover_alone(consent, &lock).then(|| finding_stream_of(own, None, &lock)));
                continue;
            };
            before.entry(flake).or_default().push(&row.path);
        }
        for row in &checked {
            let Some(flake) = row.flake else {
                streams.extend(self.cover_alone(consent, &row.path).then(|| finding_stream_of(own, None, &row.path)));
                continue;
            };
            let Some(place) = self.covered.get(&flake) else { continue };
            let directories = before.get(&flake).into_iter().flatten().copied().chain([place.as_path()]);
            let inside = directories.filter_map(|directory| row.path.strip_prefix(directory).ok());
            let covered = inside.filter(|inside| consent.covers(&place.join(inside)));
            streams.extend(covered.map(|inside| finding_stream_of(own, Some(flake), inside)));
        }
        Ok(streams)
    }
}

fn marks(session: &Session, which: &Which, shared: bool) -> Result<Vec<LocalNote>, SyncError> {
    let reader = session.store.reader()?;
    let paths = named(&reader, which)?;
    let (known, directories) = (reader.roots()?, reader.root_directories()?);
    // Only private ones are sought: what is told of a shared one may be old. One that is private is to be found before another takes
    // its place.
    let was_shared = |path: &Path| known.iter().any(|root| root.shared && root.path == path);
    let is_told = |path: &Path| directories.iter().any(|(known, _)| known == path);
    let mut notes = Vec::new();
    for path in &paths {
        if was_shared(path) || !is_told(path) {
            notes.push(LocalNote::RootSeen { path: path.clone(), directory: directory_at(path) });
        }
    }
    notes.extend(paths.into_iter().map(|path| LocalNote::RootShared { path, shared }));
    Ok(notes)
}

fn named(reader: &Reader, which: &Which) -> Result<Vec<PathBuf>, SyncError> {
    let known: Vec<PathBuf> = reader.roots()?.into_iter().map(|root| root.path).collect();
    match which {
        Which::All => Ok(known),
        Which::Named(named) => named.iter().map(|path| find(&known, path)).collect(),
    }
}

fn find(known: &[PathBuf], path: &Path) -> Result<PathBuf, SyncError> {
    let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let found = known.iter().find(|root| **root == canonical || *root == path);
    found.cloned().ok_or_else(|| SyncError::UnknownRoot { path: path.to_owned() })
}

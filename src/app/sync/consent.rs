//! Consent: nothing leaves this machine before its user says which roots may be shared.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::Session;
use super::super::known::finding_stream_of;
use super::SyncError;
use crate::domain::id::FlakeId;
use crate::domain::stream::{Aggregate, StreamId};
pub use crate::store::outbox::Released;
use crate::store::view::{self, KnownFlakeRow};
use crate::store::{Append, FileRow, LocalNote, Reader, StoreError};

/// The files of a flake in which problems are found.
const FILES: [&str; 2] = ["flake.nix", "flake.lock"];

/// Which roots are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every root there is.
    All,
    /// These; none to take part without sharing anything.
    Named(Vec<PathBuf>),
}

/// Agrees to synchronise, and to share what is below the roots that are meant. Returns what was released by it.
///
/// # Errors
/// [`SyncError::UnknownRoot`] names a path that is no root; nothing is changed then.
pub fn enable(session: &Session, which: &Which) -> Result<Released, SyncError> {
    let released = share(session, which)?;
    session.store.set_sync_enabled(true)?;
    Ok(released)
}

/// Takes the consent to synchronise back. What was shared stays shared.
///
/// # Errors
/// When the ledger cannot be written.
pub fn disable(session: &Session) -> Result<(), SyncError> {
    Ok(session.store.set_sync_enabled(false)?)
}

/// Shares roots: every flake below them with its past, from its first event on.
///
/// # Errors
/// As [`enable`].
pub fn share(session: &Session, which: &Which) -> Result<Released, SyncError> {
    mark(session, which)?;
    Ok(release(session)?)
}

/// Keeps what is recorded below roots from now on; returns how many streams are private again.
///
/// # Errors
/// As [`enable`].
pub fn unshare(session: &Session, which: &Which) -> Result<usize, SyncError> {
    let reader = session.store.reader()?;
    let left = named(&reader, which)?;
    let notes = left.iter().map(|path| LocalNote::RootShared { path: path.clone(), shared: false }).collect();
    Ok(leave(session, &left, notes)?)
}

/// Keeps what is recorded below roots that are left, and notes why, at one moment: nothing slips out in between.
pub(in crate::app) fn leave(session: &Session, left: &[PathBuf], notes: Vec<LocalNote>) -> Result<usize, StoreError> {
    let reader = session.store.reader()?;
    // Read first: what is shared from here on was agreed to.
    let public = reader.public_streams()?;
    let mut agreed = Agreed::read(session, &reader)?;
    agreed.roots.retain(|root| !left.contains(root));
    let private = agreed.not_among(public)?;
    session.store.unshare(&private, notes)
}

/// Keeps what nobody agreed to share any more, as a flake that was carried from a shared root into another one.
pub(in crate::app) fn withdraw(session: &Session, moved: &HashMap<PathBuf, FlakeId>) -> Result<usize, StoreError> {
    let reader = session.store.reader()?;
    let public = reader.public_streams()?;
    if public.is_empty() {
        return Ok(0);
    }
    let agreed =
        Agreed { moved: moved.iter().map(|(to, id)| (*id, to.clone())).collect(), ..Agreed::read(session, &reader)? };
    let private = agreed.not_among(public)?;
    if private.is_empty() { Ok(0) } else { session.store.unshare(&private, Vec::new()) }
}

/// Shares the problems that were found below shared roots as well, from the first on, and those to come.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn share_findings(session: &Session) -> Result<Released, SyncError> {
    session.store.set_findings_shared(true)?;
    Ok(release(session)?)
}

/// Keeps the problems that are found from now on; returns how many streams are private again.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn unshare_findings(session: &Session) -> Result<usize, SyncError> {
    session.store.set_findings_shared(false)?;
    Ok(withdraw(session, &HashMap::new())?)
}

/// Shares the generations of this machine's profiles and its channels as well, from the first on, and those to come.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn share_system(session: &Session) -> Result<Released, SyncError> {
    session.store.set_system_shared(true)?;
    Ok(release(session)?)
}

/// Keeps the generations and channels to come; returns how many streams are private again.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn unshare_system(session: &Session) -> Result<usize, SyncError> {
    session.store.set_system_shared(false)?;
    Ok(withdraw(session, &HashMap::new())?)
}

/// Lets into the outbox what is below shared roots and is not in it yet: flakes that were found since.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn release(session: &Session) -> Result<Released, StoreError> {
    let reader = session.store.reader()?;
    let mut streams = Agreed::read(session, &reader)?.streams()?;
    let private = reader.private_streams()?;
    streams.retain(|stream| private.contains(&stream.to_string()));
    if streams.is_empty() { Ok(Released { streams: 0, events: 0 }) } else { session.store.share(&streams) }
}

/// What the user agreed to share.
struct Agreed<'a> {
    session: &'a Session,
    reader: &'a Reader,
    /// The shared roots.
    roots: Vec<PathBuf>,
    /// Where flakes are by now, if that is not recorded yet.
    moved: HashMap<FlakeId, PathBuf>,
}

impl<'a> Agreed<'a> {
    fn read(session: &'a Session, reader: &'a Reader) -> Result<Self, StoreError> {
        let roots = reader.roots()?.into_iter().filter(|root| root.shared).map(|root| root.path).collect();
        Ok(Self { session, reader, roots, moved: HashMap::new() })
    }

    /// Those of some streams that are not meant. What the ledger says of itself is nobody's root's.
    fn not_among(&self, public: HashSet<String>) -> Result<Vec<StreamId>, StoreError> {
        let agreed: HashSet<String> = self.streams()?.iter().map(StreamId::to_string).collect();
        let left = public.into_iter().filter(|stream| !agreed.contains(stream));
        Ok(left
            .filter_map(|stream| stream.parse().ok())
            .filter(|id: &StreamId| id.aggregate() != Aggregate::Ledger)
            .collect())
    }

    /// The streams of all that is below a shared root: flakes, and what they and files without one hold; those of findings
    /// only when that was asked for. Those of the machine itself likewise.
    fn streams(&self) -> Result<Vec<StreamId>, StoreError> {
        let mut streams = if self.roots.is_empty() { Vec::new() } else { self.below_roots()? };
        if self.reader.is_system_shared()? {
            streams.extend(view::system_streams(self.reader)?);
        }
        Ok(streams)
    }

    fn is_below(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn below_roots(&self) -> Result<Vec<StreamId>, StoreError> {
        let own = &self.session.store.origin().public_key;
        let place =
            |flake: &KnownFlakeRow| self.moved.get(&flake.id).cloned().unwrap_or_else(|| flake.directory.to_path());
        let flakes = view::known_flakes(self.reader)?;
        let shared: Vec<_> =
            flakes.into_iter().filter(|flake| flake.origin == *own && self.is_below(&place(flake))).collect();
        let mut streams: Vec<StreamId> =
            shared.iter().flat_map(|flake| [StreamId::flake(flake.id), StreamId::lock_history(flake.id)]).collect();
        let held = view::held_streams(self.reader)?.into_iter().filter(|held| match held.flake {
            Some(id) => shared.iter().any(|flake| flake.id == id),
            None => self.is_below(&held.path.to_path()),
        });
        streams.extend(held.map(|held| held.stream));
        if self.reader.are_findings_shared()? {
            streams.extend(self.findings(&shared)?);
        }
        Ok(streams)
    }

    fn findings(&self, shared: &[KnownFlakeRow]) -> Result<Vec<StreamId>, StoreError> {
        let own = &self.session.store.origin().public_key;
        let found = |flake, file: &Path| finding_stream_of(own, flake, file);
        let of_flake = |flake: &KnownFlakeRow| FILES.map(|file| found(Some(flake.id), Path::new(file)));
        let mut streams: Vec<StreamId> = shared.iter().flat_map(of_flake).collect();
        // A lock without a flake has its problems by its path.
        let files = self.reader.all_files()?.into_iter().filter(|row| self.is_below(&row.path));
        let (checked, directories): (Vec<_>, Vec<_>) = files.partition(FileRow::is_checked);
        let alone = directories.into_iter().filter(|row| row.flake.is_none());
        streams.extend(alone.map(|row| found(None, &row.path.join("flake.lock"))));
        streams.extend(checked.into_iter().map(|row| {
            let flake = shared.iter().find(|flake| Some(flake.id) == row.flake);
            let inside =
                flake.and_then(|flake| row.path.strip_prefix(flake.directory.to_path()).ok().map(Path::to_owned));
            found(flake.map(|flake| flake.id), &inside.unwrap_or_else(|| row.path.clone()))
        }));
        Ok(streams)
    }
}

fn mark(session: &Session, which: &Which) -> Result<(), SyncError> {
    let paths = named(&session.store.reader()?, which)?;
    if paths.is_empty() {
        return Ok(());
    }
    let notes = paths.into_iter().map(|path| LocalNote::RootShared { path, shared: true }).collect();
    let command = session.command("share_roots");
    session.store.append(Append { command, received_at: session.clock.now(), writes: Vec::new(), notes })?;
    Ok(())
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

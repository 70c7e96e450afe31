//! Consent: nothing leaves this machine before its user says which roots may be shared.

use std::path::{Path, PathBuf};

use super::super::Session;
use super::super::known::finding_stream_of;
use super::SyncError;
use crate::domain::stream::{Aggregate, StreamId};
pub use crate::store::outbox::Released;
use crate::store::view;
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
    mark(session, which, true)?;
    Ok(release(session)?)
}

/// Keeps what is recorded below roots from now on; returns how many streams are private again.
///
/// # Errors
/// As [`enable`].
pub fn unshare(session: &Session, which: &Which) -> Result<usize, SyncError> {
    let before = shared_streams(session)?;
    mark(session, which, false)?;
    let still = shared_streams(session)?;
    let private: Vec<StreamId> = before.into_iter().filter(|stream| !still.contains(stream)).collect();
    Ok(session.store.unshare(&private)?)
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
    let before = shared_streams(session)?;
    session.store.set_findings_shared(false)?;
    let private: Vec<StreamId> = before.into_iter().filter(|stream| stream.aggregate() == Aggregate::Finding).collect();
    Ok(session.store.unshare(&private)?)
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
    let before = shared_streams(session)?;
    session.store.set_system_shared(false)?;
    let still = shared_streams(session)?;
    let private: Vec<StreamId> = before.into_iter().filter(|stream| !still.contains(stream)).collect();
    Ok(session.store.unshare(&private)?)
}

/// Lets into the outbox what is below shared roots and is not in it yet: flakes that were found since.
///
/// # Errors
/// When the ledger cannot be read or written.
pub fn release(session: &Session) -> Result<Released, StoreError> {
    let mut streams = shared_streams(session)?;
    let private = session.store.reader()?.private_streams()?;
    streams.retain(|stream| private.contains(&stream.to_string()));
    if streams.is_empty() { Ok(Released { streams: 0, events: 0 }) } else { session.store.share(&streams) }
}

/// The streams of all that is below a shared root: flakes, and what they and files without one hold; those of findings
/// only when that was asked for. Those of the machine itself likewise.
fn shared_streams(session: &Session) -> Result<Vec<StreamId>, StoreError> {
    let reader = session.store.reader()?;
    let mut streams = below_roots(session, &reader)?;
    if reader.is_system_shared()? {
        streams.extend(view::system_streams(&reader)?);
    }
    Ok(streams)
}

fn below_roots(session: &Session, reader: &Reader) -> Result<Vec<StreamId>, StoreError> {
    let roots = shared_roots(reader)?;
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let own = &session.store.origin().public_key;
    let flakes = view::known_flakes(reader)?;
    let below = |directory: &Path| roots.iter().any(|root| directory.starts_with(root));
    let shared: Vec<_> =
        flakes.into_iter().filter(|flake| flake.origin == *own && below(&flake.directory.to_path())).collect();
    let mut streams: Vec<StreamId> =
        shared.iter().flat_map(|flake| [StreamId::flake(flake.id), StreamId::lock_history(flake.id)]).collect();
    let held = view::held_streams(reader)?.into_iter().filter(|held| match held.flake {
        Some(id) => shared.iter().any(|flake| flake.id == id),
        None => below(&held.path.to_path()),
    });
    streams.extend(held.map(|held| held.stream));
    if reader.are_findings_shared()? {
        let found = |flake, file: &str| finding_stream_of(own, flake, Path::new(file));
        streams.extend(shared.iter().flat_map(|flake| FILES.map(|file| found(Some(flake.id), file))));
        // A lock without a flake has its problems by its path.
        let files = reader.all_files()?.into_iter().filter(|row| below(&row.path));
        let (checked, directories): (Vec<_>, Vec<_>) = files.partition(FileRow::is_checked);
        let alone = directories.into_iter().filter(|row| row.flake.is_none());
        streams.extend(alone.map(|row| finding_stream_of(own, None, &row.path.join("flake.lock"))));
        streams.extend(checked.into_iter().map(|row| {
            let flake = shared.iter().find(|flake| Some(flake.id) == row.flake);
            let inside =
                flake.and_then(|flake| row.path.strip_prefix(flake.directory.to_path()).ok().map(Path::to_owned));
            finding_stream_of(own, flake.map(|flake| flake.id), &inside.unwrap_or_else(|| row.path.clone()))
        }));
    }
    Ok(streams)
}

fn shared_roots(reader: &Reader) -> Result<Vec<PathBuf>, StoreError> {
    Ok(reader.roots()?.into_iter().filter(|root| root.shared).map(|root| root.path).collect())
}

fn mark(session: &Session, which: &Which, shared: bool) -> Result<(), SyncError> {
    let known: Vec<PathBuf> = session.store.reader()?.roots()?.into_iter().map(|root| root.path).collect();
    let paths = match which {
        Which::All => known,
        Which::Named(named) => named.iter().map(|path| find(&known, path)).collect::<Result<_, _>>()?,
    };
    if paths.is_empty() {
        return Ok(());
    }
    let notes = paths.into_iter().map(|path| LocalNote::RootShared { path, shared }).collect();
    let command = session.command(if shared { "share_roots" } else { "unshare_roots" });
    session.store.append(Append { command, received_at: session.clock.now(), writes: Vec::new(), notes })?;
    Ok(())
}

fn find(known: &[PathBuf], path: &Path) -> Result<PathBuf, SyncError> {
    let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let found = known.iter().find(|root| **root == canonical || *root == path);
    found.cloned().ok_or_else(|| SyncError::UnknownRoot { path: path.to_owned() })
}

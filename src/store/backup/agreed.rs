//! What a restored ledger may share: what its user had agreed to when the backup was taken, without what was withdrawn since,
//! as far as the ledger tells that was there.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::store::local::{self, Directory, LocalNote, Places, RootRow, forgotten_root};
use crate::store::outbox;
use crate::store::remote::{self, Agreement};

/// What a user agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Beside the roots.
    pub to: Vec<Agreement>,
    /// The roots that are shared.
    pub roots: Vec<PathBuf>,
}

impl Agreed {
    /// Whether that is nothing.
    pub const fn is_empty(&self) -> bool {
        self.to.is_empty() && self.roots.is_empty()
    }
}

/// What a ledger says of consent.
struct Consent {
    places: Places,
    roots: Vec<RootRow>,
    forgotten: Vec<(PathBuf, i64)>,
    /// Which directories the roots are; nothing in a ledger of a release that did not tell.
    directories: Vec<(PathBuf, Directory)>,
    to: Vec<Agreement>,
}

impl Consent {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut to = Vec::new();
        for agreement in Agreement::ALL {
            if remote::has_agreed(connection, agreement)? {
                to.push(agreement);
            }
        }
        let (roots, forgotten) = (local::roots(connection)?, local::forgotten(connection)?);
        let directories = local::root_directories(connection).unwrap_or_default();
        Ok(Self { places: Places::read(connection)?, roots, forgotten, directories, to })
    }

    /// The note of which directory a root is.
    fn seen(&self, root: &std::path::Path) -> Option<LocalNote> {
        let (path, directory) = self.directories.iter().find(|(path, _)| path == root)?;
        Some(LocalNote::RootSeen { path: path.clone(), directory: Some(*directory) })
    }

    fn has_root(&self, path: &std::path::Path) -> bool {
        self.roots.iter().any(|root| root.path == path)
    }
}

/// What is agreed to by a ledger.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Agreed> {
    let Consent { roots, to, .. } = Consent::read(connection)?;
    let shared = roots.into_iter().filter(|root| root.shared);
    Ok(Agreed { to, roots: shared.map(|root| root.path).collect() })
}

/// Takes back in a copy what a ledger that was there does not agree to any more; returns what that is, or nothing when the
/// ledger does not tell.
pub(super) fn narrow(copy: &Connection, there: &Connection) -> rusqlite::Result<Option<Agreed>> {
    let (then, now) = (Consent::read(copy)?, Consent::read(there));
    let now = match now {
        Ok(now) => now,
        Err(error) => {
            tracing::warn!(%error, "what was agreed to in the ledger that was there cannot be read");
            return Ok(None);
        }
    };
    let (mut withdrawn, mut notes) = (Agreed::default(), Vec::new());
    for root in then.roots.iter().filter(|root| root.shared && !now.places.covers(&root.path)) {
        withdrawn.roots.push(root.path.clone());
        notes.push(LocalNote::RootShared { path: root.path.clone(), shared: false });
    }
    // What was made a root since, or was one, in what the copy shares.
    let is_kept = |path: &std::path::Path| then.places.covers(path) && !now.places.covers(path) && !then.has_root(path);
    for root in now.roots.iter().filter(|root| is_kept(&root.path)) {
        withdrawn.roots.push(root.path.clone());
        notes.push(LocalNote::RootAdded { path: root.path.clone(), at: root.added_at });
        notes.extend(now.seen(&root.path));
    }
    for (path, at) in &now.forgotten {
        if let Some(root) = forgotten_root(path).filter(|root| is_kept(root)) {
            withdrawn.roots.push(root.to_owned());
            notes.push(LocalNote::Forget { path: path.clone(), at: *at });
            notes.extend(now.seen(root));
        }
    }
    withdrawn.to = then.to.into_iter().filter(|to| !now.to.contains(to)).collect();
    notes.extend(withdrawn.to.iter().map(|to| LocalNote::Agreed { to: *to, agreed: false }));
    withdrawn.roots.sort();
    if local::root_directories(copy).is_err() {
        notes.retain(|note| !matches!(note, LocalNote::RootSeen { .. }));
    }
    let all = copy.unchecked_transaction()?;
    for note in &notes {
        local::apply(copy, note)?;
    }
    if !withdrawn.is_empty() {
        // Before anything is recorded in it, a stream is private; whoever follows consent next shares what is covered still.
        outbox::withdraw_all(copy)?;
    }
    all.commit()?;
    Ok(Some(withdrawn))
}

//! The lock beside an edited flake: Nix alone writes it, where there is one.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{EditFailure, Unrecorded, Writing, diff, file_directory, flake_nix, recorder, text_of};
use crate::app::observe;
use crate::app::scan::look_at;
use crate::nix::{Nix, NixError};
use crate::scan::{DEFAULT_LIMIT, read_text};
use crate::syntax::edit::EditError;
use crate::syntax::lock::LockFile;
use crate::syntax::{Attrs, flake, graph, lock as lock_file};

/// How long Nix may fetch.
const PATIENCE: Duration = Duration::from_mins(15);

/// What becomes of the lock after an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// Nix brings it up to date, where there is one.
    WhereNixIs,
    /// It is left alone.
    Never,
}

/// What the lock says of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nothing changed that a lock would have to say.
    Untouched,
    /// It says what the flake asks for: Nix brought it up to date, or it does so already.
    Fresh,
    /// It does not say it yet, with why.
    Stale {
        /// Why, in a few words.
        why: String,
    },
}

/// What became of one locked input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockChange {
    /// Its path, as in `home-manager/nixpkgs`.
    pub input: String,
    /// What was locked before.
    pub from: Option<Attrs>,
    /// What is locked now.
    pub to: Option<Attrs>,
}

/// What an update did, or would do.
#[derive(Debug)]
pub struct Updated {
    /// The lock.
    pub path: PathBuf,
    /// What is locked otherwise than before.
    pub changes: Vec<LockChange>,
    /// The text before and after.
    texts: (String, String),
    /// How many events were recorded.
    pub events: u64,
    /// Why nothing was.
    pub unrecorded: Option<Unrecorded>,
}

impl Updated {
    /// The change as a diff, for people and for `patch` in a directory.
    pub fn diff(&self, directory: &Path) -> String {
        diff(&self.path, directory, &self.texts.0, &self.texts.1)
    }
}

/// Brings the lock up to an edit that was made. A Nix that fails leaves the edit as it is.
pub(super) fn after_an_edit(directory: &Path, nix: &str, locking: Locking, search: Option<&OsStr>) -> LockState {
    let locked = match locking {
        Locking::Never => Err("it was left alone".to_owned()),
        Locking::WhereNixIs => {
            Nix::find(search).and_then(|nix| nix.lock(directory, PATIENCE)).map_err(|error| with_causes(&error))
        }
    };
    let agrees = || lock_text(&directory.join("flake.lock")).is_ok_and(|lock| observe::is_locked(nix, &lock));
    match locked {
        Ok(()) => LockState::Fresh,
        // An edit may be one that the lock has nothing to say about, or that takes back another.
        Err(_) if agrees() => LockState::Fresh,
        Err(why) => LockState::Stale { why },
    }
}

/// Has Nix take the newest of some inputs, or of all, and has the change observed.
pub fn update(flake: &Path, inputs: &[String], writing: &Writing<'_>) -> Result<Updated, EditFailure> {
    let path = flake_nix(flake)?;
    let (directory, nix) = prepare(&path, inputs, writing)?;
    let lock = directory.join("flake.lock");
    let before = lock_text(&lock)?;
    let (recorder, unrecorded) = recorder(writing.session, &path, writing.scan)?;
    let result = nix.update(&directory, inputs, PATIENCE);
    let after = lock_text(&lock)?;
    let mut updated = updated(lock, before, after, unrecorded);
    if let Some(session) = recorder {
        let lost = |source| EditFailure::NotRecorded { path: updated.path.clone(), source: Box::new(source) };
        let report = look_at(session, &directory, writing.scan, session.command("update_inputs")).map_err(lost)?;
        updated.events = report.events;
    }
    result?;
    Ok(updated)
}

/// Has Nix say what [`update`] would do; the lock stays as it is.
pub fn plan_update(
    flake: &Path,
    inputs: &[String],
    writing: &Writing<'_>,
    id: uuid::Uuid,
) -> Result<Updated, EditFailure> {
    let (directory, nix) = prepare(&flake_nix(flake)?, inputs, writing)?;
    let lock = directory.join("flake.lock");
    let folder = std::env::temp_dir().join(format!("cim-nix-{id}"));
    let failed = |source| EditFailure::System { path: folder.clone(), source };
    DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
    let elsewhere = folder.join("flake.lock");
    let result = nix.update_into(&directory, inputs, &elsewhere, PATIENCE);
    let before = lock_text(&lock)?;
    let after = if elsewhere.exists() { lock_text(&elsewhere) } else { Ok(before.clone()) };
    std::fs::remove_dir_all(&folder).map_err(failed)?;
    result?;
    Ok(updated(lock, before, after?, None))
}

/// The flake's directory and a Nix, once it is clear that the inputs are there.
fn prepare(path: &Path, inputs: &[String], writing: &Writing<'_>) -> Result<(PathBuf, Nix), EditFailure> {
    let file = flake::read(&text_of(path)?);
    let known = |name: &str| file.inputs.iter().any(|input| input.name == name);
    if let Some(name) = inputs.iter().find(|path| !path.split('/').next().is_some_and(known)) {
        let known = file.inputs.iter().map(|input| input.name.clone()).collect();
        let why = EditError::NoInput { name: name.clone(), known };
        return Err(EditFailure::Plan { path: path.to_owned(), why });
    }
    Ok((file_directory(path), Nix::find(writing.search.as_deref())?))
}

fn lock_text(path: &Path) -> Result<String, EditFailure> {
    if path.exists() { Ok(read_text(path, DEFAULT_LIMIT)?.text) } else { Ok(String::new()) }
}

fn updated(path: PathBuf, before: String, after: String, unrecorded: Option<Unrecorded>) -> Updated {
    let read = |text: &str| (!text.is_empty()).then(|| lock_file::read(text));
    let changes = changes(read(&before).as_ref(), read(&after).as_ref());
    Updated { path, changes, texts: (before, after), events: 0, unrecorded }
}

fn changes(before: Option<&LockFile>, after: Option<&LockFile>) -> Vec<LockChange> {
    let change = |change: graph::PathChange| LockChange { input: change.input, from: change.from, to: change.to };
    graph::changes(before, after).into_iter().map(change).collect()
}

fn with_causes(error: &NixError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

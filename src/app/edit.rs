//! Edits of a user's `flake.nix`: planned, shown, written when nobody changed it meanwhile, and observed like any other
//! change, which is how they get into the ledger. Knows no face; what is written here was asked for by name.

mod fresh;
mod lock;
mod moved;
mod undo;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::domain::message::MessageIdentity;
use crate::scan::{DEFAULT_LIMIT, ReadError, read_text};
use crate::store::file;
use crate::store::local::edits;
use crate::store::{Append, Command, EditRow, LocalNote, StoreError, Undo};
use crate::syntax::dedupe;
use crate::syntax::edit::{self as syntax, EditError, Note};
use crate::syntax::flake_ref::{FlakeRef, FlakeRefError};
use crate::syntax::lock as lock_file;

use super::explain::{Verdict, explain};
use super::scan::{ScanRequest, look_at};
use super::{AppError, Session};

pub use crate::nix::NixError;
pub use crate::store::file::WriteError;
pub use crate::syntax::dedupe::{Proposal, Version};
pub use crate::syntax::edit::{Edit, Operation};
pub(super) use fresh::new_flake_in;
pub use fresh::{NewFlake, new_flake, plan_new_flake};
pub use lock::{LockChange, LockState, Locking, Updated, plan_update, update};
pub use undo::{Taking, Wanted, undo};

/// What commands that edit are called in the ledger.
const NAMES: &[&str] = &["add_input", "remove_input", "set_url", "follow", "unfollow", "dedupe", "fix", "undo"];

/// A change of one file that is planned and not made.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The `flake.nix`, as a scan comes by it.
    pub path: PathBuf,
    /// What the command is called in the ledger.
    pub name: &'static str,
    /// The text that is there.
    pub old: String,
    /// The text that is to be there.
    pub new: String,
    /// The changes, as ranges of the old text.
    pub edits: Vec<Edit>,
    /// What the user should know.
    pub notes: Vec<Note>,
    /// The command that this takes back.
    pub undoes: Option<Uuid>,
}

/// What became of a draft.
#[derive(Debug)]
pub struct Done {
    /// The command; `undo` takes it by this name. None when nothing was recorded.
    pub command: Option<Uuid>,
    /// How many events were recorded.
    pub events: u64,
    /// Why nothing was.
    pub unrecorded: Option<Unrecorded>,
    /// Whether it was recorded and cannot be taken back, as what it replaced holds a secret, or what may be one, and is not kept.
    pub for_good: bool,
    /// What the lock says of it.
    pub lock: LockState,
}

/// Why an edit is not in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrecorded {
    /// There is no ledger yet.
    NoLedger,
    /// No scan comes by: it lies outside all roots, or a rule leaves it out.
    NotScanned,
    /// The user told the ledger to forget this flake.
    Forgotten,
}

/// Why a flake was not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditFailure {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is none.
    #[error("there is no flake.nix in `{}`; name its directory with `--flake`, or make one with `cim-nix flake new`", directory.display())]
    NoFlake {
        /// The directory.
        directory: PathBuf,
    },
    /// It is not text.
    #[error("`{}` is not UTF-8, so it is not edited; save it as UTF-8 first", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be done to this text.
    #[error("`{}`: {why}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        why: EditError,
    },
    /// What was to be written is no flake reference.
    #[error(transparent)]
    Reference(#[from] FlakeRefError),
    /// The file was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file was written and the ledger does not know of it.
    #[error("`{}` was written, but not recorded; `cim-nix scan` records it", path.display())]
    NotRecorded {
        /// The file.
        path: PathBuf,
        /// What the ledger said.
        source: Box<AppError>,
    },
    /// The lock is missing or cannot be read, and it is what was to be looked at.
    #[error("there is no flake.lock in `{}`; `nix flake lock` makes one", directory.display())]
    NoLock {
        /// The directory.
        directory: PathBuf,
    },
    /// No edit can be taken back.
    #[error("there is no edit to take back: texts are kept for 90 days, in the ledger that recorded the edit")]
    NothingToUndo,
    /// No edit of this flake can be taken back; one of another can.
    #[error("no edit of this flake can be taken back; `cim-nix undo {command}` takes back the last elsewhere, that of `{}`", path.display())]
    NothingHere {
        /// The file elsewhere.
        path: PathBuf,
        /// Its edit.
        command: Uuid,
    },
    /// No such edit is known.
    #[error("no edit `{command}` is known; `cim-nix log` shows the commands as causes of their events")]
    NoSuchEdit {
        /// What was named.
        command: Uuid,
    },
    /// The file is gone.
    #[error("`{}`, which the edit `{command}` changed, is not there any more; run `cim-nix scan` where its flake was moved", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
        /// The edit.
        command: Uuid,
    },
    /// The file is not what the edit left.
    #[error("`{}` was changed after the edit `{command}`; take that change back first, or edit by hand", path.display())]
    ChangedSince {
        /// The file.
        path: PathBuf,
        /// The edit.
        command: Uuid,
        /// The edit before it that can be taken back, where the last one was asked for.
        before: Option<Uuid>,
    },
    /// The file is what it was before the edit.
    #[error("the edit `{command}` of `{}` is taken back already; name the command of another one", path.display())]
    AlreadyBack {
        /// The file.
        path: PathBuf,
        /// The edit.
        command: Uuid,
    },
    /// What the edit replaced is not kept.
    #[error("the edit `{command}` of `{}` cannot be taken back: {why}; edit by hand", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// The edit.
        command: Uuid,
        /// Why.
        why: &'static str,
        /// The edit before it that can be taken back, where the last one was asked for.
        before: Option<Uuid>,
    },
    /// `nix` was needed and did not do it.
    #[error(transparent)]
    Nix(#[from] NixError),
    /// The system refused something beside the flake.
    #[error("cannot use `{}`", path.display())]
    System {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Anything else.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<StoreError> for EditFailure {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// How a draft is written.
#[derive(Debug)]
pub struct Writing<'a> {
    /// The ledger, when there is one.
    pub session: Option<&'a Session>,
    /// How scans are done here.
    pub scan: &'a ScanRequest,
    /// What becomes of the lock.
    pub locking: Locking,
    /// Where programs are looked for.
    pub search: Option<OsString>,
}

/// The name of a command that edits, as it was stored.
pub(super) fn name(stored: &str) -> &'static str {
    NAMES.iter().find(|name| **name == stored).copied().unwrap_or("edit")
}

/// Plans operations, one after the other, on the flake in a directory; nothing is written.
pub fn draft(flake: &Path, name: &'static str, operations: &[Operation]) -> Result<Draft, EditFailure> {
    let path = flake_nix(flake)?;
    operations.iter().try_for_each(check_reference)?;
    let old = text_of(&path)?;
    let mut draft = Draft { path, name, new: old.clone(), old, edits: Vec::new(), notes: Vec::new(), undoes: None };
    for operation in operations {
        let plan =
            syntax::plan(&draft.new, operation).map_err(|why| EditFailure::Plan { path: draft.path.clone(), why })?;
        draft.new = plan.text;
        draft.notes.extend(plan.notes);
        draft.edits = plan.edits;
    }
    if operations.len() > 1 {
        draft.edits = between(&draft.old, &draft.new);
    }
    Ok(draft)
}

/// What would leave one copy of what the lock of a flake holds more than once; `all` with what changes branches.
pub fn proposals(flake: &Path, all: bool) -> Result<Vec<Proposal>, EditFailure> {
    let path = flake_nix(flake)?;
    let directory = file_directory(&path);
    let lock = directory.join("flake.lock");
    if !lock.exists() {
        return Err(EditFailure::NoLock { directory });
    }
    Ok(dedupe::propose(&lock_file::read(&read_text(&lock, DEFAULT_LIMIT)?.text), all))
}

/// The operations that do what was proposed.
pub fn follow_all(proposals: &[Proposal]) -> Vec<Operation> {
    let follow =
        |proposal: &Proposal| Operation::Follow { path: proposal.path.clone(), target: proposal.target.clone() };
    proposals.iter().map(follow).collect()
}

impl Draft {
    /// Whether there is anything to write.
    pub fn is_empty(&self) -> bool {
        self.old == self.new
    }

    /// The change as a diff, for people and for `patch` in a directory.
    pub fn diff(&self, directory: &Path) -> String {
        diff(&self.path, directory, &self.old, &self.new)
    }
}

impl EditFailure {
    /// Says which edit before it can be taken back instead.
    fn with_before(mut self, other: Option<Uuid>) -> Self {
        if let Self::ChangedSince { before, .. } | Self::NotKept { before, .. } = &mut self {
            *before = other;
        }
        self
    }
}

/// What changes between two texts of a file, with three lines around it; named as it is found from a directory.
pub fn diff(path: &Path, directory: &Path, old: &str, new: &str) -> String {
    let name = from_here(path, directory).to_string_lossy().into_owned();
    let side = |side: &str| {
        let name = format!("{side}/{}", name.trim_start_matches('/'));
        // As git does; a line end would end the header.
        if name.contains(char::is_control) { format!("{name:?}") } else { name }
    };
    let diff = similar::TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(3).header(&side("a"), &side("b")).to_string()
}

/// A path as people write it in a directory: below it without its name.
pub fn from_here(path: &Path, directory: &Path) -> PathBuf {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    match path.strip_prefix(&directory) {
        Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
        _ => path.to_owned(),
    }
}

/// Writes a draft, brings the lock up to it where that is possible, and has the change observed.
///
/// # Errors
/// [`EditFailure`]; but for [`EditFailure::NotRecorded`], the file is as it was.
pub fn write(draft: &Draft, writing: &Writing<'_>) -> Result<Done, EditFailure> {
    write_by(draft, writing, None)
}

/// The same, as the command of somebody: its events belong to that conversation.
pub(super) fn write_as(draft: &Draft, writing: &Writing<'_>, command: &Command) -> Result<Done, EditFailure> {
    write_by(draft, writing, Some(command))
}

/// Whether a command left its note before whoever did it was stopped; then what it wrote is observed. A note of what was never
/// written goes.
pub(super) fn resume(session: &Session, command: &Command, scan: &ScanRequest) -> Result<bool, EditFailure> {
    let Some(edit) = session.store.reader()?.edit(command.id)? else { return Ok(false) };
    let is_as_before = text_of(&edit.path).is_ok_and(|text| *blake3::hash(text.as_bytes()).as_bytes() == edit.before);
    if !edit.seen && is_as_before {
        keep(session, vec![LocalNote::EditDropped { command: edit.command }])?;
        return Ok(false);
    }
    look_at(session, &file_directory(&edit.path), scan, caused_by(session, &edit.identity(), Some(command)))?;
    Ok(true)
}

/// The scan that an edit brings about, in the name of whoever asked for it.
fn caused_by(session: &Session, edit: &MessageIdentity, command: Option<&Command>) -> Command {
    let scan = session.caused("scan", edit);
    match command {
        Some(command) => Command { actor: command.actor.clone(), ..scan },
        None => scan,
    }
}

fn write_by(draft: &Draft, writing: &Writing<'_>, command: Option<&Command>) -> Result<Done, EditFailure> {
    let directory = file_directory(&draft.path);
    if draft.is_empty() {
        return Ok(Done { command: None, events: 0, unrecorded: None, for_good: false, lock: LockState::Untouched });
    }
    let (recorder, unrecorded) = recorder(writing.session, &draft.path, writing.scan)?;
    let note = recorder.map(|session| leave_note(session, draft, command)).transpose()?;
    let before = *blake3::hash(draft.old.as_bytes()).as_bytes();
    if let Err(error) = file::replace(&draft.path, &before, draft.new.as_bytes()) {
        if let (Some(session), Some(note)) = (recorder, &note) {
            // Why nothing was written is what matters; a note of what never was is passed over later.
            keep(session, vec![LocalNote::EditDropped { command: note.command }]).unwrap_or_default();
        }
        return Err(error.into());
    }
    let lock = match draft.path.file_name() {
        Some(name) if name == "flake.nix" => {
            lock::after_an_edit(&directory, &draft.new, writing.locking, writing.search.as_deref())
        }
        _ => LockState::Untouched,
    };
    let mut events = 0;
    if let (Some(session), Some(note)) = (recorder, &note) {
        let report = look_at(session, &directory, writing.scan, caused_by(session, &note.identity(), command));
        let lost = |source| EditFailure::NotRecorded { path: draft.path.clone(), source: Box::new(source) };
        events = report.map_err(lost)?.events;
    }
    let for_good = note.as_ref().is_some_and(is_for_good);
    Ok(Done { command: note.map(|note| note.command), events, unrecorded, for_good, lock })
}

/// Says in the ledger what is about to be written, so that whoever sees it first knows whose doing it is.
fn leave_note(session: &Session, draft: &Draft, command: Option<&Command>) -> Result<EditRow, AppError> {
    let identity = command.map_or_else(|| session.command(draft.name).identity, |command| command.identity);
    let texts = (draft.old.as_str(), draft.new.as_str());
    let note = EditRow { undoes: draft.undoes, ..note(session, draft.name, &identity, &draft.path, texts) };
    let left = vec![LocalNote::EditLeft(Box::new(note.clone()))];
    // Somebody else's edit is theirs whoever sees it first: a command with a result is remembered.
    match command {
        Some(command) => {
            let (actor, result) = (command.actor.clone(), serde_json::json!({ "edit": note.command }));
            keep_as(session, left, Command { actor, result, ..session.caused(edits::NOTE, &identity) })?;
        }
        None => keep(session, left)?,
    }
    Ok(note)
}

/// The note of one edit, of the old text and the new, by a command.
pub(super) fn note(
    session: &Session,
    name: &str,
    identity: &MessageIdentity,
    path: &Path,
    (old, new): (&str, &str),
) -> EditRow {
    EditRow {
        command: identity.message_id.uuid(),
        name: name.to_owned(),
        correlation: identity.correlation_id.uuid(),
        path: path.to_owned(),
        before: *blake3::hash(old.as_bytes()).as_bytes(),
        after: *blake3::hash(new.as_bytes()).as_bytes(),
        undo: Undo::of(old, new, between(new, old)),
        at: session.clock.now(),
        undoes: None,
        seen: false,
    }
}

/// Whether nothing is kept that would take an edit back.
pub(super) fn is_for_good(note: &EditRow) -> bool {
    note.undo == Undo::Secret
}

/// Keeps notes. The command that does so is not remembered: theirs will be those of the events.
pub(super) fn keep(session: &Session, notes: Vec<LocalNote>) -> Result<(), AppError> {
    if notes.is_empty() {
        return Ok(());
    }
    keep_as(session, notes, session.command(edits::NOTE))
}

fn keep_as(session: &Session, notes: Vec<LocalNote>, command: Command) -> Result<(), AppError> {
    let received_at = session.clock.now();
    session.store.append(Append { command, received_at, writes: Vec::new(), notes })?;
    Ok(())
}

/// The ledger that is to know of a file, or why none is.
fn recorder<'s>(
    session: Option<&'s Session>,
    path: &Path,
    scan: &ScanRequest,
) -> Result<(Option<&'s Session>, Option<Unrecorded>), AppError> {
    let Some(session) = session else { return Ok((None, Some(Unrecorded::NoLedger))) };
    let reader = session.store.reader()?;
    let roots: Vec<PathBuf> = reader.roots()?.into_iter().map(|root| root.path).collect();
    if reader.forgotten()?.iter().any(|(directory, _)| *directory == file_directory(path)) {
        return Ok((None, Some(Unrecorded::Forgotten)));
    }
    match explain(path, &roots, &scan.excludes)?.verdict {
        Verdict::Seen => Ok((Some(session), None)),
        Verdict::Skipped { .. } => Ok((None, Some(Unrecorded::NotScanned))),
    }
}

/// The `flake.nix` that a path means: its directory is canonical, the file itself may be a link.
fn flake_nix(path: &Path) -> Result<PathBuf, EditFailure> {
    let is_file = path.file_name().is_some_and(|name| name == "flake.nix") && !path.is_dir();
    let directory = if is_file { file_directory(path) } else { path.to_owned() };
    let canonical = directory.canonicalize().map_err(|source| AppError::Path { path: directory.clone(), source })?;
    if !canonical.is_dir() {
        return Err(AppError::NotADirectory { path: directory }.into());
    }
    let flake = canonical.join("flake.nix");
    if flake.symlink_metadata().is_err() {
        return Err(EditFailure::NoFlake { directory: canonical });
    }
    Ok(flake)
}

fn file_directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn text_of(path: &Path) -> Result<String, EditFailure> {
    let file = read_text(path, DEFAULT_LIMIT)?;
    if file.lossy { Err(EditFailure::NotText { path: path.to_owned() }) } else { Ok(file.text) }
}

/// What is written as a URL must be one that Nix takes.
fn check_reference(operation: &Operation) -> Result<(), FlakeRefError> {
    match operation {
        Operation::AddInput { url, .. } | Operation::SetUrl { url, .. } => FlakeRef::parse_written(url).map(drop),
        _ => Ok(()),
    }
}

/// The changes between two texts, line by line.
fn between(old: &str, new: &str) -> Vec<Edit> {
    let diff = similar::TextDiff::from_lines(old, new);
    let (mut at, mut edits) = (0, Vec::<Edit>::new());
    for change in diff.iter_all_changes() {
        let line = change.value();
        let touches = |edit: &&mut Edit| edit.end == at;
        match change.tag() {
            similar::ChangeTag::Equal => at += line.len(),
            similar::ChangeTag::Delete => {
                match edits.last_mut().filter(touches) {
                    Some(edit) => edit.end += line.len(),
                    None => edits.push(Edit::remove(at, at + line.len())),
                }
                at += line.len();
            }
            similar::ChangeTag::Insert => match edits.last_mut().filter(touches) {
                Some(edit) => edit.text.push_str(line),
                None => edits.push(Edit::insert(at, line)),
            },
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_between_texts_give_the_second_when_made() {
        for (old, new) in [("a\nb\nc\n", "a\nB\nc\nd\n"), ("", "x"), ("x", ""), ("a\nb\n", "b\na\n"), ("a", "a")] {
            assert_eq!(syntax::apply(old, &between(old, new)).unwrap(), new, "{old:?}");
        }
    }

    #[test]
    fn what_is_written_as_a_url_is_one_of_an_input() {
        let set = |url: &str| Operation::SetUrl { name: "x".to_owned(), url: url.to_owned() };
        let add = |url: &str| Operation::AddInput { name: "x".to_owned(), url: url.to_owned(), flake: true };
        for url in ["github:o/r#foo", "nixpkgs#hello", "path:./x#y", "GitHub:o/r", "Git+https://h.x/a", "github:o"] {
            assert!(check_reference(&set(url)).is_err() && check_reference(&add(url)).is_err(), "{url}");
        }
        for url in ["github:o/r?foo=bar", "./x#", "./x", "nixpkgs", "./A:b"] {
            assert_eq!(check_reference(&set(url)).and_then(|()| check_reference(&add(url))), Ok(()), "{url}");
        }
    }

    #[test]
    fn every_command_that_edits_is_known_by_its_name() {
        assert_eq!(NAMES.iter().map(|stored| name(stored)).collect::<Vec<_>>(), NAMES);
        assert_eq!(name("of a newer release"), "edit");
    }
}

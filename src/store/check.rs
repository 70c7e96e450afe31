//! A look at everything that can be wrong with a ledger's file. Says `ok` only of what it looked at.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use rusqlite::Connection;

use super::backup;
use super::connect::{self, Opened, SCHEMA};
use super::erase;
use super::error::{Named, StoreError};
use super::file;
use super::holder;
use super::network::network_kind;
use super::origin::{self, Origin};

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked: `permissions`, `local chain`.
    pub name: &'static str,
    /// What came out.
    pub state: CheckState,
    /// What was found, and the next step when something is wrong.
    pub detail: String,
}

/// What came out of a check, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckState {
    /// It was looked at and is right.
    Ok,
    /// It could not be looked at; the detail says why.
    Unknown,
    /// It works, and should be seen to.
    Warning,
    /// It is wrong.
    Failed,
}

impl CheckState {
    /// The name used in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

impl Check {
    pub(crate) fn new(name: &'static str, state: CheckState, detail: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into() }
    }

    /// A check that could not be made.
    pub(crate) fn unknown(name: &'static str, why: &StoreError) -> Self {
        Self::new(name, CheckState::Unknown, format!("not looked at: {why}"))
    }
}

/// Less than this is too little to go on with.
const LITTLE_SPACE: u64 = 64 << 20;
/// Less than this is worth knowing.
const SOME_SPACE: u64 = 512 << 20;
/// A log of this size was not moved into the file for long.
const LONG_LOG: u64 = 256 << 20;

/// Where the header of a database says how it is written and read: two twos mean a write-ahead log.
const WRITE_VERSION: u64 = 18;

/// What is looked at inside the database, in this order.
const INSIDE: &[&str] = &["schema", "journal", PAGES, "origin", "read model"];

/// Looking at them reads the whole file.
const PAGES: &str = "pages";

/// Checks the ledger at a path without changing it. Never fails: what cannot be looked at is said to be unknown.
pub fn check(path: &Path) -> Vec<Check> {
    look(path, true)
}

/// The same but for its pages, which takes no longer the larger it is: for whoever asks again and again.
pub fn glance(path: &Path) -> Vec<Check> {
    look(path, false)
}

fn look(path: &Path, at_pages: bool) -> Vec<Check> {
    let mut checks = vec![library(), file_system(path), space(path), permissions(path), log_size(path)];
    checks.extend(unfinished_copies(path));
    match connect::to_look_at(path) {
        Ok(opened) => checks.extend(inside(&opened, path, at_pages)),
        Err(error) => {
            checks.push(Check::new("opening", CheckState::Failed, error.to_string()));
            let looked_at = INSIDE.iter().filter(|name| at_pages || **name != PAGES);
            checks.extend(looked_at.map(|name| Check::unknown(name, &error)));
        }
    }
    checks
}

/// The worst of several results.
pub fn worst(checks: &[Check]) -> CheckState {
    checks.iter().map(|check| check.state).max().unwrap_or(CheckState::Unknown)
}

fn inside(opened: &Opened, path: &Path, at_pages: bool) -> Vec<Check> {
    let connection = &opened.connection;
    let mut checks = vec![schema(connection, path), journal(opened, path)];
    if at_pages {
        checks.push(pages(PAGES, "quick_check", connection, path));
    }
    checks.extend([origin(connection, path), read_model(connection, path)]);
    checks.extend(erasure(connection, path));
    checks
}

/// An erasure that is not finished; nothing is said when there is none.
pub(crate) fn erasure(connection: &Connection, path: &Path) -> Option<Check> {
    let name = "erasure";
    match erase::pending(connection).named(path) {
        Ok(None) => None,
        Ok(Some(_)) => {
            let detail = "not finished: what was erased may still be in the read model and the files; the next command that writes \
                          goes on with it, as `cim-nix scan`, and so does `serve`; what others erased waits for its turn, at most an hour";
            Some(Check::new(name, CheckState::Warning, detail))
        }
        Err(error) => Some(Check::unknown(name, &error)),
    }
}

/// SQLite's own check of its pages.
pub(crate) fn pages(name: &'static str, pragma: &str, connection: &Connection, path: &Path) -> Check {
    let found: Result<Vec<String>, _> = connection
        .prepare(&format!("PRAGMA {pragma}(10)"))
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .named(path);
    match found {
        Ok(lines) if lines == ["ok"] => Check::new(name, CheckState::Ok, format!("{pragma} found nothing")),
        Ok(lines) => Check::new(name, CheckState::Failed, format!("{}; restore a backup", lines.join("; "))),
        Err(error @ (StoreError::Corrupt { .. } | StoreError::NotADatabase { .. })) => {
            Check::new(name, CheckState::Failed, error.to_string())
        }
        Err(error) => Check::unknown(name, &error),
    }
}

/// Whose ledger it is, and whether its key is there.
pub(crate) fn origin(connection: &Connection, path: &Path) -> Check {
    let name = "origin";
    match origin::load(connection).named(path) {
        Ok(Some(found)) => key(name, path, &found),
        Ok(None) => {
            let error = StoreError::NoOrigin { path: path.to_owned() };
            Check::new(name, CheckState::Failed, error.to_string())
        }
        Err(error) => Check::unknown(name, &error),
    }
}

fn key(name: &'static str, path: &Path, found: &Origin) -> Check {
    match origin::signer(path, found) {
        Ok(_) => Check::new(name, CheckState::Ok, format!("{} with its key", found.public_key)),
        Err(error) => Check::new(name, CheckState::Warning, error.to_string()),
    }
}

fn library() -> Check {
    let version = rusqlite::version();
    match connect::refuse_old_sqlite() {
        Ok(()) => Check::new("sqlite", CheckState::Ok, format!("version {version}")),
        Err(error) => Check::new("sqlite", CheckState::Failed, error.to_string()),
    }
}

fn file_system(path: &Path) -> Check {
    let name = "file system";
    match network_kind(file::parent(path)) {
        Some(kind) => {
            let error = StoreError::NetworkFileSystem { path: path.to_owned(), kind };
            Check::new(name, CheckState::Failed, error.to_string())
        }
        None if !file::parent(path).exists() => Check::new(name, CheckState::Unknown, "the directory is not there"),
        None => Check::new(name, CheckState::Ok, "not one of the known network file systems"),
    }
}

fn space(path: &Path) -> Check {
    let name = "space";
    let Ok(found) = rustix::fs::statvfs(file::parent(path)) else {
        return Check::new(name, CheckState::Unknown, "the file system does not say how much is free");
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let state = match free {
        free if free < LITTLE_SPACE => CheckState::Failed,
        free if free < SOME_SPACE => CheckState::Warning,
        _ => CheckState::Ok,
    };
    Check::new(name, state, format!("{} MiB free", free >> 20))
}

fn permissions(path: &Path) -> Check {
    let name = "permissions";
    let open_to_others = |suffix: &&str| {
        let found = fs::metadata(file::beside(path, suffix));
        found.is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    };
    if let Err(error) = fs::metadata(path) {
        return Check::new(name, CheckState::Unknown, format!("{}: {error}", path.display()));
    }
    let exposed: Vec<String> = ["", "-wal", "-shm", ".key"]
        .iter()
        .filter(|suffix| open_to_others(suffix))
        .map(|suffix| file::beside(path, suffix).display().to_string())
        .collect();
    let writable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    if let Some(closed) = [path, file::parent(path)].into_iter().find(|path| !writable(path)) {
        let detail =
            format!("this user may not write {}; what is there is read, nothing is recorded", closed.display());
        return Check::new(name, CheckState::Warning, detail);
    }
    if exposed.is_empty() {
        return Check::new(name, CheckState::Ok, "the files are the owner's alone");
    }
    let them = if exposed.len() == 1 { "it" } else { "them" };
    let detail = format!("others may read {}; run `chmod 600` on {them}", exposed.join(", "));
    Check::new(name, CheckState::Warning, detail)
}

fn log_size(path: &Path) -> Check {
    let bytes = fs::metadata(file::beside(path, "-wal")).map_or(0, |found| found.len());
    let state = if bytes > LONG_LOG { CheckState::Warning } else { CheckState::Ok };
    let hint = if bytes > LONG_LOG { "; a reader may be holding it, end what has been open for long" } else { "" };
    Check::new("write-ahead log", state, format!("{} MiB{hint}", bytes >> 20))
}

/// What a restore or a backup left that was killed; nothing is said when there is none.
fn unfinished_copies(path: &Path) -> Option<Check> {
    let mut left = backup::left_behind(path);
    left.retain(|draft| holder::holders(draft).is_empty());
    let named = left.iter().map(|draft| draft.display().to_string()).collect::<Vec<_>>().join(", ");
    let (are, them) = if left.len() == 1 { ("is a copy that was", "it") } else { ("are copies that were", "them") };
    let detail = format!(
        "{named} {are} never finished; the next `cim-nix store restore` removes {them}, or remove {them} yourself"
    );
    (!left.is_empty()).then(|| Check::new("unfinished copies", CheckState::Warning, detail))
}

fn schema(connection: &Connection, path: &Path) -> Check {
    let name = "schema";
    match connect::identify(connection, path) {
        Ok(found) if found == SCHEMA => Check::new(name, CheckState::Ok, format!("version {found}")),
        Ok(found) => {
            let detail = format!(
                "version {found}, this cim-nix has {SCHEMA}; the next command that opens it where it can be written brings it up to date"
            );
            Check::new(name, CheckState::Warning, detail)
        }
        Err(error) => Check::new(name, CheckState::Failed, error.to_string()),
    }
}

fn journal(opened: &Opened, path: &Path) -> Check {
    let name = "journal";
    match journal_mode(opened, path) {
        Ok(mode) if mode == "wal" && opened.immutable => {
            Check::new(name, CheckState::Ok, "write-ahead log, not in use: nothing can be written beside the file")
        }
        Ok(mode) if mode == "wal" => Check::new(name, CheckState::Ok, "write-ahead log, synced at every commit"),
        Ok(mode) => {
            let detail = format!("journal mode is {mode}; the next writing command sets it right");
            Check::new(name, CheckState::Warning, detail)
        }
        Err(error) => Check::unknown(name, &error),
    }
}

/// The mode that the file has: a connection to one that nobody can change has another.
fn journal_mode(opened: &Opened, path: &Path) -> Result<String, StoreError> {
    if !opened.immutable {
        return opened.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).named(path);
    }
    let mut versions = [0; 2];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut versions, WRITE_VERSION));
    read.map_err(|source| StoreError::file("read", path, source))?;
    Ok(if versions == [2, 2] { "wal" } else { "delete" }.to_owned())
}

fn read_model(connection: &Connection, path: &Path) -> Check {
    let name = "read model";
    let head = connection
        .query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get::<_, i64>(0))
        .named(path);
    let found = head.and_then(|head| Ok((head, projections(connection, head).named(path)?)));
    match found {
        Err(error) => Check::unknown(name, &error),
        Ok((_, (0, _))) => Check::new(name, CheckState::Warning, "not built yet; the next writing command builds it"),
        Ok((head, (_, wrong))) if wrong.is_empty() => {
            Check::new(name, CheckState::Ok, format!("live at position {head}"))
        }
        Ok((_, (_, wrong))) => {
            let detail = format!("{}; run `cim-nix store rebuild`", wrong.join("; "));
            Check::new(name, CheckState::Warning, detail)
        }
    }
}

/// How many projections there are, and what is to be said of those that do not follow the log.
fn projections(connection: &Connection, head: i64) -> rusqlite::Result<(usize, Vec<String>)> {
    // Of builds that were never finished, the one that got furthest.
    let sql =
        "SELECT name, state, max(position), error FROM projections GROUP BY name, state ORDER BY name, min(generation)";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut count, mut wrong) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        count += 1;
        let (state, position): (String, i64) = (row.get(1)?, row.get(2)?);
        if state != "live" || position < head {
            let (name, error): (String, Option<String>) = (row.get(0)?, row.get(3)?);
            let error = error.map(|error| format!(" ({error})")).unwrap_or_default();
            wrong.push(format!("{name} is {state} at {position} of {head}{error}"));
        }
    }
    Ok((count, wrong))
}

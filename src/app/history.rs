//! The past of a flake's lock, as git tells it: read from the repository, written to a stream of its own.

use std::collections::HashSet;
use std::path::Path;

use crate::domain::catalogue::Event;
use crate::domain::id::FlakeId;
use crate::domain::lock::{Lock, PathChange};
use crate::domain::lock_history::{Commit, LockHistoryEvent, record};
use crate::git::{self, Content, Cursor, Limit, Repository};
use crate::store::{HistoryCursor, Reader, StoreError};
use crate::syntax::secret;

use super::{known, observe};

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// Longer first lines of messages are cut.
const SUMMARY_CHARS: usize = 200;

/// What git tells of a lock since the ledger last asked.
#[derive(Debug)]
pub struct Past {
    /// The commits that changed the lock, oldest first, with what they changed.
    pub commits: Vec<(Commit, Vec<PathChange>)>,
    /// Whether commits that are recorded may be gone.
    pub rewritten: bool,
    /// Where this reading ended.
    pub cursor: HistoryCursor,
    /// What is not in this clone and may come, in sentences: as long as there is any, the cursor is not complete.
    pub limits: Vec<String>,
    /// Locks that say nothing, in sentences: nothing can bring them.
    pub unreadable: Vec<String>,
    /// Whether it was stopped on the way: the cursor is at the last commit that was read, and the next reading goes on.
    pub stopped: bool,
}

/// Reads what is new in the past of `lock_path` (relative to the repository), no further back than `since` seconds. Once
/// `stop` says so, what was read by then is all.
///
/// # Errors
/// [`git::Error::Stopped`] when nothing of it can be kept.
pub fn read(
    repository: &Repository,
    lock_path: &Path,
    flake: FlakeId,
    since: Option<i64>,
    cursor: Option<&HistoryCursor>,
    stop: &dyn Fn() -> bool,
) -> Result<Past, git::Error> {
    // A bound further back than the last one asks for commits that were left out then.
    let reaches = |cursor: &&HistoryCursor| match (cursor.since, since) {
        (None, _) => true,
        (Some(then), Some(now)) => then <= now.saturating_mul(MICROS),
        (Some(_), None) => false,
    };
    let stop_at = cursor.filter(reaches).map(|cursor| cursor.head.as_str()).filter(|head| !head.is_empty());
    let mut history = repository.lock_commits(lock_path, since, stop_at, stop)?;
    // What was not here when the last reading ended lies before its end, and may have come since.
    if history.cursor == Cursor::Reached && cursor.is_some_and(|cursor| !cursor.complete) {
        history = repository.lock_commits(lock_path, since, None, stop)?;
    }
    let mut reading = Reading::of(&mut history, stop)?;
    // What the first new commit is to be compared with lies before the end of the last reading.
    if history.cursor == Cursor::Reached && reading.began_unread {
        history = repository.lock_commits(lock_path, since, None, stop)?;
        reading = Reading::of(&mut history, stop)?;
    }
    let head = match (&reading.reached, history.cursor) {
        _ if !reading.stopped => history.head.clone().unwrap_or_default(),
        // The next reading takes what comes behind it for new.
        (Some(commit), Cursor::Unset | Cursor::Reached) => commit.clone(),
        // Where history was rewritten, a cursor on the new line would hide that from the next reading.
        _ => return Err(git::Error::Stopped { repository: repository.path().to_owned() }),
    };
    let bound = if history.cursor == Cursor::Reached {
        cursor.and_then(|cursor| cursor.since)
    } else {
        since.map(|since| since.saturating_mul(MICROS))
    };
    let mut limits: Vec<_> = history.limits.iter().filter_map(limit).collect();
    limits.extend(reading.not_fetched());
    // A reading that ended early cannot tell; the first whole one after it can.
    let rewritten = match history.cursor {
        Cursor::Rewritten => true,
        Cursor::Reached | Cursor::Unknown => false,
        Cursor::Unset => limits.is_empty(),
    };
    let Reading { commits, unreadable, stopped, .. } = reading;
    let cursor = HistoryCursor { flake, head, since: bound, complete: limits.is_empty() };
    Ok(Past { commits, rewritten, cursor, limits, unreadable, stopped })
}

/// What happened to the past of a lock.
#[derive(Debug)]
pub struct Decided {
    /// The events, each with when it happened, in microseconds since 1970 UTC.
    pub events: Vec<(i64, Event)>,
    /// The version of the stream that they follow.
    pub version: u64,
    /// What could not be read now, in sentences.
    pub unreadable: Vec<String>,
}

/// The events for what was read; commits that are recorded already say nothing new. The repository is asked for only where
/// some of those may be gone.
pub fn decide(
    reader: &Reader,
    repository: impl FnOnce() -> Option<Repository>,
    flake: FlakeId,
    past: &Past,
    now: i64,
) -> Result<Decided, StoreError> {
    let (recorded, version) = known::commits(reader, flake)?;
    let mut events = Vec::new();
    let mut unreadable = past.unreadable.clone();
    let told = past.commits.iter().filter(|(_, changes)| !changes.is_empty());
    let fresh: Vec<_> = told.filter(|(commit, _)| !recorded.there.contains(&commit.id)).collect();
    let is_read = |id: &str| fresh.iter().any(|(commit, _)| commit.id == id);
    let lost: Vec<&str> = recorded.lost.keys().map(String::as_str).filter(|id| !is_read(id)).collect();
    let asks_for_gone = past.rewritten && !recorded.there.is_empty();
    // A merge may bring back what only a side line holds; it changes the lock as well.
    let asks_for_lost = (past.rewritten || !fresh.is_empty()) && !lost.is_empty();
    let repository = if asks_for_gone || asks_for_lost { repository() } else { None };
    let mut answer = |found: Result<Vec<&str>, git::Error>| -> Vec<String> {
        found
            .map_err(|error| unreadable.push(error.to_string()))
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    if let Some(repository) = repository.as_ref().filter(|_| asks_for_gone) {
        let there: Vec<&str> = recorded.there.iter().map(String::as_str).collect();
        let commits = answer(repository.unreachable(&there));
        if !commits.is_empty() {
            events.push((now, Event::LockHistory(LockHistoryEvent::Unreachable { flake, commits })));
        }
    }
    if let Some(repository) = repository.as_ref().filter(|_| asks_for_lost) {
        let back = answer(repository.reachable(&lost));
        let again = back.iter().filter_map(|id| recorded.lost.get(id)).flatten().cloned();
        events.extend(again.map(|again| (again.commit.committed_at, LockHistoryEvent::Recorded(again))).map(said));
    }
    for (commit, changes) in fresh {
        let again = record(flake, commit, changes.clone());
        events.extend(again.into_iter().map(|event| (commit.committed_at, event)).map(said));
    }
    Ok(Decided { events, version, unreadable })
}

fn said((at, event): (i64, LockHistoryEvent)) -> (i64, Event) {
    (at, Event::LockHistory(event))
}

/// Takes commits oldest first. A lock that cannot be read says nothing: the next one is compared with the last that could,
/// and nothing is said of what cannot be compared.
struct Reading {
    commits: Vec<(Commit, Vec<PathChange>)>,
    unreadable: Vec<String>,
    /// Commits whose lock is not in this clone.
    missing: Vec<String>,
    /// The contents that are not, by name.
    missing_contents: HashSet<String>,
    /// The last lock that could be read, none when there was no file then; or why it is unknown.
    last: Result<Option<Lock>, Unread>,
    /// Whether the lock before the first commit of all says nothing.
    began_unread: bool,
    /// The last commit that was taken.
    reached: Option<String>,
    /// Whether it was stopped before the end.
    stopped: bool,
}

impl Reading {
    fn of(history: &mut git::LockHistory<'_>, stop: &dyn Fn() -> bool) -> Result<Self, git::Error> {
        let mut reading = Self {
            commits: Vec::new(),
            unreadable: Vec::new(),
            missing: Vec::new(),
            missing_contents: HashSet::new(),
            last: Err(Unread::NeverRead),
            began_unread: false,
            reached: None,
            stopped: false,
        };
        for (index, commit) in history.enumerate() {
            if stop() {
                reading.stopped = true;
                break;
            }
            let commit = commit?;
            reading.reached = Some(commit.id.clone());
            reading.began_unread |= index == 0 && lock(&commit.before).is_err();
            reading.take(commit);
        }
        Ok(reading)
    }

    fn take(&mut self, commit: git::Commit) {
        let before = match lock(&commit.before) {
            Err(Unread::ForGood(_)) => self.last.clone(),
            known => known,
        };
        match lock(&commit.after) {
            Ok(after) => {
                self.last = Ok(after.clone());
                self.compare(commit, before, after.as_ref());
            }
            Err(why) => {
                if let Unread::ForGood(why) = &why {
                    let sentence = format!("flake.lock of commit {} is unknown: {why}", short(&commit.id));
                    self.unreadable.push(sentence);
                } else {
                    self.missing_contents.extend(not_fetched(&commit.after).map(str::to_owned));
                    self.missing.push(commit.id);
                }
                self.last = match (why, before) {
                    // What it held was not added by the next commit.
                    (Unread::ForGood(_), Ok(None)) => Err(Unread::NeverRead),
                    (Unread::ForGood(_), before) => before,
                    (why, _) => Err(why),
                };
            }
        }
    }

    /// Says what a commit changed, where the lock before it is known.
    fn compare(&mut self, commit: git::Commit, before: Result<Option<Lock>, Unread>, after: Option<&Lock>) {
        match before {
            Ok(before) => {
                let changes = observe::lock_changes(before.as_ref(), after);
                self.commits.push((recorded(commit), changes));
            }
            Err(Unread::NotHere) => {
                // Whoever changed it is named already, unless that was before the first commit of all.
                if let (Some(content), Some(parent)) = (not_fetched(&commit.before), commit.parent)
                    && self.missing_contents.insert(content.to_owned())
                {
                    self.missing.push(parent);
                }
            }
            Err(Unread::NeverRead | Unread::ForGood(_)) => self.unreadable.push(format!(
                "what commit {} changed in flake.lock is unknown: no lock before it can be read",
                short(&commit.id)
            )),
        }
    }

    /// One sentence for all of them: a partial clone may lack hundreds.
    fn not_fetched(&self) -> Option<String> {
        let commits = match self.missing.as_slice() {
            [] => return None,
            [one] => format!("commit {}", short(one)),
            [first, .., last] => format!("{} commits from {} to {}", self.missing.len(), short(first), short(last)),
        };
        Some(format!(
            "flake.lock of {commits} is unknown: its content is not in this clone; `git log -p -- flake.lock` fetches it"
        ))
    }
}

/// The commit as the ledger keeps it, without secrets.
fn recorded(commit: git::Commit) -> Commit {
    Commit {
        id: commit.id,
        parent: commit.parent,
        author: secret::redact(&commit.author_name).text,
        authored_at: commit.authored_at.saturating_mul(MICROS),
        committed_at: commit.committed_at.saturating_mul(MICROS),
        summary: secret::redact(&commit.summary).text.chars().take(SUMMARY_CHARS).collect(),
    }
}

/// Why the lock in a commit says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unread {
    /// Its content is not in this clone, and may come.
    NotHere,
    /// It is there and says nothing.
    ForGood(String),
    /// There was a file, and none that said anything.
    NeverRead,
}

/// The lock in a commit: none when there was no file, an error when there was one that says nothing.
fn lock(content: &Content) -> Result<Option<Lock>, Unread> {
    match content {
        Content::Absent => Ok(None),
        Content::Bytes(bytes) => match observe::read_lock(&String::from_utf8_lossy(bytes)) {
            Some(lock) => Ok(Some(lock)),
            None => Err(Unread::ForGood("it cannot be read as a lock".to_owned())),
        },
        Content::NotFetched { .. } => Err(Unread::NotHere),
        Content::Damaged { id } => {
            Err(Unread::ForGood(format!("object {} is damaged; `git fsck` says more", short(id))))
        }
        Content::TooLarge { .. } => Err(Unread::ForGood("it is too large to be a lock".to_owned())),
    }
}

/// The name of a content that is not in this clone.
fn not_fetched(content: &Content) -> Option<&str> {
    match content {
        Content::NotFetched { id } => Some(id),
        _ => None,
    }
}

/// A bound that was asked for is no shortcoming.
fn limit(limit: &Limit) -> Option<String> {
    match limit {
        Limit::Since { .. } => None,
        Limit::Shallow { commit } => Some(format!(
            "the clone is shallow: the lock's history before commit {} is not here; `git fetch --unshallow` brings it",
            short(commit)
        )),
        Limit::MissingObject { id } => Some(format!(
            "object {} is not in this clone: the lock's history ends there; `git log -p -- flake.lock` fetches it where the clone \
             is partial, else `git fsck` says more",
            short(id)
        )),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

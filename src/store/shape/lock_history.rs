//! Stored shapes of what git tells of a lock's past.

use serde::{Deserialize, Serialize};

use super::id::StoredId;
use super::lock::{StoredPathChange, all, all_owned};
use super::value::Whole;
use super::{read, unread, write};
use crate::domain::id::FlakeId;
use crate::domain::lock_history::{Commit, LockHistoryEvent, Recorded};

#[derive(Serialize, Deserialize)]
struct StoredRecorded<'a> {
    #[serde(default)]
    changes: Vec<StoredPathChange<'a>>,
    commit: StoredCommit,
    flake: StoredId,
    #[serde(default = "one")]
    part: u32,
    #[serde(default = "one")]
    parts: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredCommit {
    author: String,
    authored_at: Whole,
    /// Left out where it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    committed_at: Option<Whole>,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    summary: String,
}

#[derive(Serialize, Deserialize)]
struct Unreachable {
    commits: Vec<String>,
    flake: StoredId,
}

pub(super) fn encode(event: &LockHistoryEvent) -> serde_json::Result<String> {
    match event {
        LockHistoryEvent::Recorded(recorded) => write(StoredRecorded::from(recorded)),
        LockHistoryEvent::Unreachable { flake, commits } => {
            write(Unreachable { flake: StoredId(flake.uuid()), commits: commits.clone() })
        }
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<LockHistoryEvent> {
    match action {
        "recorded" => read::<StoredRecorded, Recorded>(payload).map(LockHistoryEvent::Recorded),
        "unreachable" => read::<Unreachable, _>(payload),
        other => unread(other),
    }
}

const fn one() -> u32 {
    1
}

impl<'a> From<&'a Recorded> for StoredRecorded<'a> {
    fn from(recorded: &'a Recorded) -> Self {
        Self {
            flake: StoredId(recorded.flake.uuid()),
            commit: StoredCommit {
                id: recorded.commit.id.clone(),
                parent: recorded.commit.parent.clone(),
                author: recorded.commit.author.clone(),
                authored_at: Whole(recorded.commit.authored_at.into()),
                committed_at: (recorded.commit.committed_at != recorded.commit.authored_at)
                    .then(|| Whole(recorded.commit.committed_at.into())),
                summary: recorded.commit.summary.clone(),
            },
            changes: all(&recorded.changes),
            part: recorded.part,
            parts: recorded.parts,
        }
    }
}

impl From<StoredRecorded<'_>> for Recorded {
    fn from(stored: StoredRecorded<'_>) -> Self {
        Self {
            flake: FlakeId::new(stored.flake.0),
            commit: Commit {
                id: stored.commit.id,
                parent: stored.commit.parent,
                author: stored.commit.author,
                authored_at: stored.commit.authored_at.saturating_i64(),
                committed_at: stored.commit.committed_at.unwrap_or(stored.commit.authored_at).saturating_i64(),
                summary: stored.commit.summary,
            },
            changes: all_owned(stored.changes),
            part: stored.part,
            parts: stored.parts,
        }
    }
}

impl From<Unreachable> for LockHistoryEvent {
    fn from(stored: Unreachable) -> Self {
        Self::Unreachable { flake: FlakeId::new(stored.flake.0), commits: stored.commits }
    }
}

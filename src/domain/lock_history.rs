//! The past of a flake's lock file as git tells it: a stream of its own, never folded into the flake's present.

use super::id::FlakeId;
use super::lock::PathChange;
use super::size::{path_change_bytes, split};

/// One commit that changed the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit's hash, in hexadecimal.
    pub id: String,
    /// Its first parent; absent for the first commit.
    pub parent: Option<String>,
    /// Who wrote it: the name alone.
    pub author: String,
    /// When it was written, in microseconds since 1970 UTC.
    pub authored_at: i64,
    /// When it was committed, likewise: what grows along a branch, as a change may be merged long after it was written.
    pub committed_at: i64,
    /// The first line of its message.
    pub summary: String,
}

/// An event of a lock history stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockHistoryEvent {
    /// A commit reachable from the checked out branch changed the lock.
    Recorded(Recorded),
    /// Commits that were recorded are no longer reachable: the branch was rewritten.
    Unreachable {
        /// The flake whose lock it is.
        flake: FlakeId,
        /// The hashes of the commits.
        commits: Vec<String>,
    },
}

/// What one commit did to the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The flake whose lock it is.
    pub flake: FlakeId,
    /// The commit.
    pub commit: Commit,
    /// What changed, by input path.
    pub changes: Vec<PathChange>,
    /// Which part of a change too large for one event this is, counted from 1.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
}

/// The events for one commit: one, or several parts when the change is too large for one event.
pub fn record(flake: FlakeId, commit: &Commit, changes: Vec<PathChange>) -> Vec<LockHistoryEvent> {
    let runs = split(changes, path_change_bytes);
    let runs = if runs.is_empty() { vec![Vec::new()] } else { runs };
    let parts = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    (1..=parts)
        .zip(runs)
        .map(|(part, changes)| {
            LockHistoryEvent::Recorded(Recorded { flake, commit: commit.clone(), changes, part, parts })
        })
        .collect()
}

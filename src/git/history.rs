//! The past of one file: the commits on the first-parent line from HEAD that changed it.
//!
//! The walk compares the names of blobs along one path and reads no content, so it is bounded by commits, not by their
//! size; contents are read when a commit is taken from the result, one at a time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;

use super::encoding::decode;
use super::rename::renamed_from;
use super::tree_path::{Entry, TreePath};
use super::{Error, Repository};

/// The commits that changed a file, oldest first, read as they are taken.
#[derive(Debug)]
pub struct LockHistory<'r> {
    /// Where HEAD stood, in hexadecimal: the cursor to hand in next time. `None` when there is no commit yet.
    pub head: Option<String>,
    /// What became of the cursor that was handed in.
    pub cursor: Cursor,
    /// What could not be read; empty when nothing is missing.
    pub limits: Vec<Limit>,
    repository: &'r Repository,
    changes: std::vec::IntoIter<Change>,
    last: Option<(ObjectId, Arc<[u8]>)>,
}

/// A commit that changed the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name in hexadecimal.
    pub id: String,
    /// Its first parent; `None` for the first commit of all.
    pub parent: Option<String>,
    /// Who wrote the change. Names that are not in the encoding of the commit are shown with replacement characters.
    pub author_name: String,
    /// The author's address, as recorded.
    pub author_email: String,
    /// When the change was written, in seconds since 1970 UTC: the time to show.
    pub authored_at: i64,
    /// When the commit was made, in seconds since 1970 UTC: the time that grows along a history.
    pub committed_at: i64,
    /// The first line of the message.
    pub summary: String,
    /// The file in the first parent.
    pub before: Content,
    /// The file in this commit.
    pub after: Content,
}

/// The file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It did not exist (or was no regular file).
    Absent,
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// It existed, but its content is not in this clone (a partial clone fetches it on demand; this program does not).
    NotFetched {
        /// The blob's name in hexadecimal.
        id: String,
    },
    /// It existed, but what stands for its content in this clone cannot be read.
    Damaged {
        /// The blob's name in hexadecimal.
        id: String,
    },
    /// It existed, but is too large to be a lock file.
    TooLarge {
        /// The blob's name in hexadecimal.
        id: String,
        /// Its size in bytes.
        size: u64,
    },
}

/// What became of the commit that the last walk ended at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// None was handed in: this is the whole history.
    Unset,
    /// It was reached: these are the commits since.
    Reached,
    /// It is not on the first-parent line any more (a rebase, a reset, another branch). This is the whole history again;
    /// [`Repository::unreachable`] tells which of the recorded commits are gone.
    Rewritten,
    /// A limit came before it: this is all that can be read, and whether history was rewritten cannot be said.
    Unknown,
}

/// Where and why a history ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// The clone is shallow: the parents of this commit are not here, so what it changed is not known.
    Shallow {
        /// The commit in hexadecimal.
        commit: String,
    },
    /// A commit or tree is not in this clone.
    MissingObject {
        /// The object in hexadecimal.
        id: String,
    },
    /// Commits made before the bound were left out, as asked.
    Since {
        /// The newest commit that was left out, in hexadecimal.
        commit: String,
    },
}

/// A lock file is text of some kilobytes; what is larger than this is something else.
const MAX_CONTENT_BYTES: u64 = 16 * 1024 * 1024;

/// Clocks go wrong: this many commits in a row must be older than the bound before the walk ends there (as in git).
const OLDER_IN_A_ROW: usize = 5;

impl Repository {
    /// The commits on the first-parent line from HEAD in which the file at `path` (relative to the root of the
    /// repository) is not as in their first parent, oldest first.
    ///
    /// `since` leaves out commits made before it (seconds since 1970 UTC); `stop_at` is the [`LockHistory::head`] of an
    /// earlier walk and leaves out that commit and all before it; `stop` is asked at every commit whether to go on no further.
    ///
    /// # Errors
    /// [`Error::Stopped`] when it said so.
    pub fn lock_commits(
        &self,
        path: &Path,
        since: Option<i64>,
        stop_at: Option<&str>,
        stop: &dyn Fn() -> bool,
    ) -> Result<LockHistory<'_>, Error> {
        let stop_at = stop_at.map(|id| self.parse(id)).transpose()?;
        let head = self.head_id()?;
        let mut walk = Walk { since, stop_at, ..Walk::new(self, path, stop) };
        if let Some(head) = head {
            walk.run(head)?;
        }
        walk.changes.reverse();
        Ok(LockHistory {
            head: head.map(|id| id.to_string()),
            cursor: walk.cursor(),
            limits: walk.limits,
            repository: self,
            changes: walk.changes.into_iter(),
            last: None,
        })
    }

    /// Those of `commits` (hexadecimal) that cannot be reached from HEAD by any parent any more, in the given order; none
    /// where the clone ends before all are found, as they may lie behind its end.
    pub fn unreachable<'c>(&self, commits: &[&'c str]) -> Result<Vec<&'c str>, Error> {
        let (found, ends_early) = self.search(commits)?;
        Ok(commits.iter().filter(|commit| !ends_early && !found.contains(**commit)).copied().collect())
    }

    /// Those of `commits` (hexadecimal) that are found from HEAD by some parent, in the given order.
    pub fn reachable<'c>(&self, commits: &[&'c str]) -> Result<Vec<&'c str>, Error> {
        let (found, _) = self.search(commits)?;
        Ok(commits.iter().filter(|commit| found.contains(**commit)).copied().collect())
    }

    /// Which commits are found from HEAD, and whether the clone ends before all are.
    fn search(&self, commits: &[&str]) -> Result<(HashSet<String>, bool), Error> {
        let mut sought = HashSet::new();
        for commit in commits {
            sought.insert(self.parse(commit)?);
        }
        let shallow = self.shallow();
        let (mut found, mut ends_early) = (HashSet::new(), false);
        if let Some(head) = self.head_id()? {
            let ancestors = self.inner.rev_walk([head]).all().map_err(|source| self.damaged(head, Some(source)))?;
            for ancestor in ancestors {
                if found.len() == sought.len() {
                    return Ok((found, false));
                }
                let ancestor = ancestor.map_err(|source| self.damaged(head, Some(source)))?.id;
                ends_early |= shallow.contains(&ancestor);
                if sought.contains(&ancestor) {
                    found.insert(ancestor.to_string());
                }
            }
        }
        ends_early &= found.len() < sought.len();
        Ok((found, ends_early))
    }

    /// The commits whose parents were left out when the repository was cloned.
    fn shallow(&self) -> HashSet<ObjectId> {
        let shallow = self.inner.shallow_commits().ok().flatten();
        shallow.map(|commits| commits.iter().copied().collect()).unwrap_or_default()
    }

    pub(super) fn parse(&self, id: &str) -> Result<ObjectId, Error> {
        let failed = |_| Error::NotACommit { repository: self.path.clone(), id: id.to_owned() };
        ObjectId::from_hex(id.as_bytes()).map_err(failed)
    }
}

impl Iterator for LockHistory<'_> {
    type Item = Result<Commit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let change = self.changes.next()?;
        Some(self.read(&change))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.changes.size_hint()
    }
}

impl ExactSizeIterator for LockHistory<'_> {}

impl LockHistory<'_> {
    fn read(&mut self, change: &Change) -> Result<Commit, Error> {
        let before = self.content(change.before);
        let after = self.content(change.after);
        let damaged = |source| self.repository.damaged(change.commit, Some(source));
        let object = self.repository.object(change.commit)?;
        let object = object.ok_or_else(|| self.repository.damaged(change.commit, None))?;
        let commit = object.try_to_commit_ref().map_err(damaged)?;
        let author = commit.author().map_err(damaged)?.trim();
        let decoded = |text| decode(text, commit.encoding).into_owned();
        Ok(Commit {
            id: change.commit.to_string(),
            parent: change.parent.map(|id| id.to_string()),
            author_name: decoded(author.name),
            author_email: decoded(author.email),
            authored_at: author.seconds(),
            committed_at: commit.committer().map_err(damaged)?.seconds(),
            summary: decoded(commit.message().summary().as_ref()),
            before,
            after,
        })
    }

    /// The content of a blob; what was after one commit is before the next, so the last one is kept.
    fn content(&mut self, blob: Option<ObjectId>) -> Content {
        let Some(id) = blob else { return Content::Absent };
        if let Some((last, bytes)) = &self.last
            && *last == id
        {
            return Content::Bytes(Arc::clone(bytes));
        }
        let name = id.to_string();
        match self.repository.inner.try_find_header(id) {
            Err(_) => return Content::Damaged { id: name },
            Ok(None) => return Content::NotFetched { id: name },
            Ok(Some(header)) if header.size() > MAX_CONTENT_BYTES => {
                return Content::TooLarge { id: name, size: header.size() };
            }
            Ok(Some(_)) => {}
        }
        match self.repository.object(id) {
            Err(_) => Content::Damaged { id: name },
            Ok(None) => Content::NotFetched { id: name },
            Ok(Some(object)) => {
                let bytes: Arc<[u8]> = Arc::from(object.data.as_slice());
                self.last = Some((id, Arc::clone(&bytes)));
                Content::Bytes(bytes)
            }
        }
    }
}

impl Content {
    /// The bytes, when the file existed and could be read.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A change by names alone.
#[derive(Debug)]
struct Change {
    commit: ObjectId,
    parent: Option<ObjectId>,
    before: Option<ObjectId>,
    after: Option<ObjectId>,
}

/// The parts of a commit that the walk needs.
#[derive(Debug, Clone, Copy)]
struct Node {
    id: ObjectId,
    tree: ObjectId,
    parent: Option<ObjectId>,
    committed_at: i64,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Root,
    AtCursor,
    Limit,
}

struct Walk<'r> {
    repository: &'r Repository,
    path: TreePath,
    since: Option<i64>,
    stop_at: Option<ObjectId>,
    shallow: HashSet<ObjectId>,
    changes: Vec<Change>,
    limits: Vec<Limit>,
    end: End,
    stop: &'r dyn Fn() -> bool,
}

impl<'r> Walk<'r> {
    fn new(repository: &'r Repository, path: &Path, stop: &'r dyn Fn() -> bool) -> Self {
        Self {
            repository,
            stop,
            path: TreePath::new(path),
            since: None,
            stop_at: None,
            shallow: repository.shallow(),
            changes: Vec::new(),
            limits: Vec::new(),
            end: End::Root,
        }
    }

    fn cursor(&self) -> Cursor {
        match (self.stop_at, self.end) {
            (None, _) => Cursor::Unset,
            (Some(_), End::AtCursor) => Cursor::Reached,
            (Some(_), End::Root) => Cursor::Rewritten,
            (Some(_), End::Limit) => Cursor::Unknown,
        }
    }

    /// Walks newest first, and leaves changes, limits and the end behind.
    fn run(&mut self, head: ObjectId) -> Result<(), Error> {
        let Some(mut node) = self.node(head)? else { return Ok(()) };
        let Some(mut here) = self.blob(node.tree)? else { return Ok(()) };
        let mut older = 0;
        while Some(node.id) != self.stop_at {
            self.refuse_to_go_on()?;
            let too_old = self.since.is_some_and(|since| node.committed_at < since);
            older = if too_old { older + 1 } else { 0 };
            if older == 1 {
                self.note_bound(node.id);
            }
            if older >= OLDER_IN_A_ROW {
                return self.look_for_cursor(node);
            }
            let Some((parent, mut before)) = self.parent(node)? else { return Ok(()) };
            if let (None, Some(blob), Some(parent)) = (before, here, parent)
                && self.follow_move(parent.tree, node.tree, blob)?
            {
                before = here;
            }
            if before != here && !too_old {
                let change = Change { commit: node.id, parent: node.parent, before, after: here };
                self.changes.push(change);
            }
            let Some(parent) = parent else { return Ok(()) };
            (node, here) = (parent, before);
        }
        self.end = End::AtCursor;
        Ok(())
    }

    /// Whether a commit only moved the file here: from then on it is looked for where it was.
    fn follow_move(&mut self, before: ObjectId, after: ObjectId, blob: ObjectId) -> Result<bool, Error> {
        let Some(name) = self.path.name() else { return Ok(false) };
        let old = renamed_from(self.repository, (before, after), name, blob)?;
        Ok(old.map(|old| self.path = TreePath::of(old)).is_some())
    }

    /// The first parent of a commit (`None`: it has none) and the file in it; the outer `None` is a limit, noted.
    #[expect(clippy::type_complexity, reason = "two answers of two kinds, used in one place")]
    fn parent(&mut self, node: Node) -> Result<Option<(Option<Node>, Option<ObjectId>)>, Error> {
        let Some(id) = node.parent else { return Ok(Some((None, None))) };
        if self.shallow.contains(&node.id) {
            self.limit(Limit::Shallow { commit: node.id.to_string() });
            return Ok(None);
        }
        let Some(parent) = self.node(id)? else { return Ok(None) };
        Ok(self.blob(parent.tree)?.map(|blob| (Some(parent), blob)))
    }

    /// Beyond the bound only one question is left: whether the cursor is still there.
    fn look_for_cursor(&mut self, mut node: Node) -> Result<(), Error> {
        let Some(stop_at) = self.stop_at else { return Ok(()) };
        while node.id != stop_at {
            self.refuse_to_go_on()?;
            let Some(parent) = node.parent else { return Ok(()) };
            if self.shallow.contains(&node.id) {
                self.limit(Limit::Shallow { commit: node.id.to_string() });
                return Ok(());
            }
            let Some(next) = self.node(parent)? else { return Ok(()) };
            node = next;
        }
        self.end = End::AtCursor;
        Ok(())
    }

    /// A history may be long, and whoever says stop does not wait for its end.
    fn refuse_to_go_on(&self) -> Result<(), Error> {
        if (self.stop)() {
            return Err(Error::Stopped { repository: self.repository.path.clone() });
        }
        Ok(())
    }

    fn note_bound(&mut self, commit: ObjectId) {
        if !self.limits.iter().any(|limit| matches!(limit, Limit::Since { .. })) {
            self.limits.push(Limit::Since { commit: commit.to_string() });
        }
    }

    fn limit(&mut self, limit: Limit) {
        self.limits.push(limit);
        self.end = End::Limit;
    }

    /// Reads a commit; `None` is a limit, noted.
    fn node(&mut self, id: ObjectId) -> Result<Option<Node>, Error> {
        let Some(object) = self.repository.object(id)? else {
            self.limit(Limit::MissingObject { id: id.to_string() });
            return Ok(None);
        };
        let damaged = |source| self.repository.damaged(id, Some(source));
        let commit = object.try_to_commit_ref().map_err(damaged)?;
        let committed_at = commit.committer().map_err(damaged)?.seconds();
        Ok(Some(Node { id, tree: commit.tree(), parent: commit.parents().next(), committed_at }))
    }

    /// The file below a root tree; the outer `None` is a limit, noted.
    #[expect(clippy::option_option, reason = "a missing tree and a missing file are two different answers")]
    fn blob(&mut self, root: ObjectId) -> Result<Option<Option<ObjectId>>, Error> {
        match self.path.look_up(self.repository, root)? {
            Entry::Absent => Ok(Some(None)),
            Entry::Blob(id) => Ok(Some(Some(id))),
            Entry::MissingTree(id) => {
                self.limit(Limit::MissingObject { id: id.to_string() });
                Ok(None)
            }
        }
    }
}

//! One look at one directory: has anything changed, and if so, what is there now? Reads, decides nothing.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::finding::{Finding, Seen, Severity};
use crate::domain::flake::Facts;
use crate::domain::flake::decide::NotUnderstood;
use crate::domain::id::FlakeId;
use crate::domain::lineage::LineageSeen;
use crate::domain::path::RecordedPath;
use crate::git::{self, AgainstHead, Repository, Tracked};
use crate::lint::Linter;
use crate::scan::{
    DEFAULT_LIMIT, FileStamp, FileText, Found, Options, ReadError, Verdict, Why, explain, ignores_everything, read_text,
};
use crate::store::{FileRow, HistoryCursor};

use super::super::chain;
use super::super::findings::Findings;
use super::super::history::{self, Past};
use super::super::known::Known;
use super::super::lineage;
use super::super::observe;
use super::device::device_at;
use super::files::add;
use super::tracked;
use super::unseen::Look;

const NOT_IN_GIT: &str = "not-in-git";
const DIRTY_LOCK: &str = "dirty-lock";

/// The rule of a past that ends early.
pub(super) const HISTORY_LIMITED: &str = "history-limited";

/// What is said in the place of `no-lock`, where that would be untrue.
const IGNORED_LOCK: &str = "flake.lock is ignored by git, so Nix does not see it; take it out of .gitignore, or run \
                            `git add --force flake.lock`";

/// What a look gave.
#[derive(Debug)]
pub(super) enum Glance {
    /// Nothing was read: every stamp is as it was.
    Unchanged(FlakeId),
    /// A lock without a flake.
    LockAlone(FileRow, Vec<Finding>),
    /// It was read.
    Read(Box<Sight>),
    /// It could not be read.
    Failed { code: &'static str, path: RecordedPath, message: String },
}

/// What is there now.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) id: FlakeId,
    pub(super) facts: Facts,
    pub(super) not_understood: NotUnderstood,
    pub(super) lineage: LineageSeen,
    pub(super) flake_findings: Seen,
    pub(super) lock_findings: Seen,
    /// What there was to look at for the rules on each.
    pub(super) flake_look: Look,
    pub(super) lock_look: Look,
    pub(super) stamp: Vec<u8>,
    pub(super) content: [u8; 32],
    /// The hash of `flake.nix` alone, by which an edit knows its own text again.
    pub(super) nix_hash: [u8; 32],
    pub(super) same_files: bool,
    pub(super) past: Option<Past>,
    /// Why the past could not be read.
    pub(super) past_failed: Option<String>,
    /// Whether the reading of the past was stopped.
    pub(super) past_stopped: bool,
    /// Whether the lock is there and was not read: whether it can be may change without a trace.
    pub(super) lock_unread: bool,
    /// Where the repository is, when recorded commits have to be compared with it.
    pub(super) repository: Option<std::path::PathBuf>,
}

pub(super) struct Looker<'a> {
    pub(super) known: &'a Known,
    pub(super) history: bool,
    pub(super) since: Option<i64>,
    /// The rules, when their findings are wanted, and how bad these must be.
    pub(super) rules: Option<(&'a Linter, Severity)>,
    /// What read the files and by which rules: another one looks again at what has not changed.
    pub(super) extractor: u32,
    /// Set when the scan is to end.
    pub(super) stop: &'a AtomicBool,
}

impl Looker<'_> {
    /// Looks at a directory; `moved` is the id of the flake that moved there, if one did.
    pub(super) fn look(&self, at: &Found, moved: Option<FlakeId>, near: &mut git::Near) -> Glance {
        let Some(nix_stamp) = at.flake_nix else { return self.lock_alone(at, near) };
        let row = self.known.file(&at.dir);
        let flake = self.known.flake(&at.dir).filter(|flake| !flake.removed);
        let limited = flake.and_then(|flake| self.known.cursor(flake.id)).is_some_and(|cursor| !cursor.complete);
        let stamp = stamp(nix_stamp, at, limited);
        if let (Some(row), Some(flake)) = (row, flake)
            && (row.stamp == stamp || !self.history && row.stamp == without_past(&stamp))
            && row.extractor == self.extractor
            && self.past_is_read(flake.id)
        {
            return Glance::Unchanged(flake.id);
        }
        let id =
            moved.or(self.known.flake(&at.dir).map(|flake| flake.id)).unwrap_or_else(|| self.known.new_id(&at.dir));
        // Taken before anything is read: what changes meanwhile is seen by the next scan.
        let other = self::stamp(nix_stamp, at, !limited);
        match self.read(at, id, stamp, near) {
            Ok(mut sight) => {
                // What it was before it moved is remembered where it was.
                if let Some(from) = moved.and_then(|id| self.known.flakes().find(|flake| flake.id == id)) {
                    sight.same_files = self.was(&from.directory, sight.content);
                }
                if sight.past.as_ref().is_some_and(|past| past.cursor.complete == limited) {
                    sight.stamp = other;
                }
                if !self.history {
                    sight.stamp = without_past(&sight.stamp);
                }
                if sight.past_stopped || sight.lock_unread {
                    sight.stamp = unfinished(&sight.stamp);
                }
                Glance::Read(Box::new(sight))
            }
            Err(error) => failed(&error),
        }
    }

    /// Whether the files of a directory were the same when they were read last.
    fn was(&self, directory: &Path, content: [u8; 32]) -> bool {
        self.known.file(directory).is_some_and(|row| row.content == content)
    }

    fn past_is_read(&self, flake: FlakeId) -> bool {
        !self.history
            || self.known.cursor(flake).is_some_and(|cursor| match (cursor.since, self.since) {
                (None, _) => true,
                (Some(then), Some(now)) => then <= now.saturating_mul(1_000_000),
                (Some(_), None) => false,
            })
    }

    fn read(&self, at: &Found, id: FlakeId, stamp: Vec<u8>, near: &mut git::Near) -> Result<Sight, ReadError> {
        let nix_path = at.dir.join("flake.nix");
        let lock_path = at.dir.join("flake.lock");
        let nix = read_text(&nix_path, DEFAULT_LIMIT)?;
        let (lock, unread) = read_lock(at, near);
        let mut seen = observe::read(&nix.text, lock.as_ref().map(|lock| lock.text.as_str()));
        let (mut flake_findings, mut lock_findings) = (Seen::from(seen.flake_findings), Seen::from(seen.lock_findings));
        if let Some((linter, least)) = self.rules {
            // Without the time: what is true only because time passes is no event.
            let found = linter.check_whole_flake(Some(&nix.text), lock.as_ref().map(|lock| &*lock.text), None);
            add(&mut flake_findings, &found.nix, least);
            add(&mut lock_findings, &found.lock, least);
        }
        let is_unseen = at.excluded_lock || !unread.is_empty();
        if is_unseen {
            // There is a lock, and nobody knows what is in it.
            seen.not_understood.lock = true;
            flake_findings.findings.retain(|finding| finding.code != "no-lock");
        }
        let lock_unread = at.unseen.flake_lock.is_none() && !unread.is_empty();
        lock_findings.findings.extend(unread);
        if at.ignored_lock.is_some() {
            say_it_is_ignored(&mut flake_findings);
        }
        let content = content(&nix, lock.as_ref());
        let (flake_look, lock_look) =
            Look::at_flake(seen.not_understood, &flake_findings, lock.is_some() || is_unseen, lock.is_some());
        let mut sight = Sight {
            id,
            facts: seen.facts,
            not_understood: seen.not_understood,
            lineage: LineageSeen::Known(None),
            flake_findings,
            lock_findings,
            flake_look,
            lock_look,
            stamp,
            content,
            nix_hash: *nix.hash().as_bytes(),
            same_files: self.was(&at.dir, content),
            past: None,
            past_failed: None,
            past_stopped: false,
            lock_unread,
            repository: None,
        };
        let mut git_findings = Findings::default();
        let mut lock_git_findings = Findings::default();
        lossy(&nix, &mut git_findings);
        match near.discover(&at.dir) {
            Err(error) => {
                sight.lineage = LineageSeen::Unknown;
                sight.flake_look.without([NOT_IN_GIT]);
                sight.lock_look.without([NOT_IN_GIT, DIRTY_LOCK]);
                git_findings.add("git-unreadable", None, "", format!("{}; its git facts are unknown", chain(&error)));
            }
            Ok(None) => sight.past = self.history.then(|| no_past(id)),
            Ok(Some(repository)) => {
                let mut causes = Causes::default();
                let answer = not_in_git(repository, &nix_path, &mut git_findings);
                sight.flake_look.without(causes.tell(answer, NOT_IN_GIT, "flake.nix", &mut git_findings));
                if lock.is_some() {
                    let answer = not_in_git(repository, &lock_path, &mut lock_git_findings);
                    sight.lock_look.without(causes.tell(answer, NOT_IN_GIT, "flake.lock", &mut lock_git_findings));
                    let answer = dirty_lock(repository, &lock_path, &mut lock_git_findings);
                    sight.lock_look.without(causes.tell(answer, DIRTY_LOCK, "lock", &mut lock_git_findings));
                } else if is_unseen {
                    sight.lock_look.without([NOT_IN_GIT, DIRTY_LOCK]);
                }
                self.repository(repository, at, &mut sight, &mut causes);
            }
        }
        if sight.past.is_none() || sight.past_stopped {
            sight.lock_look.without([HISTORY_LIMITED]);
        }
        sight.flake_findings.findings.extend(git_findings.into_list());
        sight.lock_findings.findings.extend(lock_git_findings.into_list());
        Ok(sight)
    }

    /// Lineage, and the past of the lock where it is asked for.
    fn repository(&self, repository: &Repository, at: &Found, sight: &mut Sight, causes: &mut Causes) {
        sight.lineage = lineage::of(repository, &at.dir);
        let inside = repository.inside(&at.dir).unwrap_or_default();
        // A lock that is left out is left out with its past.
        if !self.history || at.excluded_lock {
            return;
        }
        let cursor = self.known.cursor(sight.id);
        let stop = || self.stop.load(Ordering::Relaxed);
        match history::read(repository, &inside.join("flake.lock"), sight.id, self.since, cursor, &stop) {
            Ok(past) => {
                sight.past_stopped = past.stopped;
                let mut limits = Findings::default();
                for limit in &past.limits {
                    limits.add(HISTORY_LIMITED, None, "", limit.clone());
                }
                sight.lock_findings.findings.extend(limits.into_list());
                sight.past = Some(past);
            }
            Err(git::Error::Stopped { .. }) => sight.past_stopped = true,
            Err(error) => sight.past_failed = causes.untold(&error),
        }
        sight.repository = Some(at.dir.clone());
    }

    fn lock_alone(&self, at: &Found, near: &mut git::Near) -> Glance {
        let mut findings = Findings::default();
        let message = match passed_over(at, near) {
            None => {
                Some("flake.lock stands without a flake.nix, so Nix ignores it; restore flake.nix or delete the lock")
            }
            Some(true) => Some(
                "flake.nix is ignored by git, so Nix sees neither it nor this lock; take it out of .gitignore, or run \
                 `git add --force flake.nix`",
            ),
            Some(false) => None,
        };
        if let Some(message) = message {
            findings.add("lock-without-flake", None, "", message.to_owned());
        }
        // Of a flake that was read here before, what it is known again by stays: device and content.
        let known = self.known.file(&at.dir);
        let device = known.and_then(FileRow::device).or_else(|| device_at(&at.dir)).unwrap_or_default();
        let lock = at.flake_lock.map_or([0; 40], FileStamp::to_bytes);
        let row = FileRow {
            path: at.dir.clone(),
            stamp: [&device.to_be_bytes()[..], &lock].concat(),
            content: known.map_or([0; 32], |row| row.content),
            extractor: self.extractor,
            flake: None,
        };
        Glance::LockAlone(row, findings.into_list())
    }
}

/// The lock, where there is one that can be read, and what is found where there is one that cannot: the flake is read all the
/// same.
fn read_lock(at: &Found, near: &mut git::Near) -> (Option<FileText>, Vec<Finding>) {
    let unseen: Vec<Finding> = at.unseen.flake_lock.iter().flat_map(|why| unreadable(why)).collect();
    if !has_lock(at, near.discover(&at.dir).ok().flatten()) {
        return (None, unseen);
    }
    match read_text(&at.dir.join("flake.lock"), DEFAULT_LIMIT) {
        Ok(lock) => (Some(lock), unseen),
        Err(error) => {
            let mut findings = Findings::default();
            findings.add(error.code(), None, "", chain(&error));
            (None, unseen.into_iter().chain(findings.into_list()).collect())
        }
    }
}

/// The finding that a file is there and cannot be looked at.
fn unreadable(why: &str) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.add("unreadable", None, "", why.to_owned());
    findings.into_list()
}

/// What tells cheaply whether a look would see anything new: the device, then a hash of every stamp that matters. Where the
/// past ends early, what may bring the rest of it matters as well.
fn stamp(nix: FileStamp, at: &Found, limited: bool) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&nix.to_bytes());
    let mut optional = |stamp: Option<FileStamp>| {
        hasher.update(&[u8::from(stamp.is_some())]);
        hasher.update(&stamp.map_or([0; 40], FileStamp::to_bytes));
    };
    optional(at.flake_lock.or(at.ignored_lock));
    let edge = if limited { git::stamped_edge(&at.dir) } else { Vec::new() };
    for path in git::stamped(&at.dir).into_iter().chain(git::stamped_rules(&at.dir)).chain(edge) {
        optional(std::fs::metadata(&path).ok().map(|meta| FileStamp::new(&meta)));
    }
    if let Some(why) = &at.unseen.flake_lock {
        hasher.update(b"unseen lock").update(why.as_bytes());
    }
    if at.flake_lock.is_none() && at.ignored_lock.is_some() {
        hasher.update(b"ignored lock");
    }
    if at.excluded_lock {
        hasher.update(b"excluded lock");
    }
    // Not that of `flake.nix`, which may be a link to another one.
    let device = device_at(&at.dir).unwrap_or(nix.dev);
    [&device.to_be_bytes()[..], hasher.finalize().as_bytes()].concat()
}

/// The device alone, which is the stamp of nothing: the next scan looks again.
pub(super) fn unfinished(stamp: &[u8]) -> Vec<u8> {
    stamp.iter().copied().take(size_of::<u64>()).collect()
}

/// The stamp of a look that left the past alone: enough for another such look, and not for one that wants the past.
fn without_past(stamp: &[u8]) -> Vec<u8> {
    let (device, rest) = stamp.split_at(stamp.len().min(size_of::<u64>()));
    let mut hasher = blake3::Hasher::new();
    hasher.update(rest).update(b"without the past");
    [device, hasher.finalize().as_bytes()].concat()
}

/// What tells two states of a flake apart, byte by byte.
pub(super) fn content(nix: &FileText, lock: Option<&FileText>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(nix.hash().as_bytes());
    if let Some(lock) = lock {
        hasher.update(lock.hash().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// A lock that git's rules leave out is there, though Nix does not see it.
fn say_it_is_ignored(findings: &mut Seen) {
    for finding in findings.findings.iter_mut().filter(|finding| finding.code == "no-lock") {
        IGNORED_LOCK.clone_into(&mut finding.message);
    }
}

/// Whether there is a lock for Nix: one that git's rules leave out counts where git tracks it, or cannot be asked.
pub(super) fn has_lock(at: &Found, repository: Option<&Repository>) -> bool {
    at.flake_lock.is_some() || at.ignored_lock.is_some() && tracked::counts(&at.dir.join("flake.lock"), repository)
}

/// Whether git, and so Nix, does not see a `flake.nix` that is there and was not walked; none when there is none.
fn passed_over(at: &Found, near: &mut git::Near) -> Option<bool> {
    let (dir, nix) = (&*at.dir, at.dir.join("flake.nix"));
    if at.unseen.flake_nix.is_some() {
        return Some(false);
    }
    if !nix.is_file() {
        return None;
    }
    let explained = explain(&nix, &[dir.to_owned()], &Options::default()).ok()?;
    let is_ignored =
        at.ignored_nix.is_some() || matches!(explained.verdict, Verdict::Skipped { why: Why::GitIgnored { .. }, .. });
    let repository = near.discover(dir).ok().flatten();
    let is_unseen = repository.is_some_and(|it| matches!(it.tracked(&nix), Ok(Tracked::No)));
    Some(is_ignored && is_unseen)
}

fn no_past(flake: FlakeId) -> Past {
    Past {
        commits: Vec::new(),
        rewritten: false,
        cursor: HistoryCursor { flake, head: String::new(), since: None, complete: true },
        limits: Vec::new(),
        unreadable: Vec::new(),
        stopped: false,
    }
}

fn lossy(nix: &FileText, findings: &mut Findings) {
    if nix.lossy {
        findings.add("not-utf8", None, "", "some bytes are not UTF-8 and were read as `\u{fffd}`".to_owned());
    }
}

/// Why a repository could not be read, each cause told once: a damaged HEAD or index meets more than one question.
#[derive(Default)]
struct Causes(HashSet<String>);

impl Causes {
    /// Adds the finding that the question of a rule about a file has no answer, and gives the rules without one.
    fn tell(
        &mut self,
        answer: Result<(), git::Error>,
        rule: &'static str,
        about: &str,
        findings: &mut Findings,
    ) -> Option<&'static str> {
        let error = answer.err()?;
        if let Some(cause) = self.untold(&error) {
            findings.add("git-unreadable", None, about, cause);
        }
        Some(rule)
    }

    /// The cause in words; none when it was told.
    fn untold(&mut self, error: &git::Error) -> Option<String> {
        let cause = chain(error);
        self.0.insert(cause.clone()).then_some(cause)
    }
}

fn not_in_git(repository: &Repository, path: &Path, findings: &mut Findings) -> Result<(), git::Error> {
    if repository.tracked(path)? == Tracked::No {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let advice = if ignores_everything(repository.path()) {
            // `git add` alone would refuse.
            format!("run `git add --force {name}`, or `git init` to make it a repository of its own")
        } else {
            format!("run `git add {name}`")
        };
        let message = format!("{name} is not added to git, so Nix does not see it; {advice}");
        findings.add(NOT_IN_GIT, None, &name, message);
    }
    Ok(())
}

fn dirty_lock(repository: &Repository, path: &Path, findings: &mut Findings) -> Result<(), git::Error> {
    if repository.against_head(path)? == AgainstHead::Differs {
        let message = "flake.lock has changes that are not committed; commit it, or `git checkout HEAD -- flake.lock`";
        findings.add(DIRTY_LOCK, None, "", message.to_owned());
    }
    Ok(())
}

fn failed(error: &ReadError) -> Glance {
    Glance::Failed { code: error.code(), path: RecordedPath::new(error.path()), message: chain(error) }
}

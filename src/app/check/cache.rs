//! What was found in files that have not changed since: one small file for each set of paths, safe to delete.
//!
//! A line is one item: the hash of its paths, its stamps, and what was found. The first line says for which rules, release
//! and day; another one makes the whole file worthless. Anything that cannot be read is as if it were not there.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{CheckRequest, Item, Looked};
use crate::domain::finding::Severity;
use crate::lint::{Finding, Fix, Place, Rule, Safety};
use crate::scan::FileStamp;
use crate::store::file::write_private;
use crate::syntax::edit::Edit;

/// A file that changed this close to the look may change again without another stamp.
const SETTLED_NS: i64 = 2_000_000_000;
/// How many sets of paths are remembered.
const MAX_FILES: usize = 64;

/// What is remembered of one set of paths.
#[derive(Debug, Default)]
pub(super) struct Cache {
    path: Option<PathBuf>,
    head: String,
    known: HashMap<String, Line>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// The hash of the paths.
    p: String,
    /// The hash of the stamps.
    s: String,
    /// Findings of the Nix file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    n: Vec<Stored>,
    /// Findings of the lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    l: Vec<Stored>,
    /// The files beside it that were asked for, and a hash of their stamps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    b: Vec<PathBuf>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    t: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    rule: String,
    severity: u8,
    range: (usize, usize),
    place: (u32, u32, u32, u32),
    message: String,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fix: Option<StoredFix>,
}

/// Whether it is safe, and its edits.
type StoredFix = (bool, Vec<(usize, usize, String)>);

impl Cache {
    pub(super) fn open(request: &CheckRequest, today: &str) -> Self {
        let Some(directory) = &request.cache else { return Self::default() };
        let mut hasher = blake3::Hasher::new();
        for path in &request.paths {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            hasher.update(path.as_os_str().as_bytes());
            hasher.update(&[0]);
        }
        let path = directory.join("check").join(format!("{}.jsonl", short(&hasher.finalize())));
        let head = head(request, today);
        let known = load(&path, &head).unwrap_or_default();
        Self { path: Some(path), head, known }
    }

    /// What is known of an item, when no stamp has changed.
    pub(super) fn find(&self, item: &Item) -> Option<Looked> {
        if self.known.is_empty() || item.unseen_lock {
            return None;
        }
        let line =
            self.known.get(&paths(item)).filter(|line| line.s == stamps(item) && line.t == stamps_beside(&line.b))?;
        let restored = |list: &[Stored]| list.iter().map(restore).collect::<Option<Vec<_>>>();
        Some(Looked { nix: restored(&line.n)?, lock: restored(&line.l)?, failed: None, beside: line.b.clone() })
    }

    /// Remembers; what cannot be written is read again the next time.
    pub(super) fn keep(&self, items: &[Item], looked: &[Looked], now: i64) {
        let Some(path) = &self.path else { return };
        let lines: Vec<Line> = items
            .iter()
            .zip(looked)
            .filter(|(item, looked)| looked.failed.is_none() && !item.unseen_lock && settled(item, now))
            // A path that JSON cannot hold is read again.
            .filter(|(_, looked)| looked.beside.iter().all(|path| path.to_str().is_some()))
            .map(|(item, looked)| Line {
                p: paths(item),
                s: stamps(item),
                n: looked.nix.iter().map(store).collect(),
                l: looked.lock.iter().map(store).collect(),
                b: looked.beside.clone(),
                t: stamps_beside(&looked.beside),
            })
            .collect();
        let same = |line: &Line| self.known.get(&line.p).is_some_and(|known| known.s == line.s && known.t == line.t);
        if lines.len() == self.known.len() && lines.iter().all(same) {
            return;
        }
        let mut text = format!("{}\n", self.head);
        for line in lines {
            text.extend(serde_json::to_string(&line).ok());
            text.push('\n');
        }
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).unwrap_or_default();
            sweep(directory);
        }
        if let Err(error) = write_private(path, text.as_bytes()) {
            tracing::debug!(%error, "the cache of checks was not written");
        }
    }
}

/// What tells whether a file beside an item is another now, or is there at all.
fn stamps_beside(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        let stamp = std::fs::metadata(path).ok().map(|meta| FileStamp::new(&meta).to_bytes());
        hasher.update(&[u8::from(stamp.is_some())]);
        hasher.update(&stamp.unwrap_or([0; 40]));
    }
    short(&hasher.finalize())
}

/// For which release, rules and day the findings are.
fn head(request: &CheckRequest, today: &str) -> String {
    let selection = format!("{:?}", request.selection);
    let hash = short(&blake3::hash(selection.as_bytes()));
    format!("cim-nix {} {} {today} {hash}", env!("CARGO_PKG_VERSION"), program())
}

/// Size and time of the program: another build may have other rules.
fn program() -> String {
    let stamp = std::env::current_exe().and_then(std::fs::metadata).map(|meta| FileStamp::new(&meta));
    stamp.map_or_else(|_| String::new(), |stamp| format!("{}-{}", stamp.size, stamp.mtime_ns))
}

fn load(path: &Path, head: &str) -> Option<HashMap<String, Line>> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    if lines.next() != Some(head) {
        return None;
    }
    let lines = lines.map(|line| serde_json::from_str::<Line>(line).map(|line| (line.p.clone(), line)));
    lines.collect::<Result<_, _>>().ok()
}

fn files(item: &Item) -> impl Iterator<Item = &(PathBuf, FileStamp)> {
    item.nix.iter().chain(&item.lock)
}

fn paths(item: &Item) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, _) in files(item) {
        hasher.update(path.as_os_str().as_bytes());
        hasher.update(&[0]);
    }
    short(&hasher.finalize())
}

fn stamps(item: &Item) -> String {
    let mut hasher = blake3::Hasher::new();
    for (_, stamp) in files(item) {
        hasher.update(&stamp.to_bytes());
    }
    short(&hasher.finalize())
}

fn short(hash: &blake3::Hash) -> String {
    hash.to_hex().get(..24).unwrap_or_default().to_owned()
}

fn settled(item: &Item, now: i64) -> bool {
    files(item).all(|(_, stamp)| stamp.ctime_ns.saturating_add(SETTLED_NS) < now.saturating_mul(1000))
}

fn store(finding: &Finding) -> Stored {
    let Place { line, column, end_line, end_column } = finding.place;
    let edits = |fix: &Fix| fix.edits.iter().map(|edit| (edit.start, edit.end, edit.text.clone())).collect();
    Stored {
        rule: finding.rule.name.to_owned(),
        severity: finding.severity as u8,
        range: (finding.start, finding.end),
        place: (line, column, end_line, end_column),
        message: finding.message.clone(),
        fingerprint: finding.fingerprint.clone(),
        fix: finding.fix.as_ref().map(|fix| (fix.safety == Safety::Safe, edits(fix))),
    }
}

fn restore(stored: &Stored) -> Option<Finding> {
    let (line, column, end_line, end_column) = stored.place;
    let severities = [Severity::Info, Severity::Warning, Severity::Error];
    let edit = |(start, end, text): &(usize, usize, String)| Edit { start: *start, end: *end, text: text.clone() };
    let fix = |(safe, edits): &StoredFix| Fix {
        safety: if *safe { Safety::Safe } else { Safety::Review },
        edits: edits.iter().map(edit).collect(),
    };
    Some(Finding {
        rule: Rule::named(&stored.rule)?,
        severity: severities.into_iter().find(|severity| *severity as u8 == stored.severity)?,
        start: stored.range.0,
        end: stored.range.1,
        place: Place { line, column, end_line, end_column },
        message: stored.message.clone(),
        fix: stored.fix.as_ref().map(fix),
        fingerprint: stored.fingerprint.clone(),
        // What is meant is not told, so not kept.
        meant: None,
    })
}

/// Lets the oldest go when there are too many.
fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut files: Vec<_> =
        entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    files.sort();
    let surplus = files.len().saturating_sub(MAX_FILES);
    for (_, path) in files.into_iter().take(surplus) {
        std::fs::remove_file(path).unwrap_or_default();
    }
}

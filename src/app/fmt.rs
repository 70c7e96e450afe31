//! `fmt`: the Nix files below some paths in the official style, or in that of the user's own formatter.
//!
//! A file is left alone when it cannot be parsed, when the result would say something else, or when somebody else wrote
//! it in the meantime. Nothing here touches the ledger.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rayon::prelude::*;

use crate::process::{self, ProcessError, Program};
use crate::scan::{DEFAULT_LIMIT, FileText, ReadError, read_text};
use crate::store::file::{self, WriteError};
use crate::syntax::format::{self, FormatError};

use super::AppError;

mod cache;
mod find;

use cache::Cache;
use find::Files;

/// How long the user's own formatter may take for a file.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Expressions nest, and so do the formatter's calls.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// What to format, and how.
#[derive(Debug, Clone)]
pub struct FmtRequest {
    /// Files, and directories with everything below them; absolute.
    pub paths: Vec<PathBuf>,
    /// Patterns as in a `.gitignore`; what they match is left out.
    pub excludes: Vec<String>,
    /// Threads to work with; 0 for as many as there are processors.
    pub threads: usize,
    /// Only files that are not as they were in this commit.
    pub since: Option<String>,
    /// Whether files are written; otherwise it is only told what would change.
    pub write: bool,
    /// The formatter.
    pub formatter: Formatter,
    /// Where it is remembered which contents are formatted already; a file that may be deleted at any time.
    pub cache: PathBuf,
}

/// What makes the style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatter {
    /// The official one, built in.
    Official,
    /// A program of the user's own, with its arguments: Nix on stdin, Nix on stdout.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        /// Where it runs.
        directory: PathBuf,
    },
}

/// What became of the files.
#[derive(Debug, Default)]
pub struct FmtReport {
    /// How many files were looked at.
    pub files: u64,
    /// Those that changed, or would, in path order.
    pub changed: Vec<Change>,
    /// Those that were left alone because something is wrong, in path order.
    pub refused: Vec<Refusal>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// A file that changed, or would.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// Its text before and after; only when nothing was written.
    pub texts: Option<(String, String)>,
}

/// A file that was left alone.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The file.
    pub path: PathBuf,
    /// The line that is to blame, counted from 1.
    pub line: Option<u32>,
    /// One sentence.
    pub message: String,
}

/// Why a text or a file was not formatted.
#[derive(Debug, thiserror::Error)]
pub enum FmtError {
    /// It cannot be formatted.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The user's own formatter did not do it.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written.
    #[error(transparent)]
    Replace(#[from] WriteError),
    /// It is not text.
    #[error("some of its bytes are not UTF-8; save it as UTF-8")]
    NotUtf8,
    /// What the user's own formatter wrote is not text.
    #[error("`{program}` wrote bytes that are not UTF-8; correct the setting `formatter`")]
    OutputNotUtf8 {
        /// The program.
        program: String,
    },
}

/// Formats every file that is meant. Nothing is written once `stop` is set.
pub fn fmt(request: &FmtRequest, stop: &AtomicBool) -> Result<FmtReport, AppError> {
    let Files { files, mut refused } = find::files(request)?;
    // Of a program nobody knows when it will think otherwise, so only the official style is remembered.
    let cache = (request.formatter == Formatter::Official).then(|| Cache::open(&request.cache));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).stack_size(STACK_BYTES).build();
    let work = Work { request, cache: cache.as_ref(), stop };
    let done: Vec<Done> =
        pool.map_err(AppError::Threads)?.install(|| files.par_iter().map(|file| work.file(file)).collect());
    let mut report = FmtReport { interrupted: stop.load(Ordering::SeqCst), ..FmtReport::default() };
    let mut formatted = Vec::new();
    for one in done {
        report.files += u64::from(!matches!(one, Done::Not));
        match one {
            Done::Not => {}
            Done::Already(key) => formatted.push(key),
            Done::Changed(key, change) => {
                formatted.extend(key);
                report.changed.push(change);
            }
            Done::Refused(refusal) => refused.push(refusal),
        }
    }
    refused.sort();
    report.refused = refused;
    if let Some(cache) = cache {
        cache.keep(&formatted);
    }
    Ok(report)
}

/// A text as the formatter would have it.
pub fn format_text(text: &str, formatter: &Formatter) -> Result<String, FmtError> {
    let Formatter::Program { command, directory } = formatter else { return Ok(format::format(text)?) };
    if format::asks_to_be_left(text) {
        return Ok(text.to_owned());
    }
    let program = Program { command, directory, timeout: TIMEOUT, limit: limit() };
    let after = String::from_utf8(process::run(program, text.as_bytes().to_vec())?)
        .map_err(|_| FmtError::OutputNotUtf8 { program: command.first().cloned().unwrap_or_default() })?;
    format::verify(text, &after)?;
    Ok(after)
}

fn limit() -> usize {
    usize::try_from(DEFAULT_LIMIT).unwrap_or(usize::MAX)
}

/// What became of one file.
enum Done {
    /// It was not looked at: the run was stopped.
    Not,
    /// It is formatted; remembered by this key.
    Already(cache::Key),
    /// It changed, or would; the key of the new content once that is written.
    Changed(Option<cache::Key>, Change),
    Refused(Refusal),
}

struct Work<'a> {
    request: &'a FmtRequest,
    cache: Option<&'a Cache>,
    stop: &'a AtomicBool,
}

impl Work<'_> {
    fn file(&self, path: &Path) -> Done {
        if self.stop.load(Ordering::Relaxed) {
            return Done::Not;
        }
        self.try_file(path).unwrap_or_else(|error| {
            let line = if let FmtError::Format(error) = &error { error.line() } else { None };
            Done::Refused(Refusal { path: path.to_owned(), line, message: sentence(&error) })
        })
    }

    fn try_file(&self, path: &Path) -> Result<Done, FmtError> {
        let before = read_text(path, DEFAULT_LIMIT)?;
        let hash = before.hash();
        let key = cache::key(&hash);
        if self.cache.is_some_and(|cache| cache.holds(&key)) {
            return Ok(Done::Already(key));
        }
        let FileText { text, lossy, .. } = before;
        if lossy {
            return Err(FmtError::NotUtf8);
        }
        let after = format_text(&text, &self.request.formatter)?;
        if after == text {
            return Ok(Done::Already(key));
        }
        let path = path.to_owned();
        if !self.request.write {
            return Ok(Done::Changed(None, Change { path, texts: Some((text, after)) }));
        }
        file::replace(&path, hash.as_bytes(), after.as_bytes())?;
        let key = cache::key(&blake3::hash(after.as_bytes()));
        Ok(Done::Changed(Some(key), Change { path, texts: None }))
    }
}

/// An error with its causes, in one line.
fn sentence(error: &FmtError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    text
}

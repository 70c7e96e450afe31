//! `fmt`: format Nix files, or say which are not formatted.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::Run;
use crate::app::edit::diff;
use crate::app::fmt::{self, Change, FmtReport, FmtRequest, Formatter, Refusal};
use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::path::{PathFields, for_people};
use crate::cli::text::plural;

/// The most that is read from stdin.
const STDIN_BYTES: u64 = 16 * 1024 * 1024;

/// Format Nix files in the official style
///
/// Without a PATH, everything below the current directory that git tracks or does not ignore. A file that is no Nix, or
/// would say something else or lose a comment, is left as it is and named; then the exit code is 1. `/*nixfmt:disable*/` on
/// a line of its own keeps what follows up to `/*nixfmt:enable*/`, `# nixfmt: disable` at the top of a file keeps all of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// Files, and directories with the `*.nix` below them; `-` for stdin to stdout
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; exit with 1 when a file is not formatted
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    diff: bool,
    /// Only files that are not as they were in this commit, with those that git does not know
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Pass over what matches, as in a `.gitignore`; may be repeated [env: `CIM_NIX_EXCLUDES`]
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

impl Run for Fmt {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        if self.diff && !matches!(context.global.format(), Format::Human) {
            return Err(Failure::new(Kind::Usage, "`--diff` shows a diff, which has no other format")
                .hinted("leave `--diff` or the format out"));
        }
        let failed = if self.paths.iter().any(|path| path == Path::new("-")) {
            self.stdin(context)?
        } else {
            self.files(context)?
        };
        Ok(if failed { ExitCode::from(Kind::Refused.code()) } else { ExitCode::SUCCESS })
    }
}

impl Fmt {
    /// Formats files; gives back whether that is a failure.
    fn files(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let stop = interrupt::flag()?;
        let report = fmt::fmt(&self.request(context), &stop)?;
        let interrupted = report.interrupted;
        let failed = !report.refused.is_empty() || (self.check && !report.changed.is_empty());
        if self.diff {
            report.changed.iter().try_for_each(|change| show(change, context))?;
            report.refused.iter().for_each(|refusal| context.printer.say(refused(&Refused::of(refusal))));
        } else {
            context.printer.answer(&Formatted::of(&report, !self.check))?;
        }
        if interrupted {
            context.printer.flush()?;
            return Err(Failure::new(Kind::Interrupted, "formatting was stopped before its end")
                .hinted("run it again: what is formatted stays so"));
        }
        Ok(failed)
    }

    fn request(&self, context: &Context<'_>) -> FmtRequest {
        let mut paths: Vec<PathBuf> = self.paths.iter().map(|path| context.directory.join(path)).collect();
        if paths.is_empty() {
            paths.push(context.directory.clone());
        }
        FmtRequest {
            paths,
            excludes: context.settings.excludes.iter().chain(&self.exclude).cloned().collect(),
            threads: context.settings.threads,
            since: self.since.clone(),
            write: !self.check && !self.diff,
            formatter: formatter(context),
            cache: context.places.formatted_files(),
        }
    }

    /// Formats stdin; gives back whether that is a failure.
    fn stdin(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        if self.paths.len() > 1 || self.since.is_some() {
            return Err(Failure::new(Kind::Usage, "stdin is one text without a past: `-` stands alone")
                .hinted("leave the other paths and `--since` out"));
        }
        let before = read_stdin()?;
        let after = fmt::format_text(&before, &formatter(context)).map_err(|error| {
            let failure = Failure::of(Kind::Refused, &error);
            match &error {
                fmt::FmtError::Format(error) if error.line().is_some() => {
                    failure.hinted(format!("look at line {}", error.line().unwrap_or_default()))
                }
                _ => failure,
            }
        })?;
        let changed = before != after;
        if self.diff {
            let texts = Some((before, after));
            show(&Change { path: PathBuf::from("stdin"), texts }, context)?;
        } else if !self.check {
            context.printer.text(&after)?;
        }
        Ok(self.check && changed)
    }
}

fn formatter(context: &Context<'_>) -> Formatter {
    match context.settings.formatter.as_slice() {
        [] => Formatter::Official,
        command => Formatter::Program { command: command.to_vec(), directory: context.directory.clone() },
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(STDIN_BYTES + 1).read_to_string(&mut text);
    let read = read.map_err(|error| Failure::file("read", Path::new("-"), &error).hinted("give it text in UTF-8"))?;
    if u64::try_from(read).is_ok_and(|read| read <= STDIN_BYTES) {
        return Ok(text);
    }
    Err(Failure::new(Kind::Refused, format!("stdin holds more than {STDIN_BYTES} bytes")))
}

/// Prints what changes in a file as a unified diff.
fn show(change: &Change, context: &mut Context<'_>) -> Result<(), Failure> {
    let Some((before, after)) = &change.texts else { return Ok(()) };
    let text = diff(&change.path, &context.directory, before, after);
    text.lines().try_for_each(|line| context.printer.line(line))
}

/// `cim-nix/fmt/1`.
#[derive(Debug, Serialize)]
struct Formatted {
    files: u64,
    changed: Vec<PathFields>,
    refused: Vec<Refused>,
    #[serde(skip)]
    written: bool,
    #[serde(skip)]
    records: Vec<Record>,
}

#[derive(Debug, Clone, Serialize)]
struct Refused {
    #[serde(flatten)]
    path: PathFields,
    line: Option<u32>,
    message: String,
}

/// What became of one file.
#[derive(Debug, Serialize)]
struct Record {
    /// `changed` or `refused`.
    what: &'static str,
    #[serde(flatten)]
    path: PathFields,
    line: Option<u32>,
    message: Option<String>,
}

impl Refused {
    fn of(refusal: &Refusal) -> Self {
        let Refusal { path, line, message } = refusal;
        Self { path: PathFields::from(path.as_path()), line: *line, message: message.clone() }
    }
}

impl Formatted {
    fn of(report: &FmtReport, written: bool) -> Self {
        let changed: Vec<_> = report.changed.iter().map(|change| PathFields::from(change.path.as_path())).collect();
        let refused: Vec<_> = report.refused.iter().map(Refused::of).collect();
        let records = changed
            .iter()
            .map(|path| Record { what: "changed", path: path.clone(), line: None, message: None })
            .chain(refused.iter().cloned().map(|Refused { path, line, message }| Record {
                what: "refused",
                path,
                line,
                message: Some(message),
            }))
            .collect();
        Self { files: report.files, changed, refused, written, records }
    }
}

impl Answer for Formatted {
    const NAME: &'static str = "fmt";
    type Record = Record;

    fn records(&self) -> &[Record] {
        &self.records
    }

    fn cells(record: &Record) -> Vec<String> {
        let line = record.line.map(|line| line.to_string()).unwrap_or_default();
        [record.what.to_owned(), record.path.path.clone(), line, record.message.clone().unwrap_or_default()].into()
    }

    fn page(&self, page: &mut Page) {
        let verb = if self.written { "formatted" } else { "not formatted:" };
        for path in &self.changed {
            page.line(format!("{verb} {}", for_people(&path.path)));
        }
        for one in &self.refused {
            page.line(refused(one));
        }
        if !self.changed.is_empty() || !self.refused.is_empty() {
            page.gap();
        }
        page.line(self.sum());
    }
}

impl Formatted {
    /// `12 files: 2 formatted, 9 as they should be, 1 left alone`.
    fn sum(&self) -> String {
        let count = |list: usize| u64::try_from(list).unwrap_or(u64::MAX);
        let (changed, refused) = (count(self.changed.len()), count(self.refused.len()));
        let rest = self.files.saturating_sub(changed.saturating_add(refused));
        let verb = if self.written { "formatted" } else { "not formatted" };
        let parts = [(changed, verb), (rest, "as it should be"), (refused, "left alone")];
        let parts: Vec<_> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        match parts.as_slice() {
            [] => "no Nix files".to_owned(),
            parts => format!("{}: {}", plural(self.files, "file"), parts.join(", ")),
        }
    }
}

/// Where and why a file was left alone.
fn refused(one: &Refused) -> String {
    let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("left alone: {}{line}: {}", for_people(&one.path.path), one.message)
}

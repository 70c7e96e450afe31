//! `check`: what is wrong with Nix files, for people, scripts and code scanning.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use uuid::Uuid;

use super::Run;
use crate::app::check::{self, CheckReport, CheckRequest, Unread, baseline};
use crate::app::edit::from_here;
use crate::app::moment::Moment;
use crate::app::scan::{self, ScanRequest, Wanted};
use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::path::PathFields;
use crate::cli::text::plural;
use crate::domain::finding::Severity;
use crate::lint::{Finding, Fix, Safety, Selection};
use crate::store::view::{self, At};
use crate::syntax::edit::Edit;
use crate::syntax::secret;

mod sarif;
mod snippet;

/// Find what is wrong with Nix files and flakes
///
/// Reads every `.nix` file and `flake.lock` below each PATH that git tracks or does not ignore, and writes nothing.
/// `cim-nix explain` tells what a rule is about; `# cim-nix: allow(rule) why` above a construct, or behind it on its line,
/// allows it there.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Files, and directories with everything below them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Pass over what matches, as in a `.gitignore`; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    #[command(flatten)]
    rules: Rules,
    /// Show only what is at least this bad
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Least::Info)]
    least: Least,
    /// Exit with 1 when a finding is at least this bad
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// Show only what was not there before: an event (its id or `#` and its position), a time, or a revision of git
    ///
    /// An event and a time ask the ledger, which knows what scans have recorded: hints are left out unless `rules.record` is `info`. A revision such as `main` or `HEAD~3` needs no ledger:
    /// the text that it has is checked, too.
    #[arg(long, value_name = "EVENT|TIME|REVISION")]
    new_since: Option<String>,
    /// Record what is found: scan the roots that hold the paths
    #[arg(long)]
    record: bool,
    /// Print SARIF 2.1.0, for code scanning
    #[arg(long, conflicts_with_all = ["json", "format"])]
    sarif: bool,
    /// Read every file, also those that have not changed since the last check
    #[arg(long)]
    no_cache: bool,
}

/// Which rules, beside what the settings say.
#[derive(Debug, clap::Args)]
pub(super) struct Rules {
    /// Only this rule; may be repeated
    #[arg(long, value_name = "RULE")]
    only: Vec<String>,
    /// A rule that is off unless asked for; may be repeated
    #[arg(long, value_name = "RULE")]
    enable: Vec<String>,
    /// Not this rule; may be repeated
    #[arg(long, value_name = "RULE")]
    disable: Vec<String>,
}

impl Rules {
    /// The rules of the settings and of these arguments.
    pub(super) fn selection(&self, context: &Context<'_>) -> Result<Selection, Failure> {
        let mut selection = context.selection()?;
        selection.enabled.extend(self.enable.iter().cloned());
        selection.disabled.extend(self.disable.iter().cloned());
        selection.only.clone_from(&self.only);
        check::known(&selection)?;
        Ok(selection)
    }
}

/// How bad a finding must be to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Least {
    /// Everything
    Info,
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
}

impl Least {
    const fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

/// What makes a check exit with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Anything found
    Info,
    /// Any warning or error
    Warning,
    /// Any error
    Error,
    /// Nothing
    Never,
}

impl FailOn {
    fn counts(self, severity: Severity) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => severity >= Severity::Warning,
            Self::Error => severity == Severity::Error,
            Self::Never => false,
        }
    }
}

impl Run for Check {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let request = self.request(context)?;
        let mut report = check::check(&request)?;
        if let Some(since) = &self.new_since {
            only_new(&mut report, &request, since, context)?;
        }
        report.retain(|_, finding| finding.severity >= self.least.severity());
        if self.record {
            record(&request, context)?;
        }
        let failed = report.findings().any(|(_, finding)| self.fail_on.counts(finding.severity))
            || !report.unread.is_empty() && self.fail_on != FailOn::Never;
        if self.sarif {
            context.printer.json(&sarif::document(&report, &context.directory))?;
        } else {
            let colored = context.printer.format() == Format::Human;
            context.printer.answer(&Checked::of(&report, &context.directory, colored))?;
        }
        Ok(if failed { ExitCode::from(Kind::Refused.code()) } else { ExitCode::SUCCESS })
    }
}

impl Check {
    fn request(&self, context: &Context<'_>) -> Result<CheckRequest, Failure> {
        let excludes = context.settings.excludes.iter().chain(&self.exclude).cloned().collect();
        Ok(CheckRequest {
            paths: self.paths.iter().map(|path| context.directory.join(path)).collect(),
            excludes,
            selection: self.rules.selection(context)?,
            threads: context.settings.threads,
            now: context.clock.now(),
            cache: (!self.no_cache).then(|| context.places.cache.join("cim-nix")),
        })
    }
}

/// Leaves what was not there at the moment or the revision that is named.
fn only_new(
    report: &mut CheckReport,
    request: &CheckRequest,
    since: &str,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let moment = since.parse::<Moment>().ok();
    if moment.is_none() && Uuid::try_parse(since).is_err() {
        return Ok(baseline::only_new_since_commit(report, request, since)?);
    }
    let reading = context.read()?;
    let at = match &moment {
        Some(moment) => context.at(moment, &reading.ledger.reader)?,
        None => At::Position(view::event(&reading.ledger.reader, since)?.position),
    };
    // What the ledger does not hold cannot be compared: it would all be new.
    let least = context.recorded().unwrap_or(Severity::Warning);
    report.retain(|_, finding| finding.severity >= least);
    Ok(baseline::only_new_since_moment(report, &reading.ledger.reader, at)?)
}

/// Scans the roots that hold the paths, so that what was found is an event.
fn record(request: &CheckRequest, context: &mut Context<'_>) -> Result<(), Failure> {
    let scan_request = context.scan_request()?;
    let least = context.recorded().unwrap_or(Severity::Warning);
    let session = context.session()?;
    let roots: Vec<PathBuf> = session.store.reader()?.roots()?.into_iter().map(|root| root.path).collect();
    let mut paths = Vec::new();
    for path in &request.paths {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        let Some(root) = roots.iter().find(|root| whole.starts_with(root)) else {
            return Err(Failure::new(Kind::Refused, format!("`{}` is below no root", path.display()))
                .hinted("`cim-nix scan` with the directory makes it one"));
        };
        paths.push(root.clone());
    }
    let request =
        ScanRequest { paths, rules: Some(Wanted { selection: request.selection.clone(), least }), ..scan_request };
    let stop = interrupt::flag()?;
    scan::scan(&session, &request, &|_| {}, &stop)?;
    Ok(())
}

/// `cim-nix/check/1`, by file and place.
#[derive(Debug, Serialize)]
struct Checked {
    files: u64,
    findings: Vec<Row>,
    summary: Summary,
    /// The same for people, one block a finding.
    #[serde(skip)]
    blocks: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    error: u64,
    warning: u64,
    info: u64,
    #[serde(skip)]
    safe: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    rule: String,
    severity: &'static str,
    #[serde(flatten)]
    path: PathFields,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    message: String,
    fix: Option<RowFix>,
    fingerprint: Option<String>,
}

#[derive(Debug, Serialize)]
struct RowFix {
    safety: &'static str,
    edits: Vec<RowEdit>,
}

#[derive(Debug, Serialize)]
struct RowEdit {
    start: usize,
    end: usize,
    text: String,
}

impl Checked {
    fn of(report: &CheckReport, directory: &Path, people: bool) -> Self {
        let mut checked =
            Self { files: report.files, findings: Vec::new(), summary: Summary::default(), blocks: Vec::new() };
        for unread in &report.unread {
            let at = from_here(&unread.path, directory);
            checked.summary.count(Severity::Error);
            checked.blocks.push(format!("error[{}]: {}: {}\n", unread.rule, at.display(), unread.message));
            checked.findings.push(row_of_unread(&at, unread));
        }
        let mut shown: HashSet<&Path> = HashSet::new();
        for file in &report.found {
            let at = from_here(&file.path, directory);
            if people && shown.insert(&file.path) {
                checked.blocks.extend(snippet::blocks(&file.path, &at, &file.findings));
            }
            for finding in &file.findings {
                checked.summary.count(finding.severity);
                let safe = finding.fix.as_ref().is_some_and(|fix| fix.safety == Safety::Safe);
                checked.summary.safe += u64::from(safe);
                checked.findings.push(row(&at, finding));
            }
        }
        checked
    }

    fn closing(&self) -> String {
        let files = plural(self.files, "file");
        let Summary { error, warning, info, safe } = self.summary;
        let parts: Vec<String> = [(error, "error"), (warning, "warning"), (info, "hint")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| plural(count, word))
            .collect();
        let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
        match safe {
            0 => format!("{found} in {files}"),
            safe => format!("{found} in {files}; `cim-nix fix` mends {safe} of them safely"),
        }
    }
}

impl Summary {
    fn count(&mut self, severity: Severity) {
        *match severity {
            Severity::Error => &mut self.error,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        } += 1;
    }
}

fn row_of_unread(path: &Path, unread: &Unread) -> Row {
    Row {
        rule: unread.rule.to_owned(),
        severity: Severity::Error.name(),
        path: PathFields::from(path),
        line: 1,
        column: 1,
        end_line: 1,
        end_column: 1,
        message: unread.message.clone(),
        fix: None,
        fingerprint: None,
    }
}

/// The fix of a finding, unless writing it down would tell a secret: `cim-nix fix` makes that one.
fn shown_fix(finding: &Finding) -> Option<&Fix> {
    let tells = |edit: &Edit| !secret::redact(&edit.text).found.is_empty();
    finding.fix.as_ref().filter(|fix| !fix.edits.iter().any(tells))
}

fn row(path: &Path, finding: &Finding) -> Row {
    let place = finding.place.shown();
    let edit = |edit: &Edit| RowEdit { start: edit.start, end: edit.end, text: edit.text.clone() };
    Row {
        rule: finding.rule.name.to_owned(),
        severity: finding.severity.name(),
        path: PathFields::from(path),
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        message: finding.message.clone(),
        fix: shown_fix(finding)
            .map(|fix| RowFix { safety: fix.safety.name(), edits: fix.edits.iter().map(edit).collect() }),
        fingerprint: Some(finding.fingerprint.clone()),
    }
}

impl Answer for Checked {
    const NAME: &'static str = "check";
    type Record = Row;

    fn records(&self) -> &[Row] {
        &self.findings
    }

    fn cells(row: &Row) -> Vec<String> {
        [
            row.path.path.clone(),
            row.line.to_string(),
            row.column.to_string(),
            row.severity.to_owned(),
            row.rule.clone(),
            row.message.clone(),
        ]
        .into()
    }

    fn page(&self, page: &mut Page) {
        for block in &self.blocks {
            page.verbatim(block);
            page.gap();
        }
        page.line(self.closing());
    }
}

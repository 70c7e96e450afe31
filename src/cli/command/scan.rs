//! `scan`: look at the roots and record what changed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::ValueEnum;
use serde::Serialize;

use super::Run;
use crate::app::Session;
use crate::app::explain::{self, Explanation, Verdict};
use crate::app::hook::after_nix;
use crate::app::moment::Written;
use crate::app::roots;
use crate::app::scan::{self, LeftOut, RootMoved, ScanProblem, ScanReport, ScanRequest};
use crate::cli::answer::{Answer, Page, Single};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::path::{PathFields, for_people};
use crate::cli::progress::Bar;
use crate::cli::text::plural;
use crate::domain::finding::Severity;
use crate::domain::shell;

/// Record the flakes below directories
///
/// Each PATH becomes a root, unless it lies in one, and is no longer forgotten: `scan` without one looks at all roots again. Only what
/// changed since the last scan is recorded, so scanning twice records nothing. Problems of flakes that are seen are shown, those of
/// other Nix files counted: `problem list` shows them all. They do not make the scan fail, unless `--fail-on` says so.
#[derive(Debug, clap::Args)]
pub(crate) struct Scan {
    /// Directories to watch from now on; all known roots when there is none
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    hook: ForHooks,
    /// Pass over what matches, as in a `.gitignore`; may be repeated [env: `CIM_NIX_EXCLUDES`]
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Say why a path is seen or passed over, and scan nothing
    #[arg(long, value_name = "PATH", conflicts_with_all = ["no_history", "since", "fail_on", "keep_forgotten"])]
    explain: Option<PathBuf>,
    /// Read the past of locks only this far back, as in `1y` or `2026-01-01` [env: `CIM_NIX_HISTORY_SINCE`]
    #[arg(long, value_name = "TIME")]
    since: Option<Written>,
    /// Leave the past of locks alone
    #[arg(long, conflicts_with = "since")]
    no_history: bool,
    /// Leave the Nix files beside `flake.nix` unchecked [env: `CIM_NIX_RULES_RECORD`]
    #[arg(long)]
    no_check: bool,
    /// Exit with 1 when a problem of a flake is at least this bad; for those of other Nix files there is `check`
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Never)]
    fail_on: FailOn,
}

/// How hooks scan.
#[derive(Debug, clap::Args)]
struct ForHooks {
    /// Leave alone what was forgotten, also where PATH names it, and linked work trees of git outside the roots; for hooks
    #[arg(long)]
    keep_forgotten: bool,
    /// Scan the flake that `nix PATH...` was about, if any, and leave alone what `--keep-forgotten` does; for hooks, as in
    /// `scan --after-nix -- flake update`
    #[arg(long, conflicts_with = "explain")]
    after_nix: bool,
}

/// What makes a scan exit with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Any warning or error
    Warning,
    /// Any error
    Error,
    /// Nothing
    Never,
}

impl Run for Scan {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match (&self.explain, self.hook.after_nix) {
            (Some(path), _) => self.explain(path, context),
            (None, true) => {
                if let Some(flake) = after_nix::flake(&self.paths, &context.directory) {
                    let hook = ForHooks { keep_forgotten: true, ..self.hook };
                    return Self { paths: vec![flake], hook, ..self }.scan(context);
                }
                // A hook is quiet where there is nothing to do; who asks for a document has one.
                if context.printer.format() == Format::Json {
                    context.printer.answer(&Scanned::of(&ScanReport::default(), 0))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            (None, false) => self.scan(context),
        }
    }
}

impl Scan {
    fn scan(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let request = self.request(context)?;
        let stop = interrupt::flag()?;
        // Where nothing is scanned no ledger is made: a mistaken path or `--db` leaves no file behind.
        if !context.has_ledger() && !scan::begins_a_ledger(&request)? {
            context.printer.answer(&Scanned::of(&ScanReport::default(), 0))?;
            return Ok(ExitCode::SUCCESS);
        }
        let session = context.session()?;
        let began = session.clock.now();
        let bar = Bar::new(context.printer.may_animate());
        let report = scan::scan(&session, &request, &|progress| bar.show(progress), &stop);
        bar.clear();
        let report = report?;
        let took = session.clock.now().saturating_sub(began);
        let bad = |problem: &ScanProblem| match self.fail_on {
            FailOn::Never => false,
            FailOn::Error => problem.severity == Severity::Error,
            FailOn::Warning => problem.severity >= Severity::Warning,
        };
        let failed = report.problems.iter().any(bad);
        context.printer.answer(&Scanned::of(&report, took))?;
        if report.new > 0 && !self.hook.keep_forgotten {
            self.say_shared(&session, context)?;
        }
        if report.interrupted || stop.load(Ordering::SeqCst) {
            context.printer.flush()?;
            return Err(Failure::new(Kind::Interrupted, "the scan was stopped before its end")
                .hinted("run it again: it goes on where it stopped"));
        }
        Ok(if failed { ExitCode::from(Kind::Refused.code()) } else { ExitCode::SUCCESS })
    }

    /// Says of what lies inside a shared root that it is shared: who names a place for the first time may not know.
    fn say_shared(&self, session: &Session, context: &mut Context<'_>) -> Result<(), Failure> {
        for path in &self.paths {
            let Ok(path) = context.directory.join(path).canonicalize() else { continue };
            if let Some(around) = roots::shared_around(session, &path)?.filter(|around| *around != path) {
                context.printer.say(format!(
                    "what is below `{0}` is shared, as `{1}` is; `cim-nix roots add {2}` makes it a private root",
                    path.display(),
                    around.display(),
                    shell::path(&path)
                ));
            }
        }
        Ok(())
    }

    fn request(&self, context: &Context<'_>) -> Result<ScanRequest, Failure> {
        let mut request = context.scan_request()?;
        request.paths = self.paths.iter().map(|path| context.directory.join(path)).collect();
        request.keep_forgotten = self.hook.keep_forgotten;
        request.excludes.extend(self.exclude.iter().cloned());
        request.history &= !self.no_history;
        request.rules = request.rules.filter(|_| !self.no_check);
        if let Some(since) = &self.since {
            request.since = Some(context.time(since)?.div_euclid(1_000_000));
        }
        Ok(request)
    }

    fn excludes(&self, context: &Context<'_>) -> Vec<String> {
        context.settings.excludes.iter().chain(&self.exclude).cloned().collect()
    }

    fn explain(&self, path: &Path, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let roots: Vec<PathBuf> = if self.paths.is_empty() {
            context.read()?.ledger.reader.roots()?.into_iter().map(|root| root.path).collect()
        } else {
            self.paths.iter().map(|path| context.directory.join(path)).collect()
        };
        let explanation = explain::explain(&context.directory.join(path), &roots, &self.excludes(context))?;
        context.printer.answer(&Explained::of(&explanation))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/scan/1`.
#[derive(Debug, Serialize)]
struct Scanned {
    flakes: Counts,
    files: u64,
    events: u64,
    findings: Findings,
    problems: Vec<Problem>,
    /// Known flakes, locks and files beside them that were not looked at and stay as they are recorded.
    left_out: Vec<NotLookedAt>,
    /// Private roots, and forgotten ones, that went along with what was renamed around them.
    roots_moved: Vec<Moved>,
    interrupted: bool,
    #[serde(skip)]
    took: i64,
}

#[derive(Debug, Serialize)]
struct NotLookedAt {
    #[serde(flatten)]
    path: PathFields,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Moved {
    #[serde(flatten)]
    path: PathFields,
    from: PathFields,
    /// Whether it was a root no more, and stays so.
    forgotten: bool,
}

#[derive(Debug, Serialize)]
struct Counts {
    seen: u64,
    new: u64,
    changed: u64,
    removed: u64,
}

/// What rules found in Nix files since the last scan; `problem list` and `check` show all of it.
#[derive(Debug, Serialize)]
struct Findings {
    raised: u64,
    resolved: u64,
}

#[derive(Debug, Serialize)]
struct Problem {
    #[serde(flatten)]
    path: PathFields,
    line: Option<u32>,
    message: String,
    code: String,
    severity: &'static str,
}

impl Scanned {
    fn of(report: &ScanReport, took: i64) -> Self {
        let problem = |problem: &ScanProblem| Problem {
            path: PathFields::from(problem.path.as_path()),
            line: problem.line,
            message: problem.message.clone(),
            code: problem.code.clone(),
            severity: problem.severity.name(),
        };
        let ScanReport { seen, new, changed, removed, files, events, raised, resolved, interrupted, .. } = *report;
        let problems = report.problems.iter().map(problem).collect();
        let findings = Findings { raised, resolved };
        let not_looked_at =
            |one: &LeftOut| NotLookedAt { path: PathFields::from(one.path.as_path()), reason: one.why.clone() };
        let left_out = report.left_out.iter().map(not_looked_at).collect();
        let moved = |root: &RootMoved| Moved {
            path: PathFields::from(root.to.as_path()),
            from: PathFields::from(root.from.as_path()),
            forgotten: root.is_forgotten,
        };
        let roots_moved = report.roots_moved.iter().map(moved).collect();
        let flakes = Counts { seen, new, changed, removed };
        Self { flakes, files, events, findings, problems, left_out, roots_moved, interrupted, took }
    }

    /// What was not looked at, in one line: `left out: ~/src/old (the exclude pattern …), and 3 more`.
    fn left_out(&self) -> Option<String> {
        let first = self.left_out.first()?;
        let more = self.left_out.len() - 1;
        let first = format!("left out: {} ({})", for_people(&first.path.path), first.reason);
        Some(if more == 0 { first } else { format!("{first}, and {more} more that `--json` lists") })
    }

    /// `12 flakes (2 new, 1 changed), 340 files, 17 events in 0.21 s`
    fn summary(&self) -> String {
        let Counts { seen, new, changed, removed } = self.flakes;
        let parts: Vec<String> = [(new, "new"), (changed, "changed"), (removed, "removed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        let (seen, files, events) = (plural(seen, "flake"), plural(self.files, "file"), plural(self.events, "event"));
        let hundredths = self.took / 10_000;
        format!("{seen}{parts}, {files}, {events} in {}.{:02} s", hundredths / 100, hundredths % 100)
    }
}

impl Moved {
    fn sentence(&self) -> String {
        let (to, from) = (for_people(&self.path.path), for_people(&self.from.path));
        if self.forgotten {
            return format!(
                "what is below {to} stays private: it was below {from}, a forgotten root, that was renamed"
            );
        }
        format!("{to} is a private root now, as {from} was: it was renamed, or something around it")
    }
}

impl Answer for Scanned {
    const NAME: &'static str = "scan";
    type Record = Problem;

    fn records(&self) -> &[Problem] {
        &self.problems
    }

    fn cells(problem: &Problem) -> Vec<String> {
        let line = problem.line.map(|line| line.to_string()).unwrap_or_default();
        [problem.path.path.clone(), line, problem.severity.into(), problem.code.clone(), problem.message.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(self.summary());
        let Findings { raised, resolved } = self.findings;
        if raised + resolved > 0 {
            page.line(format!(
                "{} raised, {resolved} resolved: `cim-nix problem list` shows what is open",
                plural(raised, "finding")
            ));
        }
        if let Some(sentence) = self.left_out() {
            page.line(sentence);
        }
        for root in &self.roots_moved {
            page.line(root.sentence());
        }
        for problem in &self.problems {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            let path = for_people(&problem.path.path);
            page.line(format!("{path}{line}: {}: {} [{}]", problem.severity, problem.message, problem.code));
        }
    }
}

/// `cim-nix/scan-explain/1`.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(flatten)]
    path: PathFields,
    seen: bool,
    root: Option<String>,
    /// Where the walk leaves the path, when it does.
    at: Option<String>,
    reason: Option<String>,
    #[serde(skip)]
    sentence: String,
}

impl Explained {
    fn of(explanation: &Explanation) -> Self {
        let (at, reason) = match &explanation.verdict {
            Verdict::Seen => (None, None),
            Verdict::Skipped { at, why } => (Some(at.to_string_lossy().into_owned()), Some(why.to_string())),
        };
        Self {
            path: PathFields::from(explanation.path.as_path()),
            seen: at.is_none(),
            root: explanation.root.as_ref().map(|root| root.to_string_lossy().into_owned()),
            at,
            reason,
            sentence: explanation.to_string(),
        }
    }
}

impl Single for Explained {
    const NAME: &'static str = "scan-explain";

    fn cells(&self) -> Vec<String> {
        let verdict = if self.seen { "seen" } else { "skipped" };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [self.path.path.clone(), verdict.into(), text(&self.at), text(&self.reason)].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(&self.sentence);
    }
}

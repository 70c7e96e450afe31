//! `fix`: mend what rules find.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::Run;
use super::check::Rules;
use super::flake::edit::{Desk, for_good, refuse_past, show_diff, unrecorded};
use crate::app::check::CheckRequest;
use crate::app::edit::from_here;
use crate::app::fix::{self, Done, Mended, Plan};
use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::path::PathFields;
use crate::cli::text::plural;
use crate::lint::Safety;

/// Mend what `check` finds, as far as that is safe
///
/// A safe fix never changes what a file evaluates to. Fixes are made until none is left; comments stay. What was written
/// is recorded like every edit, and `undo` takes it back file by file.
#[derive(Debug, clap::Args)]
pub(crate) struct Fix {
    /// Files, and directories with everything below them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Pass over what matches, as in a `.gitignore`; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    #[command(flatten)]
    rules: Rules,
    /// Make also those fixes that a person should look at
    #[arg(long)]
    review: bool,
    /// Show the changes and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Show the changes that are made
    #[arg(long)]
    diff: bool,
}

impl Run for Fix {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        refuse_past(context)?;
        let request = CheckRequest {
            paths: self.paths.iter().map(|path| context.directory.join(path)).collect(),
            excludes: context.settings.excludes.iter().chain(&self.exclude).cloned().collect(),
            selection: self.rules.selection(context)?,
            threads: context.settings.threads,
            now: context.clock.now(),
            cache: None,
        };
        let least = if self.review { Safety::Review } else { Safety::Safe };
        let plan = fix::plan(&request, least)?;
        let mut answer = Fixed::of(&plan, &context.directory, self.dry_run);
        let mut failed = !plan.unreadable.is_empty();
        if !self.dry_run && !plan.changed.is_empty() {
            let desk = Desk::open(context, false)?;
            let done = fix::write(desk.session.as_ref(), &plan, &desk.scan)?;
            failed |= !done.failed.is_empty();
            answer.written(&plan, &done);
        }
        answer.show = self.diff || self.dry_run;
        answer.say(context)?;
        Ok(if failed { ExitCode::from(Kind::Refused.code()) } else { ExitCode::SUCCESS })
    }
}

/// `cim-nix/fix/1`, by file.
#[derive(Debug, Serialize)]
struct Fixed {
    files: u64,
    dry_run: bool,
    changed: Vec<File>,
    failed: Vec<Failed>,
    recorded: bool,
    events: u64,
    #[serde(skip)]
    show: bool,
    #[serde(skip)]
    sentences: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    #[serde(flatten)]
    path: PathFields,
    /// How often each rule's fix was made.
    fixes: std::collections::BTreeMap<&'static str, u64>,
    diff: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    #[serde(flatten)]
    path: PathFields,
    message: String,
}

impl Fixed {
    fn of(plan: &Plan, directory: &std::path::Path, dry_run: bool) -> Self {
        let file = |mended: &Mended| File {
            path: PathFields::from(from_here(&mended.path, directory).as_path()),
            fixes: mended.made.clone(),
            diff: mended.diff(directory),
        };
        let failed = |(path, message): &(PathBuf, String)| Failed {
            path: PathFields::from(from_here(path, directory).as_path()),
            message: message.clone(),
        };
        let mut fixed = Self {
            files: plan.files,
            dry_run,
            changed: plan.changed.iter().map(file).collect(),
            failed: plan.unreadable.iter().map(failed).collect(),
            recorded: false,
            events: 0,
            show: dry_run,
            sentences: Vec::new(),
        };
        for (path, rule) in &plan.refused {
            let path = from_here(path, directory);
            let message = format!(
                "a fix of `{}` was not made: the file could not be read afterwards; please report it",
                rule.name
            );
            fixed.failed.push(Failed { path: PathFields::from(path.as_path()), message });
        }
        match (plan.changed.is_empty(), dry_run) {
            (true, _) => fixed.sentences.push(format!("nothing to mend in {}", plural(plan.files, "file"))),
            (false, true) => fixed.sentences.push(format!("would make {}; nothing was written", fixed.sum())),
            (false, false) => {}
        }
        fixed
    }

    fn sum(&self) -> String {
        let made = self.changed.iter().flat_map(|file| file.fixes.values()).sum();
        format!("{} in {}", plural(made, "change"), plural(self.changed.len() as u64, "file"))
    }

    fn written(&mut self, plan: &Plan, done: &Done) {
        let failed = |mended: &Mended| done.failed.iter().any(|(path, _)| *path == mended.path);
        let mut planned = plan.changed.iter();
        self.changed.retain(|_| planned.next().is_some_and(|mended| !failed(mended)));
        self.sentences.push(format!("made {}", self.sum()));
        self.recorded = done.unrecorded.is_none();
        self.events = done.events;
        for (path, message) in &done.failed {
            self.failed.push(Failed { path: PathFields::from(path.as_path()), message: message.clone() });
        }
        match &done.unrecorded {
            _ if done.written.is_empty() => {}
            None if done.for_good.is_empty() => self.sentences.push("`cim-nix undo` takes it back".to_owned()),
            None => {
                let lost = done.for_good.iter().map(|path| format!("`{}`: {}", path.display(), for_good()));
                self.sentences.extend(lost);
            }
            Some(why) => self.sentences.push(unrecorded(why)),
        }
    }

    fn say(self, context: &mut Context<'_>) -> Result<(), Failure> {
        context.printer.answer(&self)?;
        if context.printer.format() == Format::Human {
            context.printer.flush()?;
            for sentence in &self.sentences {
                context.printer.say(sentence);
            }
        }
        Ok(())
    }
}

impl Answer for Fixed {
    const NAME: &'static str = "fix";
    type Record = File;

    fn records(&self) -> &[File] {
        &self.changed
    }

    fn cells(file: &File) -> Vec<String> {
        let fixes: Vec<String> = file.fixes.iter().map(|(rule, count)| format!("{rule}={count}")).collect();
        [file.path.path.clone(), fixes.join(",")].into()
    }

    fn page(&self, page: &mut Page) {
        for file in &self.changed {
            let fixes: Vec<String> = file.fixes.iter().map(|(rule, count)| format!("{count} × {rule}")).collect();
            page.line(format!("{}: {}", file.path.path, fixes.join(", ")));
            if self.show {
                show_diff(&file.diff, page);
            }
        }
        for failed in &self.failed {
            page.line(format!("{}: {}", failed.path.path, failed.message));
        }
    }
}

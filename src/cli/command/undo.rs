//! `undo`: take an edit of a flake back.

use std::process::ExitCode;

use serde::Serialize;
use uuid::Uuid;

use super::Run;
use super::flake::edit::{Desk, How, Words, finish, for_good, show_diff};
use crate::app::chain;
use crate::app::edit::{self, EditFailure, Taking, Wanted};
use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::path::PathFields;

/// Take back the last edit of a flake that a command made
///
/// The text that was there before is written again, when nothing else happened to the file since. In a flake that is its
/// last edit, elsewhere the last one of all. What one command did to several files is taken back together; repeated, it takes
/// back the edit before. Texts are kept for 90 days, on this machine alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The command whose edit to take back
    #[arg(value_name = "COMMAND-ID")]
    command: Option<Uuid>,
    #[command(flatten)]
    how: How,
}

impl Run for Undo {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let desk = Desk::open(context, false)?;
        let session = desk.session.as_ref().ok_or(EditFailure::NothingToUndo)?;
        let wanted = self.command.map_or(Wanted::Last(&context.directory), Wanted::Command);
        let taking = edit::undo(session, wanted)?;
        let [draft] = &taking.drafts[..] else { return several(context, &desk, &taking, &self.how) };
        if !taking.left.is_empty() {
            return several(context, &desk, &taking, &self.how);
        }
        let what = format!("`{}`", draft.path.display());
        let words = Words {
            done: format!("took back an edit of {what}"),
            planned: format!("would take back an edit of {what}"),
        };
        finish(context, &desk, draft, &self.how, &words, None)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Takes back edits that were made together; one that fails does not keep the others.
fn several(context: &mut Context<'_>, desk: &Desk, taking: &Taking, how: &How) -> Result<ExitCode, Failure> {
    let failed = taking.left.iter().map(ToString::to_string).collect();
    let mut undone = Undone { dry_run: how.dry_run, files: Vec::new(), events: 0, failed };
    let mut lost = Vec::new();
    for draft in &taking.drafts {
        if !how.dry_run {
            match edit::write(draft, &how.writing(desk)) {
                Ok(done) => {
                    undone.events += done.events;
                    lost.extend(done.for_good.then(|| format!("`{}`: {}", draft.path.display(), for_good())));
                }
                Err(error) => {
                    undone.failed.push(chain(&error));
                    continue;
                }
            }
        }
        let path = PathFields::from(draft.path.as_path());
        let undoes = draft.undoes.map(|command| command.to_string());
        undone.files.push(File { path, undoes, diff: draft.diff(&context.directory) });
    }
    context.printer.answer(&undone)?;
    if context.printer.format() == Format::Human {
        context.printer.flush()?;
        lost.iter().chain(&undone.failed).for_each(|sentence| context.printer.say(sentence));
    }
    Ok(if undone.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Refused.code()) })
}

/// `cim-nix/undo/1`, when one command made several edits.
#[derive(Debug, Serialize)]
struct Undone {
    dry_run: bool,
    files: Vec<File>,
    events: u64,
    /// Why others stay as they are.
    failed: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    #[serde(flatten)]
    path: PathFields,
    undoes: Option<String>,
    diff: String,
}

impl Answer for Undone {
    const NAME: &'static str = "undo";
    type Record = File;

    fn records(&self) -> &[File] {
        &self.files
    }

    fn cells(file: &File) -> Vec<String> {
        vec![file.path.path.clone(), file.undoes.clone().unwrap_or_default()]
    }

    fn page(&self, page: &mut Page) {
        let word = if self.dry_run { "would take back" } else { "took back" };
        for file in &self.files {
            page.line(format!("{word} an edit of {}", file.path.path));
            if self.dry_run {
                show_diff(&file.diff, page);
            }
        }
    }
}

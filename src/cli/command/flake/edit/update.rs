//! `flake update`: the newest of the inputs, by the real Nix.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Desk, refuse_past, unrecorded};
use crate::app::edit::{self, LockChange, Locking, Updated, Writing};
use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::PathFields;
use crate::cli::text::source;
use crate::domain::Attrs;

/// What to update.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Update {
    /// The inputs to update, as in `nixpkgs`; all of them when there is none
    #[arg(value_name = "INPUT")]
    inputs: Vec<String>,
    /// The directory of the flake, or its `flake.nix`
    #[arg(long, value_name = "PATH", default_value = ".")]
    flake: PathBuf,
    /// Show what would be locked and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Update {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        refuse_past(context)?;
        let flake = context.directory.join(&self.flake);
        let desk = Desk::open(context, self.dry_run)?;
        let (locking, search) = (Locking::WhereNixIs, std::env::var_os("PATH"));
        let writing = Writing { session: desk.session.as_ref(), scan: &desk.scan, locking, search };
        let updated = if self.dry_run {
            edit::plan_update(&flake, &self.inputs, &writing, context.clock.new_id())?
        } else {
            edit::update(&flake, &self.inputs, &writing)?
        };
        let shown = Shown::of(&updated, &context.directory, self.dry_run);
        context.printer.answer(&shown)?;
        if context.printer.format() == Format::Human {
            context.printer.flush()?;
            if self.dry_run {
                context.printer.say("nothing was written");
            }
            if let Some(why) = updated.unrecorded.as_ref().filter(|_| !self.dry_run) {
                context.printer.say(unrecorded(why));
            }
        }
        Ok(())
    }
}

/// `cim-nix/flake-update/1`.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    path: PathFields,
    dry_run: bool,
    changes: Vec<Change>,
    diff: String,
    recorded: bool,
    events: u64,
}

#[derive(Debug, Serialize)]
struct Change {
    input: String,
    from: Option<Attrs>,
    to: Option<Attrs>,
}

impl Shown {
    fn of(updated: &Updated, directory: &Path, dry_run: bool) -> Self {
        let change = |change: &LockChange| Change {
            input: change.input.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        };
        Self {
            path: PathFields::from(updated.path.as_path()),
            dry_run,
            changes: updated.changes.iter().map(change).collect(),
            diff: updated.diff(directory),
            recorded: !dry_run && updated.unrecorded.is_none(),
            events: updated.events,
        }
    }
}

impl Answer for Shown {
    const NAME: &'static str = "flake-update";
    type Record = Change;

    fn records(&self) -> &[Change] {
        &self.changes
    }

    fn cells(change: &Change) -> Vec<String> {
        let side = |attrs: &Option<Attrs>| attrs.as_ref().map(source).unwrap_or_default();
        [change.input.clone(), side(&change.from), side(&change.to)].into()
    }

    fn page(&self, page: &mut Page) {
        if self.changes.is_empty() {
            page.line("every input is the newest already");
        }
        for change in &self.changes {
            let side = |attrs: &Option<Attrs>| attrs.as_ref().map_or_else(|| "nothing".to_owned(), source);
            page.line(format!("{}: {} → {}", change.input, side(&change.from), side(&change.to)));
        }
    }
}

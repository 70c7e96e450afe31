//! `flake new`: a flake where there was none.

use std::path::PathBuf;

use serde::Serialize;

use super::{Desk, refuse_past, unrecorded};
use crate::app::edit::{self, NewFlake};
use crate::cli::answer::{Page, Single};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::PathFields;

/// Where to make a flake.
#[derive(Debug, clap::Args)]
pub(in super::super) struct New {
    /// The directory; made when it is missing. Nothing that is there is written over
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Show the flake and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl New {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        refuse_past(context)?;
        let directory = context.directory.join(&self.directory);
        let made = if self.dry_run {
            edit::plan_new_flake(&directory)?
        } else {
            let desk = Desk::open(context, false)?;
            edit::new_flake(&directory, desk.session.as_ref(), &desk.scan)?
        };
        context.printer.answer(&Made::of(&made, self.dry_run))?;
        if context.printer.format() == Format::Human {
            context.printer.flush()?;
            let path = made.path.display();
            if self.dry_run {
                context.printer.say(format!("would make `{path}`; nothing was written"));
            } else {
                context.printer.say(format!("made `{path}`; Nix sees it in a git repository once it is added"));
            }
            if let Some(why) = &made.unrecorded {
                context.printer.say(unrecorded(why));
            }
        }
        Ok(())
    }
}

/// `cim-nix/flake-new/1`.
#[derive(Debug, Serialize)]
struct Made {
    #[serde(flatten)]
    path: PathFields,
    dry_run: bool,
    text: String,
    recorded: bool,
    events: u64,
}

impl Made {
    fn of(made: &NewFlake, dry_run: bool) -> Self {
        Self {
            path: PathFields::from(made.path.as_path()),
            dry_run,
            text: made.text.to_owned(),
            recorded: !dry_run && made.unrecorded.is_none(),
            events: made.events,
        }
    }
}

impl Single for Made {
    const NAME: &'static str = "flake-new";

    fn cells(&self) -> Vec<String> {
        vec![self.path.path.clone()]
    }

    fn page(&self, page: &mut Page) {
        page.verbatim(&self.text);
    }
}

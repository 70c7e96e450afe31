//! `roots`: the directories that are watched.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Run;
use crate::app::ledger::RootRow;
use crate::app::moment::ago;
use crate::app::roots::Added;
use crate::app::sync::consent::{self, Waiting, Which};
use crate::app::{self, Session};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::{PathFields, for_people};
use crate::cli::table::Table;
use crate::cli::text::{plural, shared_now, waits};
use crate::store::view::rfc3339;

mod done;

/// The directories that are watched
///
/// A root is a directory whose flakes `scan` looks at. Roots are private to this machine until they are shared. Where a root lies in
/// another one, the innermost decides what is shared: a private root inside a shared one stays private, and so does what was one before
/// it was forgotten.
#[derive(Debug, clap::Args)]
pub(crate) struct Roots {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every root
    List,
    /// Watch a directory, without scanning it yet; it is private, also inside a shared root
    Add {
        /// The directory
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Let other machines see what is recorded below roots, with its past; problems stay private unless `sync enable --findings` shares them
    Share {
        /// The roots
        #[arg(required = true, value_name = "ROOT")]
        roots: Vec<PathBuf>,
    },
    /// Keep what is recorded below roots from now on; what was shared stays shared
    Unshare {
        /// The roots
        #[arg(required = true, value_name = "ROOT")]
        roots: Vec<PathBuf>,
    },
    /// Watch a directory no longer; what is recorded stays, and stays private inside a shared root
    Forget {
        /// The directory; it need not exist any more
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

impl Run for Roots {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.action {
            Action::List => {
                let roots = context.read()?.ledger.reader.roots()?;
                context.printer.answer(&List { roots: roots.iter().map(Root::of).collect() })?;
            }
            Action::Add { paths } => add(context, &paths)?,
            Action::Share { roots } => share(context, &roots)?,
            Action::Unshare { roots } => unshare(context, &roots)?,
            Action::Forget { path } => forget(context, &path)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn add(context: &mut Context<'_>, paths: &[PathBuf]) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| context.directory.join(path)).collect();
    // Before a ledger is made for them, and before one of them is a root.
    app::roots::directories(&paths)?;
    let session = context.session()?;
    let mut done = done::Added { roots: Vec::new(), still_to_be_sent: 0 };
    for path in paths {
        let Added { path, is_new, withdrawn } = app::roots::add(&session, &path)?;
        let what = if is_new { "is a root now" } else { "was a root before" };
        context.printer.say(format!("`{}` {what}", path.display()));
        done.roots.push(done::Root { path: PathFields::from(path.as_path()), new: is_new, streams_private: withdrawn });
        if withdrawn > 0 {
            let streams = plural(withdrawn as u64, "stream");
            context.printer.say(format!(
                "it is private: {streams} that the root around it shared are so again; `cim-nix roots share` shares it"
            ));
            done.still_to_be_sent = say_waiting(context, &session)?;
        }
    }
    context.printer.answer(&done)
}

fn share(context: &mut Context<'_>, roots: &[PathBuf]) -> Result<(), Failure> {
    let roots = roots.iter().map(|root| context.directory.join(root)).collect();
    let released = consent::share(&context.session()?, &Which::Named(roots))?;
    context.printer.say(match released.waiting {
        0 => shared_now(released),
        _ => waits(released),
    });
    context.printer.answer(&done::Shared { streams: released.streams, events: released.events })
}

fn unshare(context: &mut Context<'_>, roots: &[PathBuf]) -> Result<(), Failure> {
    let roots = roots.iter().map(|root| context.directory.join(root)).collect();
    let session = context.session()?;
    let private = consent::unshare(&session, &Which::Named(roots))?;
    let streams = plural(private as u64, "stream");
    let are = if private == 1 { "is" } else { "are" };
    context.printer.say(format!("{streams} {are} private again; what was shared stays shared"));
    let still_to_be_sent = say_waiting(context, &session)?;
    context.printer.answer(&done::Unshared { streams: private, still_to_be_sent })
}

fn forget(context: &mut Context<'_>, path: &Path) -> Result<(), Failure> {
    let session = context.session()?;
    let root = app::roots::forget(&session, &context.directory.join(path))?;
    context.printer.say(format!("`{}` is no root any more; what is recorded stays", root.display()));
    let around = app::roots::shared_around(&session, &root)?;
    if let Some(around) = &around {
        context.printer.say(format!(
            "what is below it stays private, though `{}` is shared: `cim-nix roots add` and `cim-nix roots share` share it",
            around.display()
        ));
    }
    let still_to_be_sent = say_waiting(context, &session)?;
    context.printer.answer(&done::Forgotten {
        path: PathFields::from(root.as_path()),
        shared_around: around.map(|around| PathFields::from(around.as_path())),
        still_to_be_sent,
    })
}

/// Says what is sent all the same, though it is private by now; returns how many events that is.
fn say_waiting(context: &mut Context<'_>, session: &Session) -> Result<u64, Failure> {
    let Waiting { private, .. } = consent::waiting(session)?;
    if private > 0 {
        context.printer.say(format!(
            "still to be sent, as it was shared before: {}; `cim-nix sync disable` keeps that here, and after \
             `cim-nix origin fork --yes` it is never sent",
            plural(private, "event")
        ));
    }
    Ok(private)
}

/// `cim-nix/roots/1`.
#[derive(Debug, Serialize)]
struct List {
    roots: Vec<Root>,
}

#[derive(Debug, Serialize)]
struct Root {
    #[serde(flatten)]
    path: PathFields,
    added_at: String,
    scanned_at: Option<String>,
    shared: bool,
    #[serde(skip)]
    scanned: Option<i64>,
}

impl Root {
    fn of(root: &RootRow) -> Self {
        Self {
            path: PathFields::from(root.path.as_path()),
            added_at: rfc3339(root.added_at),
            scanned_at: root.scanned_at.map(rfc3339),
            shared: root.shared,
            scanned: root.scanned_at,
        }
    }
}

impl Answer for List {
    const NAME: &'static str = "roots";
    type Record = Root;

    fn records(&self) -> &[Root] {
        &self.roots
    }

    fn cells(root: &Root) -> Vec<String> {
        [root.path.path.clone(), root.added_at.clone(), root.scanned_at.clone().unwrap_or_default()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.roots.is_empty() {
            page.line("no roots yet: `cim-nix scan PATH` makes PATH one");
            return;
        }
        let mut table = Table::new(&["/root", "scanned", "shared"]);
        for root in &self.roots {
            let scanned = root.scanned.map_or_else(|| "never".into(), |at| format!("{} ago", ago(at, page.now())));
            table.row([for_people(&root.path.path), scanned, if root.shared { "yes" } else { "no" }.to_owned()]);
        }
        page.table(&table);
    }
}

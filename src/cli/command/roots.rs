//! `roots`: the directories that are watched.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Run;
use crate::app;
use crate::app::ledger::RootRow;
use crate::app::moment::ago;
use crate::app::sync::consent::{self, Which};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::{PathFields, for_people};
use crate::cli::table::Table;
use crate::cli::text::shared;
use crate::store::view::rfc3339;

/// The directories that are watched
///
/// A root is a directory whose flakes `scan` looks at. Roots are private to this machine until they are shared.
#[derive(Debug, clap::Args)]
pub(crate) struct Roots {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every root
    List,
    /// Watch a directory, without scanning it yet
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
    /// Watch a directory no longer; what is recorded stays
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
            Action::Add { paths } => {
                let session = context.session()?;
                for path in paths {
                    let (root, new) = app::roots::add(&session, &context.directory.join(path))?;
                    let what = if new { "is a root now" } else { "was a root before" };
                    context.printer.say(format!("`{}` {what}", root.display()));
                }
            }
            Action::Share { roots } => {
                let roots = roots.iter().map(|root| context.directory.join(root)).collect();
                let released = consent::share(&context.session()?, &Which::Named(roots))?;
                context.printer.say(format!("{} are shared now", shared(released)));
            }
            Action::Unshare { roots } => {
                let roots = roots.iter().map(|root| context.directory.join(root)).collect();
                let private = consent::unshare(&context.session()?, &Which::Named(roots))?;
                context.printer.say(format!("{private} streams are private again; what was shared stays shared"));
            }
            Action::Forget { path } => {
                let root = app::roots::forget(&context.session()?, &context.directory.join(path))?;
                context.printer.say(format!("`{}` is no root any more; what is recorded stays", root.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
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

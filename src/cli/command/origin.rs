//! `origin`: who this ledger is to others.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Run;
use crate::app::origin::{self, Succession};
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::store::view;

/// Who this ledger is to other machines
///
/// Every ledger is one origin: it was made with a key, which lies beside the database and signs for what it shares. A copy
/// of a ledger that goes on by itself must become an origin of its own.
#[derive(Debug, clap::Args)]
pub(crate) struct Origin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the origin that this ledger is
    Show,
    /// Become an origin of its own, with a new key: for a copy whose original goes on elsewhere
    ///
    /// What was recorded stays, under the old origin, which is not listened to any more. The next scan records the flakes
    /// anew, under the new one.
    Fork {
        /// Do it: it cannot be taken back
        #[arg(long)]
        yes: bool,
    },
    /// Become the origin of a key file: for an empty ledger when the old one was lost
    ///
    /// The events that the old ledger had shared are taken back by the next `sync now`.
    Adopt {
        /// The key file
        #[arg(value_name = "KEY-FILE")]
        key: PathBuf,
    },
}

impl Run for Origin {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Show => {
                let known = view::freshness(&context.read()?.ledger.reader)?;
                let own = known.into_iter().find(|origin| origin.own);
                let Some(own) = own else { return Err(Failure::new(Kind::Store, "this ledger has no origin")) };
                let shown = Shown {
                    origin: own.origin,
                    host: own.host,
                    user: own.user,
                    succeeds: own.succeeds,
                    flakes: own.flakes,
                };
                context.printer.answer(&shown)?;
            }
            Action::Fork { yes: false } => {
                return Err(Failure::new(Kind::Refused, "this would make the ledger an origin of its own for ever")
                    .hinted("repeat with `--yes` when its original goes on elsewhere"));
            }
            Action::Fork { yes: true } => {
                let done = origin::fork(context.session()?)?;
                context.printer.answer(&Changed::of(done))?;
                context.printer.say("`cim-nix scan` records the flakes anew, under the new origin");
            }
            Action::Adopt { key } => {
                let key = context.directory.join(key);
                // A file that is not there says nothing about the database.
                File::open(&key).map_err(|error| Failure::file("read", &key, &error))?;
                let done = origin::adopt(context.session()?, &key)?;
                context.printer.answer(&Changed::of(done))?;
                context.printer.say("`cim-nix sync now` takes back what it had shared");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/origin/1`.
#[derive(Debug, Serialize)]
struct Shown {
    origin: String,
    host: String,
    user: String,
    /// The origin that it was forked from.
    succeeds: Option<String>,
    flakes: u64,
}

impl Single for Shown {
    const NAME: &'static str = "origin";

    fn cells(&self) -> Vec<String> {
        [self.origin.clone(), self.host.clone(), self.user.clone(), self.flakes.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        page.field("origin", &self.origin);
        page.field("machine", &self.host);
        page.field("user", &self.user);
        if let Some(old) = &self.succeeds {
            page.field("goes on from", old);
        }
        page.field("flakes", self.flakes.to_string());
    }
}

/// `cim-nix/origin-change/1`.
#[derive(Debug, Serialize)]
struct Changed {
    from: String,
    to: String,
}

impl Changed {
    fn of(done: Succession) -> Self {
        Self { from: done.from, to: done.to }
    }
}

impl Single for Changed {
    const NAME: &'static str = "origin-change";

    fn cells(&self) -> Vec<String> {
        [self.from.clone(), self.to.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(format!("this ledger was {}", self.from));
        page.line(format!("it is {} now", self.to));
    }
}

//! `sync enable` and `sync disable`: whether this machine takes part, and with which roots.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::sync::consent::{self, Released, Which};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::text::{plural, shared};

#[derive(Debug, clap::Args)]
pub(super) struct Enable {
    /// The roots to share; none to take what others share and share nothing more
    #[arg(value_name = "ROOT")]
    roots: Vec<PathBuf>,
    /// Share every root there is
    #[arg(long, conflicts_with = "roots")]
    all: bool,
    /// Share the problems that were found below shared roots as well
    #[arg(long)]
    findings: bool,
    /// Keep the problems that are found from now on
    #[arg(long, conflicts_with = "findings")]
    no_findings: bool,
}

impl Enable {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        if context.settings.sync.servers.reveal().is_empty() {
            return Err(Failure::new(Kind::Settings, "no server is named")
                .hinted("set `sync.servers` in the settings, or `NATS_URL`"));
        }
        let which = if self.all {
            Which::All
        } else {
            Which::Named(self.roots.iter().map(|root| context.directory.join(root)).collect())
        };
        let session = context.session()?;
        let mut released = consent::enable(&session, &which)?;
        if self.findings {
            let found = consent::share_findings(&session)?;
            released = Released { streams: released.streams + found.streams, events: released.events + found.events };
        }
        if self.no_findings {
            let private = consent::unshare_findings(&session)?;
            context.printer.say(format!("the problems of {} are private again", plural(private as u64, "file")));
        }
        context.printer.say(match released.streams {
            0 => "synchronisation is on; nothing more is shared than before".to_owned(),
            _ => format!("synchronisation is on; {} are shared now", shared(released)),
        });
        context.printer.say("`cim-nix sync now` sends and takes once, `cim-nix sync status` shows where it stands");
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn disable(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    consent::disable(&context.session()?)?;
    context.printer.say("synchronisation is off; what was shared stays shared");
    Ok(ExitCode::SUCCESS)
}

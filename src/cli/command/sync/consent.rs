//! `sync enable` and `sync disable`: whether this machine takes part, and with which roots.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::app::sync::consent::{self, Agreement, Settled, Waiting, Which};
use crate::app::sync::{Place, SyncError};
use crate::cli::answer::Single;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::text::{plural, shared_now, waits};

#[derive(Debug, clap::Args)]
pub(super) struct Enable {
    /// The roots to share; none to take what others share and share nothing more
    #[arg(value_name = "ROOT")]
    roots: Vec<PathBuf>,
    /// Share every root there is
    #[arg(long, conflicts_with = "roots")]
    all: bool,
    #[command(flatten)]
    problems: Problems,
    #[command(flatten)]
    machine: Machine,
}

/// What was found below the roots.
#[derive(Debug, clap::Args)]
struct Problems {
    /// Share the problems that were found below shared roots as well
    #[arg(long)]
    findings: bool,
    /// Keep the problems that are found from now on
    #[arg(long, conflicts_with = "findings")]
    no_findings: bool,
}

/// What the machine runs.
#[derive(Debug, clap::Args)]
struct Machine {
    /// Share the generations of this machine's profiles and its channels as well
    #[arg(long)]
    system: bool,
    /// Keep the generations and channels from now on
    #[arg(long, conflicts_with = "system")]
    no_system: bool,
}

impl Enable {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        if Place::of(&context.settings.sync).target.servers.is_empty() {
            return Err(SyncError::NoServer.into());
        }
        let which = if self.all {
            Which::All
        } else {
            Which::Named(self.roots.iter().map(|root| context.directory.join(root)).collect())
        };
        let session = context.session()?;
        let Settled { released, withdrawn, of_findings } = consent::enable_with(&session, &which, &self.others())?;
        if self.problems.no_findings {
            context.printer.say(format!("the problems of {} are private again", plural(of_findings as u64, "file")));
        }
        if self.machine.no_system {
            let streams = plural((withdrawn - of_findings) as u64, "stream");
            context.printer.say(format!("{streams} of generations and channels are private again"));
        }
        context.printer.say(match released.streams {
            0 if released.waiting > 0 => format!("synchronisation is on; {}", waits(released)),
            0 => "synchronisation is on; nothing more is shared than before".to_owned(),
            _ => format!("synchronisation is on; {}", shared_now(released)),
        });
        context.printer.say("`cim-nix sync now` sends and takes once, `cim-nix sync status` shows where it stands");
        context.printer.answer(&Enabled {
            streams: released.streams,
            events: released.events,
            findings_private: of_findings,
            system_private: withdrawn.saturating_sub(of_findings),
        })?;
        Ok(ExitCode::SUCCESS)
    }

    /// What else it says of consent.
    fn others(&self) -> Vec<(Agreement, bool)> {
        let said = |to, yes: bool, no: bool| (yes || no).then_some((to, yes));
        let findings = said(Agreement::Findings, self.problems.findings, self.problems.no_findings);
        let system = said(Agreement::System, self.machine.system, self.machine.no_system);
        findings.into_iter().chain(system).collect()
    }
}

pub(super) fn disable(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let session = context.session()?;
    let delivers = consent::disable(&session)?;
    context.printer.say("synchronisation is off; what was shared stays shared");
    if let Some(holder) = &delivers {
        context.printer.say(format!("{holder} has not stopped yet: what it is sending at this moment may still leave"));
    }
    let Waiting { all, .. } = consent::waiting(&session)?;
    if all > 0 {
        context.printer.say(format!(
            "shared and not sent yet: {}; `cim-nix sync enable` sends that, also of a root that is private by then, and \
             after `cim-nix origin fork --yes` it is never sent",
            plural(all, "event")
        ));
    }
    context.printer.answer(&Disabled { waiting: all, still_sending: delivers })?;
    Ok(ExitCode::SUCCESS)
}

/// `cim-nix/sync-enable/1`.
#[derive(Debug, Serialize)]
struct Enabled {
    /// How many streams are shared that were not before.
    streams: usize,
    /// How many of their events.
    events: usize,
    /// How many files' problems are private again.
    findings_private: usize,
    /// How many streams of generations and channels are private again.
    system_private: usize,
}

/// `cim-nix/sync-disable/1`.
#[derive(Debug, Serialize)]
struct Disabled {
    /// How many events are shared and not sent.
    waiting: u64,
    /// Who delivers and had not stopped yet.
    still_sending: Option<String>,
}

impl Single for Enabled {
    const NAME: &'static str = "sync-enable";

    fn cells(&self) -> Vec<String> {
        [self.streams, self.events, self.findings_private, self.system_private].map(|count| count.to_string()).into()
    }
}

impl Single for Disabled {
    const NAME: &'static str = "sync-disable";

    fn cells(&self) -> Vec<String> {
        [self.waiting.to_string(), self.still_sending.clone().unwrap_or_default()].into()
    }
}

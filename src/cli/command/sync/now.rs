//! `sync now`: send what is new and take what is new, once.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::status::Incomplete;
use crate::app::Session;
use crate::app::sync::engine::{self, Link, Outcome, Until};
use crate::app::sync::{Place, SyncError, status};
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::domain::delivery::{Reason, Seen};

#[derive(Debug, clap::Args)]
pub(super) struct Now {
    /// How many seconds to wait for another process that is at it already
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
}

impl Now {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let stop = interrupt::flag()?;
        let place = Place::of(&context.settings.sync);
        let session = context.session()?;
        // Whoever is at it elsewhere is not waited for: nothing is sent there either.
        if !session.store.reader()?.is_sync_enabled()? {
            return Err(SyncError::Off.into());
        }
        if place.target.servers.is_empty() {
            return Err(SyncError::NoServer.into());
        }
        let (asked, begun, before) = (session.clock.now(), Instant::now(), exchanged(&session)?);
        let once = || engine::run(&session, &place, &Link::default(), Until::Synced, &stop);
        let mut outcome = once()?;
        let is_elsewhere = outcome.elsewhere.is_some();
        while let Some(holder) = outcome.elsewhere.take() {
            context.printer.say(format!("{holder} is at it; waiting for it"));
            let longest = Duration::from_secs(self.wait).saturating_sub(begun.elapsed());
            if wait_for(&session, asked, longest, &stop, &mut outcome)? == Waited::Gone {
                outcome = once()?;
            }
        }
        if !outcome.synced {
            let stopped = stop.load(Ordering::SeqCst);
            return Err(if stopped { interrupted() } else { refusal(&outcome) });
        }
        if is_elsewhere {
            // Whoever did it: it was asked for here.
            let after = exchanged(&session)?;
            outcome.sent = u64::try_from(after.sent - before.sent).unwrap_or_default();
            outcome.taken = u64::try_from(after.taken - before.taken).unwrap_or_default();
        }
        let gaps = status::gaps(&session.store.reader()?)?.iter().map(Incomplete::of).collect();
        context.printer.answer(&Synced { sent: outcome.sent, taken: outcome.taken, parked: outcome.parked, gaps })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What was exchanged until a moment.
struct Exchanged {
    /// How many events of ours the exchange has acknowledged.
    sent: i64,
    /// How many of others are here.
    taken: i64,
}

fn exchanged(session: &Session) -> Result<Exchanged, Failure> {
    let reader = session.store.reader()?;
    let own = &session.store.origin().public_key;
    let others = reader.shared_heads()?.into_iter().filter(|head| head.origin != *own);
    let sent = status::report(&reader, session.clock.now())?.remote.acked;
    Ok(Exchanged { sent, taken: others.map(|head| head.seq).sum() })
}

/// How waiting for another process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    /// It is done, it could not do it, or it took too long.
    Over,
    /// Nobody is at it any more.
    Gone,
}

/// The other process writes down when nothing was left to send or take, or that it tried again and could not.
fn wait_for(
    session: &Session,
    asked: i64,
    longest: Duration,
    stop: &AtomicBool,
    outcome: &mut Outcome,
) -> Result<Waited, Failure> {
    let begun = Instant::now();
    let reader = session.store.reader()?;
    session.store.ask_whether_synced(asked)?;
    while begun.elapsed() < longest && !stop.load(Ordering::SeqCst) {
        let tried = reader.tried_since_asked()? >= asked;
        let report = status::report(&reader, session.clock.now())?;
        outcome.status = report.remote.status;
        outcome.synced = report.backlog == 0 && report.remote.synced_at.is_some_and(|at| at >= asked);
        // What stood in the way before it was asked may be mended since.
        let failed = tried && outcome.status.next_attempt_at.is_some();
        if outcome.synced || failed || outcome.status.state == "disabled" {
            break;
        }
        if report.holder.is_none() {
            return Ok(Waited::Gone);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Waited::Over)
}

fn interrupted() -> Failure {
    Failure::new(Kind::Interrupted, "synchronising was stopped before its end")
        .hinted("nothing is lost: what was not sent is sent the next time")
}

/// Why it did not come to its end, with the next step.
fn refusal(outcome: &Outcome) -> Failure {
    let status = &outcome.status;
    let why = status.last_error.clone();
    match status.state.as_str() {
        "disabled" => SyncError::Off.into(),
        "blocked" => {
            let reason = status.reason.clone().unwrap_or_default();
            let known = engine::reason(&reason);
            let kind = known.map_or(Kind::Bus, |known| Kind::of_bus(Seen::Refused(known)));
            let failure = Failure::new(kind, why.unwrap_or_else(|| format!("delivery is blocked: {reason}")));
            known.map(Reason::hint).into_iter().fold(failure, Failure::hinted)
        }
        _ => Failure::new(Kind::Bus, why.unwrap_or_else(|| "it did not come to its end in time".to_owned()))
            .hinted("nothing is lost: what was not sent is sent the next time"),
    }
}

/// `cim-nix/sync-now/1`.
#[derive(Debug, Serialize)]
struct Synced {
    /// How many events were sent.
    sent: u64,
    /// How many events were taken in: of others, and after a restore those of this ledger that it lacked.
    taken: u64,
    /// How many messages could not be taken in.
    parked: u64,
    /// Whose events wait for one that the server does not have.
    gaps: Vec<Incomplete>,
}

impl Single for Synced {
    const NAME: &'static str = "sync-now";

    fn cells(&self) -> Vec<String> {
        [self.sent, self.taken, self.parked].map(|count| count.to_string()).into()
    }

    fn page(&self, page: &mut Page) {
        let left = if self.gaps.is_empty() { "nothing is left" } else { "nothing more is there" };
        page.line(format!("sent {}, taken {}: {left}", self.sent, self.taken));
        for gap in &self.gaps {
            page.line(&gap.sentence);
        }
        if self.parked > 0 {
            page.line(format!("{}: `cim-nix sync parked list`", status::parked(self.parked)));
        }
    }
}

//! The way in: follows the exchange and takes what comes into the log, chunk by chunk with the cursor.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::Session;
use super::{REMOTE, SyncError, wire};
use crate::bus::{Bus, Exchange, Follow, Message};
use crate::domain::delivery::Reason;
use crate::store::Reader;
use crate::store::inbox::{Chunk, Own, Taken};

/// The most messages that one transaction takes in.
const CHUNK: usize = 500;
/// How long a quiet exchange is listened to before looking around.
const QUIET: Duration = Duration::from_millis(200);
/// How often what is missing is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// The same while an origin waits for an event.
const ASK_AGAIN_SOON: Duration = Duration::from_secs(2);

/// What the way in has come to, for whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Whether everything that was there has been taken in.
    pub(super) caught_up: AtomicBool,
    /// How many events were taken in.
    pub(super) applied: AtomicU64,
    /// How many messages were parked.
    pub(super) parked: AtomicU64,
}

/// How the way in ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was told to stop.
    Stopped,
    /// It failed and may begin anew.
    Failed(SyncError),
    /// The exchange holds what only this origin could have written, and it did not.
    Refused(Reason),
}

/// Follows the exchange until it is told to stop, or fails.
pub(super) fn run(session: &Session, bus: &Bus, exchange: &Exchange, progress: &Progress, stop: &AtomicBool) -> Ended {
    let begun = session.store.reader().map_err(SyncError::from);
    let ended = begun
        .and_then(|reader| Intake { session, bus, exchange, progress, stop, reader, asked: None, gaps: false }.run());
    match ended {
        Ok(None) => Ended::Stopped,
        Ok(Some(reason)) => Ended::Refused(reason),
        Err(error) => Ended::Failed(error),
    }
}

struct Intake<'a> {
    session: &'a Session,
    bus: &'a Bus,
    exchange: &'a Exchange,
    progress: &'a Progress,
    stop: &'a AtomicBool,
    reader: Reader,
    /// When it was last asked what is missing.
    asked: Option<Instant>,
    gaps: bool,
}

impl Intake<'_> {
    fn run(&mut self) -> Result<Option<Reason>, SyncError> {
        let mut after = self.reader.remote(REMOTE)?.taken;
        let mut follow = self.bus.follow(self.exchange, None, after)?;
        if after >= self.exchange.last {
            self.catch_up()?;
        }
        while !self.stop.load(Ordering::Relaxed) {
            let messages = follow.next(CHUNK, QUIET)?;
            if let Some(last) = messages.last() {
                let pending = last.pending;
                after = last.sequence;
                let taken = self.take(&messages, after)?;
                if let Some(reason) = refusal(taken.own) {
                    return Ok(Some(reason));
                }
                if pending == 0 || after >= self.exchange.last {
                    self.catch_up()?;
                }
                continue;
            }
            let now = self.reader.remote(REMOTE)?;
            if now.taken < after {
                // Somebody wants the exchange read again.
                after = now.taken;
                follow = self.bus.follow(self.exchange, None, after)?;
            }
            self.look_around()?;
        }
        Ok(None)
    }

    fn take(&mut self, messages: &[Message], up_to: u64) -> Result<Taken, SyncError> {
        let _span = tracing::info_span!("take_in", messages = messages.len()).entered();
        let mut chunk = Chunk { up_to, ..Chunk::default() };
        for message in messages {
            match wire::arrival(message) {
                Ok(arrival) => chunk.arrivals.push(arrival),
                Err(unreadable) => chunk.unreadable.push(unreadable),
            }
        }
        let taken = self.session.store.take_in(REMOTE, chunk, self.session.clock.now())?;
        self.progress.applied.fetch_add(taken.applied as u64, Ordering::Relaxed);
        self.progress.parked.fetch_add(taken.parked.len() as u64, Ordering::Relaxed);
        self.gaps |= !taken.gaps.is_empty();
        Ok(taken)
    }

    fn catch_up(&mut self) -> Result<(), SyncError> {
        self.look_around()?;
        self.progress.caught_up.store(true, Ordering::Release);
        Ok(())
    }

    /// Now and then, and at once after a gap: asks for what an origin has on the exchange and this ledger lacks.
    fn look_around(&mut self) -> Result<(), SyncError> {
        let pause = if self.gaps { ASK_AGAIN_SOON } else { ASK_AGAIN };
        let due = self.asked.is_none_or(|asked| asked.elapsed() >= pause);
        if !due {
            return Ok(());
        }
        self.asked = Some(Instant::now());
        self.gaps = false;
        let heads = self.reader.shared_heads()?;
        let own = self.session.store.origin().public_key.clone();
        for head in heads.into_iter().filter(|head| head.origin != own && head.active) {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let held = self.bus.held(self.exchange, &head.origin)?;
            if held.seq > head.seq {
                tracing::info!(
                    origin = head.origin,
                    have = head.seq,
                    there = held.seq,
                    "asking again for what is missing"
                );
                self.fetch(&head.origin, held.fence)?;
            }
        }
        Ok(())
    }

    /// Reads everything of one origin up to a message.
    fn fetch(&mut self, origin: &str, up_to: u64) -> Result<(), SyncError> {
        let mut follow = self.bus.follow(self.exchange, Some(origin), 0)?;
        while !self.stop.load(Ordering::Relaxed) {
            let messages = read(&mut follow)?;
            let Some(last) = messages.last() else { break };
            let (pending, sequence) = (last.pending, last.sequence);
            self.take(&messages, 0)?;
            if pending == 0 || sequence >= up_to {
                break;
            }
        }
        Ok(())
    }
}

/// The next messages, waited for a little longer than on a quiet exchange.
pub(super) fn read(follow: &mut Follow) -> Result<Vec<Message>, SyncError> {
    Ok(follow.next(CHUNK, Duration::from_secs(5))?)
}

fn refusal(own: Own) -> Option<Reason> {
    match own {
        // What is ahead the relay takes back, or finds out what happened.
        Own::Fits | Own::Ahead => None,
        Own::Differs => Some(Reason::Forked),
    }
}

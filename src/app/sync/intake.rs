//! The way in: follows the exchange and takes what comes into the log, chunk by chunk with the cursor.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::Session;
use super::relay::{self, Asking};
use super::{Place, REMOTE, SyncError, wire};
use crate::bus::{Bus, BusError, Exchange, Follow, Message};
use crate::domain::delivery::Reason;
use crate::store::Reader;
use crate::store::inbox::{Chunk, Own, Taken};
use crate::store::outbox::SharedHead;

mod doubt;

mod held;

use doubt::Doubt;
use held::Held;

/// The most messages that one transaction takes in.
const CHUNK: usize = 500;
/// How many messages of our own may come back before the cursor is written down.
const ECHOES: u64 = 10_000;
/// How many messages are read one by one at a time, and how many must be readable in a row before following goes on.
pub(super) const SINGLY: u64 = 16;
const READABLE: usize = 64;
/// How long a quiet exchange is listened to before looking around.
const QUIET: Duration = Duration::from_millis(200);
/// What is being done when a message is read that was passed over.
const PASSED: &str = "reading a message that was passed over";
/// How often what is missing is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// The same while an origin waits for an event.
const ASK_AGAIN_SOON: Duration = Duration::from_secs(2);

/// What the way in has come to, for whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Whether everything that was there has been taken in.
    pub(super) caught_up: AtomicBool,
    /// Up to which message of the exchange everything has been taken in.
    pub(super) reached: AtomicU64,
    /// How many events were taken in.
    pub(super) applied: AtomicU64,
    /// How many messages were parked.
    pub(super) parked: AtomicU64,
    /// Whether following comes to nothing.
    doubt: Mutex<Doubt>,
    /// The origins of which what is missing could not be asked for the last time.
    late: Mutex<HashSet<String>>,
}

impl Progress {
    /// How far it has come: as long as nothing is new in it, nothing was done.
    pub(super) fn mark(&self) -> [u64; 3] {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [self.doubt().received(), count(&self.applied), count(&self.parked)]
    }

    fn doubt(&self) -> MutexGuard<'_, Doubt> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late(&self) -> MutexGuard<'_, HashSet<String>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the way in ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was told to stop.
    Stopped,
    /// It failed and may begin anew.
    Failed(SyncError),
    /// The exchange holds another event under one of our numbers, and whose it is.
    Refused(Reason),
    /// The exchange holds events of ours that are not here, or is not what it was: it has to be asked again what it holds.
    Ahead,
}

/// Follows the exchange until it is told to stop, or fails.
pub(super) fn run(
    (session, place): (&Session, &Place),
    (bus, exchange): (&Bus, &Exchange),
    progress: &Progress,
    stop: &AtomicBool,
) -> Ended {
    let begun = session.store.reader().map_err(SyncError::from);
    let ended = begun.and_then(|reader| {
        let (after, written, held, asked, gaps) = (0, 0, Held::default(), None, false);
        let (last, fetched, ended) = (exchange.last, HashMap::new(), None);
        let intake = Intake {
            session,
            place,
            bus,
            exchange,
            progress,
            stop,
            reader,
            after,
            written,
            last,
            held,
            asked,
            gaps,
            fetched,
            ended,
        };
        intake.run()
    });
    ended.unwrap_or_else(Ended::Failed)
}

struct Intake<'a> {
    session: &'a Session,
    place: &'a Place,
    bus: &'a Bus,
    exchange: &'a Exchange,
    progress: &'a Progress,
    stop: &'a AtomicBool,
    reader: Reader,
    /// Up to which message everything was looked at.
    after: u64,
    /// The same as it is written down: what is only our own comes again at no harm.
    written: u64,
    /// The number of the last message that is known to be there.
    last: u64,
    held: Held,
    /// When it was last asked what is missing.
    asked: Option<Instant>,
    gaps: bool,
    /// What was read again of an origin: up to which message, and how much of it was here then. The same brings nothing new.
    fetched: HashMap<String, (u64, i64)>,
    /// Why it cannot go on.
    ended: Option<Ended>,
}

impl Intake<'_> {
    fn run(mut self) -> Result<Ended, SyncError> {
        let mut follow = self.follow()?;
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(ended) = self.ended.take() {
                return Ok(ended);
            }
            let new = follow.next(CHUNK, QUIET)?;
            let quiet = new.is_empty();
            if let Some(last) = new.last() {
                self.progress.doubt().receive(last.sequence, Instant::now());
            }
            let messages = self.held.whole_batches(new, Instant::now());
            if let Some(last) = messages.last() {
                let (is_end, up_to) = (last.ends(self.exchange, self.exchange.last), last.sequence);
                if self.take_whole(messages, up_to)? {
                    follow = self.follow()?;
                } else if self.ended.is_none() && is_end {
                    self.catch_up()?;
                }
            } else if quiet {
                let stalled = self.progress.doubt().is_stalled(self.last, Instant::now());
                if self.is_to_be_read_again()? || stalled {
                    follow = self.follow()?;
                }
                self.look_around()?;
            }
        }
        self.write_down()?;
        // What was seen last is told also when it was asked to stop meanwhile.
        Ok(self.ended.take().unwrap_or(Ended::Stopped))
    }

    /// Takes messages up to one and moves the cursor; whether the exchange is to be read from elsewhere.
    fn take_whole(&mut self, messages: Vec<Message>, up_to: u64) -> Result<bool, SyncError> {
        let taken = self.take(messages, up_to)?;
        match taken.own {
            Own::Fits => {}
            Own::Ahead => self.ended = Some(Ended::Ahead),
            Own::Differs => {
                self.ended = Some(Ended::Refused(relay::who_differs(&self.asking())?));
            }
        }
        Ok(taken.again.is_some())
    }

    /// Follows the exchange from where the cursor is written down, or from behind what was read one by one.
    fn follow(&mut self) -> Result<Follow, SyncError> {
        self.progress.caught_up.store(false, Ordering::Release);
        self.begin()?;
        if self.progress.doubt().begin(self.after, self.last, Instant::now()) {
            self.read_singly().inspect_err(|_| self.progress.doubt().fail())?;
        }
        let follow = self.bus.follow(self.exchange, None, self.after)?;
        if follow.waiting() == 0 && self.ended.is_none() {
            self.catch_up()?;
        }
        Ok(follow)
    }

    fn begin(&mut self) -> Result<(), SyncError> {
        self.written = self.reader.remote(REMOTE)?.taken;
        self.reach(self.written);
        self.held.forget();
        Ok(())
    }

    /// Reads what comes next one by one, in a form that harms no client: what cannot be read is parked, and the cursor moves past it.
    fn read_singly(&mut self) -> Result<(), SyncError> {
        tracing::warn!(after = self.after, "nothing more is heard of the exchange: its messages are read one by one");
        let (reached, mut readable) = (self.progress.doubt().received(), 0);
        while !self.stop.load(Ordering::Relaxed) && self.ended.is_none() {
            let most = self.progress.doubt().singly(SINGLY);
            let messages = self.bus.read_singly(self.exchange, None, self.after + 1, most)?;
            let Some(last) = messages.last() else {
                // What was last there is there no more.
                self.progress.doubt().receive(self.last, Instant::now());
                break;
            };
            let up_to = last.sequence;
            let since = messages.iter().rposition(|message| message.unreadable.is_some());
            readable = since.map_or(readable + messages.len(), |at| messages.len() - 1 - at);
            if self.take_whole(messages, up_to)? {
                return self.begin();
            }
            self.progress.doubt().receive(up_to, Instant::now());
            if readable >= READABLE && up_to > reached {
                break;
            }
        }
        Ok(())
    }

    /// Whether somebody has put the cursor back; if not, it is where it should be from here on.
    fn is_to_be_read_again(&mut self) -> Result<bool, SyncError> {
        if self.after > self.written {
            return self.write_down();
        }
        Ok(self.reader.remote(REMOTE)?.taken < self.written)
    }

    /// Writes the cursor down; whether somebody has put it back.
    fn write_down(&mut self) -> Result<bool, SyncError> {
        if self.after == self.written {
            return Ok(false);
        }
        let chunk = Chunk { up_to: self.after, after: self.written, ..Chunk::default() };
        let taken = self.session.store.take_in(REMOTE, chunk, self.session.clock.now())?;
        self.written = self.after;
        self.progress.doubt().write_down(self.written);
        Ok(taken.again.is_some())
    }

    fn take(&mut self, messages: Vec<Message>, up_to: u64) -> Result<Taken, SyncError> {
        let _span = tracing::info_span!("take_in", messages = messages.len()).entered();
        let messages = self.without_echoes(messages)?;
        if messages.is_empty() && up_to < self.written + ECHOES {
            if up_to > self.after {
                self.reach(up_to);
            }
            return Ok(Taken::default());
        }
        let after = if up_to > 0 { self.written } else { 0 };
        let mut chunk = Chunk { up_to, after, ..Chunk::default() };
        let mut garbage = false;
        for message in messages {
            match wire::arrival(&message) {
                Ok(arrival) => chunk.arrivals.push(arrival),
                // Under our own name it is for delivery, which asks what the exchange holds of ours.
                Err(unreadable) if self.is_own(unreadable.origin.as_deref()) => garbage = true,
                Err(unreadable) => chunk.unreadable.push(unreadable),
            }
        }
        let mut taken = self.session.store.take_in(REMOTE, chunk, self.session.clock.now())?;
        if garbage && taken.own == Own::Fits {
            taken.own = Own::Ahead;
        }
        if up_to > 0 && taken.again.is_none() {
            self.written = up_to;
            self.reach(up_to);
            self.progress.doubt().write_down(up_to);
        }
        self.progress.applied.fetch_add(taken.applied as u64, Ordering::Relaxed);
        self.progress.parked.fetch_add(taken.parked.len() as u64, Ordering::Relaxed);
        self.gaps |= !taken.gaps.is_empty();
        Ok(taken)
    }

    fn asking(&self) -> Asking<'_> {
        let Self { session, place, bus, exchange, ref reader, .. } = *self;
        Asking { session, place, reader, bus, exchange }
    }

    fn is_own(&self, origin: Option<&str>) -> bool {
        origin == Some(self.session.store.origin().public_key.as_str())
    }

    /// The messages without what comes back of our own and is as it was sent.
    fn without_echoes(&self, mut messages: Vec<Message>) -> Result<Vec<Message>, SyncError> {
        let own = &self.session.store.origin().public_key;
        let places: Vec<_> = messages.iter().map(|message| message.place_of(own)).collect();
        let numbers = || places.iter().flatten().map(|(seq, _)| *seq);
        let Some((first, last)) = numbers().min().zip(numbers().max()) else { return Ok(messages) };
        if last.saturating_sub(first) > ECHOES.cast_signed() {
            return Ok(messages);
        }
        let links = self.reader.shared_links(own, first, last)?;
        let mut places = places.into_iter();
        messages.retain(|_| places.next().flatten().is_none_or(|(seq, link)| links.get(&seq) != Some(&link)));
        Ok(messages)
    }

    /// Everything was looked at up to a message.
    fn reach(&mut self, after: u64) {
        self.after = after;
        self.progress.reached.store(after, Ordering::Release);
    }

    fn catch_up(&mut self) -> Result<(), SyncError> {
        // What the exchange has lost at its end does not come.
        self.progress.reached.store(self.after.max(self.exchange.last), Ordering::Release);
        self.look_around()?;
        self.progress.caught_up.store(self.ended.is_none(), Ordering::Release);
        Ok(())
    }

    /// Now and then, and at once after a gap: asks whether the exchange is still what it was, and for what an origin has on it
    /// and this ledger lacks.
    fn look_around(&mut self) -> Result<(), SyncError> {
        let pause = if self.gaps { ASK_AGAIN_SOON } else { ASK_AGAIN };
        let due = self.asked.is_none_or(|asked| asked.elapsed() >= pause);
        if !due {
            return Ok(());
        }
        let first = self.asked.replace(Instant::now()).is_none();
        self.gaps = false;
        // Somebody may have made the stream anew, and whoever follows it is told nothing. Whoever sends is: the fence holds.
        if !first && relay::behind(&self.reader)? == 0 {
            let Some(found) = relay::look(&self.asking())? else {
                self.ended = Some(Ended::Ahead);
                return Ok(());
            };
            self.last = self.last.max(found.last);
        }
        let own = self.session.store.origin().public_key.clone();
        let mut heads = self.reader.shared_heads()?;
        heads.retain(|head| head.origin != own && head.active);
        // Whoever was in the way the last time may take the connection along: the others come first.
        heads.sort_by_key(|head| self.progress.late().contains(&head.origin));
        let mut failed = None;
        for head in heads {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let origin = head.origin.clone();
            let looked = self.look_for_missing(head);
            match &looked {
                Ok(()) => self.progress.late().remove(&origin),
                Err(_) => self.progress.late().insert(origin),
            };
            match looked {
                Err(SyncError::Bus(error @ (BusError::Silence { .. } | BusError::Failed { .. }))) => {
                    failed.get_or_insert(error);
                }
                looked => looked?,
            }
        }
        // It is tried again by and by, as whatever could not be read.
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Asks for what an origin has on the exchange and this ledger lacks.
    fn look_for_missing(&mut self, here: SharedHead) -> Result<(), SyncError> {
        let there = match self.bus.held(self.exchange, &here.origin) {
            // It says nothing of what is missing, and is parked when it is read.
            Err(BusError::Unplaced { message, .. }) => return self.park_passed((here.origin, here.seq), message),
            there => there?,
        };
        let fetched = (there.fence, here.seq);
        if there.seq > here.seq && self.fetched.get(&here.origin) != Some(&fetched) {
            tracing::info!(
                origin = here.origin,
                have = here.seq,
                there = there.seq,
                "asking again for what is missing"
            );
            if self.fetch(&here.origin, there.fence)? {
                self.fetched.insert(here.origin, fetched);
            }
        }
        Ok(())
    }

    /// Takes in the last message of an origin that goes on all the same, when it was passed over: an older release parked it as
    /// nobody's. Asked for as others are, it costs a connection each time.
    fn park_passed(&mut self, (origin, seq): (String, i64), message: u64) -> Result<(), SyncError> {
        let fetched = (message, seq);
        if message > self.after || self.fetched.get(&origin) == Some(&fetched) {
            return Ok(());
        }
        let read = self.bus.beside().and_then(|bus| bus.read_singly(self.exchange, Some(&origin), message, 1));
        match read {
            Ok(messages) => drop(self.take(messages, 0)?),
            // Only who may pass over a message can do it, and the others are no worse off.
            Err(BusError::Permission(_)) => {}
            Err(error @ BusError::Stopping { .. }) => return Err(error.into()),
            // That another connection fails says nothing of the one that stands.
            Err(error) => return Err(BusError::Failed { doing: PASSED, why: error.to_string() }.into()),
        }
        self.fetched.insert(origin, fetched);
        Ok(())
    }

    /// Reads everything of one origin up to a message; says whether it came that far, and not to a silence.
    fn fetch(&mut self, origin: &str, up_to: u64) -> Result<bool, SyncError> {
        let mut follow = self.bus.follow(self.exchange, Some(origin), 0)?;
        while !self.stop.load(Ordering::Relaxed) {
            let messages = read(&mut follow)?;
            let Some(last) = messages.last() else { break };
            let is_end = last.ends(self.exchange, up_to);
            self.take(messages, 0)?;
            if is_end {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The next messages, waited for a little longer than on a quiet exchange.
pub(super) fn read(follow: &mut Follow) -> Result<Vec<Message>, SyncError> {
    Ok(follow.next(CHUNK, Duration::from_secs(5))?)
}

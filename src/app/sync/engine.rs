//! The engine: drives delivery by its machine, with the way in beside it, until it is told to stop or all is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::super::Session;
use super::super::requests::Desk;
use super::intake::Progress;
use super::relay::{self, Sending, Stop};
use super::{LEASE, Place, REMOTE, SyncError, consent};
pub use crate::bus::Link;
use crate::bus::{Bus, Exchange, Standing};
use crate::domain::delivery::{Delivery, Reason, Seen, State, Step};
use crate::store::remote::{Acknowledged, Status};
use crate::store::{Listener, Reader, Signer};

mod deaf;

mod desk;

mod erasing;

mod lease;

mod losses;

mod synced;

mod trouble;

mod way_in;

use desk::Open;
use lease::holder;
pub(super) use lease::is_dead;
use losses::Losses;
use synced::Synced;
use way_in::{Retry, WayIn};

/// How long the engine sleeps when nothing wakes it: what other processes record is seen after that.
const NAP: Duration = Duration::from_millis(50);
/// How often it is looked whether the process is to end.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is looked for flakes to share while others are being sent, and for a server while none is named, in microseconds.
const LOOK_US: i64 = 1_000_000;
/// After how many attempts that failed a client that reconnects by itself is given up: half a minute or more.
const PATIENT_ATTEMPTS: u32 = 8;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When told to.
    Stopped,
    /// When there is nothing left to send or take, or the first attempt failed.
    Synced,
}

/// What the engine came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where delivery stands.
    pub status: Status,
    /// How many events were sent.
    pub sent: u64,
    /// How many events were taken in.
    pub taken: u64,
    /// How many messages were parked.
    pub parked: u64,
    /// Whether there is nothing left to send or take.
    pub synced: bool,
    /// Whether somebody else holds the lease: that process does it.
    pub elsewhere: Option<String>,
}

/// Runs the engine. Only one process of many does at a time; the others are told who.
///
/// # Errors
/// Only for what concerns the ledger itself. What goes wrong with the bus is told by the outcome.
pub fn run(
    session: &Session,
    place: &Place,
    link: &Link,
    until: Until,
    stop: &AtomicBool,
) -> Result<Outcome, SyncError> {
    run_with(session, &|| place.clone(), link, until, stop, None)
}

/// Runs the engine and answers requests on its connection. Where that is, is asked before each new connection.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    session: &Session,
    place: &(dyn Fn() -> Place + Sync),
    link: &Link,
    until: Until,
    stop: &AtomicBool,
    desk: Option<Arc<Desk>>,
) -> Result<Outcome, SyncError> {
    let holder = holder(&session.who.host, std::process::id());
    // What this process records wakes the engine at once; what others record it sees when its nap is over.
    let woken = link.clone();
    let listener: Arc<Listener> = Arc::new(move || woken.nudge());
    session.store.listen(&listener)?;
    let over = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        // Whoever waits for the server when the process is to end waits no longer.
        let watching = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                if stop.load(Ordering::Relaxed) {
                    return link.stop();
                }
                thread::park_timeout(LOOK);
            }
        });
        // Whoever does it once finishes everything at its end.
        let lasts = until == Until::Stopped;
        let erasing = lasts.then(|| erasing::begin(scope, session, (&over, stop))).flatten();
        let begun = Engine::new(session, place, link, holder.clone()).map(|engine| Engine { desk, ..engine });
        let outcome = begun.and_then(|mut engine| {
            let outcome = engine.run(scope, until, stop);
            engine.end(until, stop);
            outcome
        });
        over.store(true, Ordering::Release);
        watching.thread().unpark();
        if let Some(erasing) = erasing {
            erasing.thread().unpark();
        }
        outcome
    });
    session.store.release_lease(LEASE, &holder)?;
    outcome
}

struct Engine<'scope, 'env> {
    session: &'env Session,
    /// Where the bus is, as it was found at the last new connection.
    place: Arc<Place>,
    place_now: &'env (dyn Fn() -> Place + Sync),
    /// When that was asked last.
    placed: i64,
    link: &'env Link,
    holder: String,
    reader: Reader,
    delivery: Delivery,
    status: Status,
    /// The same as it is written down.
    told: Status,
    bus: Option<Arc<Bus>>,
    desk: Option<Arc<Desk>>,
    open: Option<Open>,
    exchange: Option<Exchange>,
    heard: Standing,
    /// How it stood when the engine woke last.
    woken_by: Standing,
    way_in: Option<WayIn<'scope>>,
    retry: Retry,
    progress: Arc<Progress>,
    losses: Losses,
    /// How many questions in a row had no answer on a connection that stands.
    unanswered: u32,
    /// What went wrong last, as it was warned of; none once that is over.
    warned: Option<String>,
    sent: u64,
    /// What the exchange holds of ours, as it was read at the last look.
    acknowledged: Acknowledged,
    /// Whether it was asked once what that is.
    reconciled: bool,
    /// Read once for every time that the exchange is asked what it holds.
    signer: Option<Signer>,
    synced: Synced,
    leased_until: i64,
    /// The last question whether all is synchronised, and the last that was tried for.
    asked: i64,
    tried: i64,
    /// When it was looked last for flakes to share, and up to which event.
    looked: i64,
    released: i64,
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    fn new(
        session: &'env Session,
        place_now: &'env (dyn Fn() -> Place + Sync),
        link: &'env Link,
        holder: String,
    ) -> Result<Self, SyncError> {
        let reader = session.store.reader()?;
        let asked = reader.asked_whether_synced()?;
        Ok(Self {
            session,
            place: Arc::new(place_now()),
            place_now,
            placed: session.clock.now(),
            link,
            holder,
            reader,
            delivery: Delivery::default(),
            status: Status::default(),
            told: Status::default(),
            bus: None,
            desk: None,
            open: None,
            exchange: None,
            heard: link.standing(),
            woken_by: Standing::default(),
            way_in: None,
            retry: Retry::default(),
            progress: Arc::new(Progress::default()),
            losses: Losses::default(),
            unanswered: 0,
            warned: None,
            sent: 0,
            acknowledged: Acknowledged { seq: 0, fence: 0 },
            reconciled: false,
            signer: None,
            synced: Synced::default(),
            leased_until: 0,
            asked,
            tried: asked,
            looked: 0,
            released: -1,
        })
    }

    fn run(
        &mut self,
        scope: &'scope thread::Scope<'scope, 'env>,
        until: Until,
        stop: &AtomicBool,
    ) -> Result<Outcome, SyncError> {
        while !stop.load(Ordering::Relaxed) {
            if let Some(elsewhere) = self.keep_lease()? {
                if until == Until::Synced {
                    return self.outcome(Some(elsewhere));
                }
                self.nap(Duration::from_secs(1));
                continue;
            }
            self.look()?;
            match self.delivery.next(self.now()) {
                Step::Connect => self.connect(),
                Step::Reconcile => self.reconcile(scope)?,
                Step::Publish => self.publish()?,
                Step::Wait | Step::WaitUntil(_) => {
                    if until == Until::Synced && self.is_over()? {
                        self.tell()?;
                        break;
                    }
                    self.nap(NAP);
                }
            }
            self.tell()?;
        }
        self.outcome(None)
    }

    /// What was seen since: consent, the connection, the way in, new events.
    fn look(&mut self) -> Result<(), SyncError> {
        let enabled = self.reader.is_sync_enabled()? && self.knows_a_server();
        self.see(if enabled { Seen::Enabled } else { Seen::Disabled });
        if !enabled {
            self.hang_up();
            return Ok(());
        }
        let standing = self.link.standing();
        if self.bus.is_some() && standing.connections > self.heard.connections {
            self.status.connected_since = Some(self.now());
            self.stop_way_in();
            self.retry = Retry::default();
            self.see(Seen::Connected);
            self.count_loss();
        }
        self.keep_open();
        if self.heard.connected && !standing.connected {
            self.status.connected_since = None;
            match self.delivery.state() {
                // What blocks it is told as before: it is not cured by a new connection.
                State::Blocked => self.see(Seen::Lost),
                _ => self.fail(Seen::Lost, "the connection is lost"),
            }
        }
        self.heard = standing;
        if self.way_in.as_ref().is_some_and(WayIn::is_over) {
            self.end_way_in();
        }
        self.read_again();
        let known = self.reader.remote(REMOTE)?;
        self.acknowledged = Acknowledged { seq: known.acked, fence: known.fence };
        let mut behind = self.behind()?;
        // What waits to be sent is not kept waiting by a look for more, but not for ever. Nothing enters the outbox by it before it is
        // known what the exchange holds: a restored ledger may have shared it already, at another place.
        if self.reconciled && (behind == 0 || is_over(self.looked, LOOK_US, self.now())) && self.release()? {
            behind = self.behind()?;
        }
        self.see(Seen::Recorded { behind });
        self.heed()
    }

    /// Whether the settings name a server; when they do not, they are read again now and then.
    fn knows_a_server(&mut self) -> bool {
        let now = self.now();
        if self.place.target.servers.is_empty() && is_over(self.placed, LOOK_US, now) {
            self.placed = now;
            self.place = Arc::new((self.place_now)());
        }
        !self.place.target.servers.is_empty()
    }

    /// Who asks whether all is synchronised does not wait for the end of a pause: what stood in the way may be mended.
    fn heed(&mut self) -> Result<(), SyncError> {
        let asked = self.reader.asked_whether_synced()?;
        if asked != self.asked {
            self.asked = asked;
            if !self.link.standing().connected {
                self.hang_up();
                self.see(Seen::Lost);
            }
            if self.is_deaf() {
                self.see(Seen::Connected);
            }
            self.retry.try_now();
            self.see(Seen::Asked);
        }
        Ok(())
    }

    /// Ends the connection, so that the next step makes a new one, with what files and settings say then.
    fn hang_up(&mut self) {
        self.let_go();
        self.open = None;
        if let Some(desk) = &self.desk {
            desk.connects(false);
        }
    }

    /// Flakes that were found below shared roots since the last look are shared from here on; whether there may be some.
    fn release(&mut self) -> Result<bool, SyncError> {
        self.looked = self.now();
        let head = self.reader.head()?;
        let found = head != self.released && (self.released < 0 || self.reader.has_private_after(self.released)?);
        if found {
            consent::follow(self.session)?;
        }
        self.released = head;
        Ok(found)
    }

    fn connect(&mut self) {
        if self.bus.is_some() {
            // The client reconnects by itself; its link tells.
            let standing = self.link.standing();
            if standing.connected {
                return self.see(Seen::Connected);
            }
            if let Some(why) = standing.unauthorized {
                // It would go on with the credentials that it has read.
                self.hang_up();
                return self.fail(Seen::Refused(Reason::Unauthorized), why);
            }
            if self.delivery.attempts() < PATIENT_ATTEMPTS {
                return self.see(Seen::Unreachable);
            }
            // Only a new connection tells what is wrong, and reads anew what was corrected.
            self.hang_up();
        }
        let place = Arc::new((self.place_now)());
        if place != self.place {
            self.open = None;
        }
        self.place = place;
        let name = self.called();
        let fit = self.place.layout.refuse_unfit_names();
        match fit.and_then(|()| Bus::connect(&self.place.target, &name, self.link.clone())) {
            Ok(bus) => {
                self.status.server = Some(bus.server());
                self.status.connected_since = Some(self.now());
                // One that is open stays so: what it was asked is answered.
                if let (None, Some(desk)) = (&self.open, &self.desk) {
                    self.open = Some(Open::new(desk, &self.place, (&name, self.link)));
                }
                self.bus = Some(Arc::new(bus));
                self.heard = self.link.standing();
                self.see(Seen::Connected);
            }
            Err(error) => self.fail(error.seen(), error),
        }
    }

    fn reconcile(&mut self, scope: &'scope thread::Scope<'scope, 'env>) -> Result<(), SyncError> {
        if self.is_deaf() {
            self.let_go();
        }
        let Some(bus) = self.bus.clone() else {
            self.connect();
            return Ok(());
        };
        self.stop_way_in();
        self.signer = None;
        let since = self.now();
        let (before, (shared, _)) = (self.reader.remote(REMOTE)?, self.reader.shared_head()?);
        match relay::reconcile(self.session, &self.place, &bus, (&self.holder, &self.progress)) {
            Ok(exchange) => {
                self.status.server = Some(bus.server());
                self.reconciled = true;
                let same = before.epoch.as_ref() == Some(&exchange.epoch);
                // What was sent, though the answer to it was lost; what is taken back was not.
                let held = if same { self.reader.remote(REMOTE)?.acked.min(shared) } else { before.acked };
                let arrived = u64::try_from(held - before.acked).unwrap_or_default();
                self.sent += arrived;
                self.release()?;
                let behind = relay::behind(&self.reader)?;
                if behind == 0 || arrived > 0 {
                    self.status.last_error = None;
                }
                self.see(if arrived > 0 { Seen::Acknowledged { behind } } else { Seen::Reconciled { behind } });
                self.synced.look((since, exchange.last));
                self.exchange = Some(exchange.clone());
                self.start_way_in(scope, bus, exchange);
                relay::refuse_oversized(&self.reader).or_else(|stop| self.stopped(stop))
            }
            Err(stop) => self.stopped(stop),
        }
    }

    fn publish(&mut self) -> Result<(), SyncError> {
        let (Some(bus), Some(exchange)) = (self.bus.clone(), self.exchange.clone()) else {
            self.see(Seen::Failed);
            return Ok(());
        };
        match self.send(&bus, &exchange) {
            Ok(acknowledged) => {
                self.sent += u64::try_from(acknowledged.seq - self.acknowledged.seq).unwrap_or_default();
                self.acknowledged = acknowledged;
                self.status.last_error = None;
                let behind = self.behind()?;
                self.see(Seen::Acknowledged { behind });
                Ok(())
            }
            Err(stop) => self.stopped(stop),
        }
    }

    fn send(&mut self, bus: &Bus, exchange: &Exchange) -> Result<Acknowledged, Stop> {
        let signer = match self.signer.take() {
            Some(signer) => signer,
            None => relay::signer(self.session)?,
        };
        let (session, reader, holder) = (self.session, &self.reader, &*self.holder);
        let with = Sending { session, reader, bus, exchange, holder, signer: self.signer.insert(signer) };
        relay::publish(with, self.acknowledged)
    }

    /// Writes down where delivery stands, when that changed.
    fn tell(&mut self) -> Result<(), SyncError> {
        let status = &mut self.status;
        self.delivery.state().name().clone_into(&mut status.state);
        status.reason = self.delivery.reason().map(|reason| reason.name().to_owned());
        status.attempts = self.delivery.attempts();
        if status.last_error.is_none() {
            status.last_error = self.retry.why().map(str::to_owned);
        }
        if status.last_error.is_none() {
            self.warned = None;
        }
        status.next_attempt_at = self.delivery.next_attempt().or_else(|| self.retry.next_attempt());
        let has_failed = status.next_attempt_at.is_some();
        if *status != self.told {
            tracing::info!(state = status.state, reason = status.reason, error = status.last_error, "delivery");
            self.told = status.clone();
            self.session.store.set_status(REMOTE, self.told.clone(), self.now())?;
        }
        if self.tried != self.asked && has_failed {
            self.session.store.set_tried_since_asked(self.asked)?;
            self.tried = self.asked;
        }
        self.tell_synced()
    }

    /// For whoever does it once: done, off, or failed.
    fn is_over(&self) -> Result<bool, SyncError> {
        let failed = self.retry.is_given_up()
            || matches!(self.delivery.state(), State::Disabled | State::Blocked | State::Open)
            || (self.delivery.state() == State::Backoff && self.losses.excuse(self.delivery.attempts()) >= 2);
        Ok(failed || self.is_synced()?)
    }

    fn behind(&self) -> Result<u64, SyncError> {
        let (head, _) = self.reader.shared_head()?;
        Ok(u64::try_from(head - self.acknowledged.seq).unwrap_or_default())
    }

    /// Rests until something happens. What happened since the last rest ends this one at once, and is no reason for the next.
    fn nap(&mut self, longest: Duration) {
        self.woken_by = self.link.wait(&self.woken_by, longest);
    }

    /// How its connections are called on the server.
    fn called(&self) -> String {
        format!("cim-nix {}", self.session.who.host)
    }

    fn now(&self) -> i64 {
        self.session.clock.now()
    }

    fn outcome(&self, elsewhere: Option<String>) -> Result<Outcome, SyncError> {
        Ok(Outcome {
            status: self.status.clone(),
            sent: self.sent,
            taken: self.progress.applied.load(Ordering::Relaxed),
            parked: self.progress.parked.load(Ordering::Relaxed),
            synced: self.is_synced()?,
            elsewhere,
        })
    }

    /// Answers what others asked, stops the way in and says that nobody delivers any more.
    fn end(&mut self, until: Until, stop: &AtomicBool) {
        if stop.load(Ordering::Relaxed) {
            self.link.stop();
            self.finish_answers();
        }
        self.stop_way_in();
        if until == Until::Synced && !stop.load(Ordering::Relaxed) && self.leased_until > 0 {
            // Whoever does it once may not come again soon.
            self.session.store.go_on_with_erasure();
        }
        if self.leased_until > 0 && self.delivery.state() != State::Disabled && self.delivery.state() != State::Blocked
        {
            State::Offline.name().clone_into(&mut self.status.state);
            self.status.connected_since = None;
            self.status.next_attempt_at = None;
            if let Err(error) = self.session.store.set_status(REMOTE, self.status.clone(), self.now()) {
                tracing::warn!(%error, "where delivery stands could not be written down");
            }
        }
    }
}

/// Whether so many microseconds are over since a moment. One that is still to come was read from a clock that has been set since.
const fn is_over(since: i64, pause: i64, now: i64) -> bool {
    now < since || now - since > pause
}

/// What a blocked delivery needs, as a sentence for people.
pub fn hint(reason: &str) -> Option<&'static str> {
    self::reason(reason).map(Reason::hint)
}

/// Why delivery is blocked, by its name.
pub fn reason(name: &str) -> Option<Reason> {
    Reason::ALL.into_iter().find(|known| known.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_over_when_its_time_has_come_or_the_clock_was_set_back() {
        assert!(!is_over(100, 50, 100) && !is_over(100, 50, 150));
        assert!(is_over(100, 50, 151));
        assert!(is_over(100, 50, 99) && is_over(i64::MAX, 50, 0));
    }
}

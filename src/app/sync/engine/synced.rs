//! When nothing was left to send or take: what the exchange held at a moment is all here, and all of ours is there.

use std::sync::atomic::Ordering;

use super::super::relay::{self, Asking};
use super::super::{REMOTE, SyncError};
use super::{Engine, is_over};
use crate::domain::delivery::{Seen, State};

/// How often it is written down that all is synchronised, in microseconds: after work, and when nothing happens.
const SYNCED_US: i64 = 1_000_000;
const STILL_SYNCED_US: i64 = 60_000_000;

/// What was written down last, and what is looked for since.
#[derive(Debug, Default)]
pub(super) struct Synced {
    /// When all was synchronised.
    at: i64,
    /// How much was sent and taken by then.
    done: u64,
    /// Who had asked.
    answered: i64,
    /// When it was asked what the exchange holds, and its last message then, as long as that is not known to be here.
    looked: Option<(i64, u64)>,
}

impl Synced {
    /// The exchange was asked what it holds: from when on, and the number of its last message.
    pub(super) const fn look(&mut self, at: (i64, u64)) {
        self.looked = Some(at);
    }
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Writes down when nothing was left to send or take: the moment at which it was looked for that.
    pub(super) fn tell_synced(&mut self) -> Result<(), SyncError> {
        let done = self.sent + self.progress.applied.load(Ordering::Relaxed);
        let Synced { at, done: before, answered, .. } = self.synced;
        let pause = if done == before { STILL_SYNCED_US } else { SYNCED_US };
        let asked = self.reader.asked_whether_synced()?;
        let is_asked = asked != answered && asked.min(self.now()) <= self.looked;
        if (is_over(at, pause, self.looked) || is_asked)
            && self.is_synced()?
            && let Some(at) = self.all_was_here()?
        {
            self.session.store.set_synced(REMOTE, at)?;
            // Whoever asked since that look is still to be answered.
            let answered = if is_asked && asked.min(self.now()) <= at { asked } else { answered };
            self.synced = Synced { at, done, answered, looked: None };
        }
        Ok(())
    }

    /// When the exchange was looked at last and held nothing that is not here by now; none while it is not here, and when the
    /// exchange is not what it was, so that the next step is to ask what it holds. What came since then is another look's.
    fn all_was_here(&mut self) -> Result<Option<i64>, SyncError> {
        let looked = match self.synced.looked {
            Some(looked) => looked,
            None => match self.look_at_exchange()? {
                Some(looked) => *self.synced.looked.insert(looked),
                None => return Ok(None),
            },
        };
        let (at, last) = looked;
        Ok((self.progress.reached.load(Ordering::Acquire) >= last).then_some(at))
    }

    /// From when on the exchange was asked, and its last message.
    fn look_at_exchange(&mut self) -> Result<Option<(i64, u64)>, SyncError> {
        let (Some(bus), Some(exchange)) = (self.bus.clone(), self.exchange.clone()) else { return Ok(None) };
        let (session, place, reader) = (self.session, &*self.place, &self.reader);
        match relay::look(&Asking { session, place, reader, bus: &bus, exchange: &exchange }) {
            Ok(Some(found)) => return Ok(Some((self.looked, found.last))),
            Ok(None) => self.see(Seen::Connected),
            Err(SyncError::Bus(error)) => self.fail_on_bus(&error),
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// Nothing left to send or take.
    pub(super) fn is_synced(&self) -> Result<bool, SyncError> {
        let caught_up = self.progress.caught_up.load(Ordering::Acquire);
        Ok(self.delivery.state() == State::Live && caught_up && relay::behind(&self.reader)? == 0)
    }
}

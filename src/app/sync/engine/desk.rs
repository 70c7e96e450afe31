//! Answering requests, on a connection of its own: whoever asks with headers that the client cannot read interrupts that one,
//! and not the exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Place;
use super::Engine;
use crate::app::requests::{DESCRIPTION, Desk, SERVICE};
use crate::bus::{About, Answer, Answering, Bus, BusError, Link};

/// How long one that broke down stays closed: whoever broke it may do so again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long after the process is to end what is begun may take: to its own end, and when it is left where it is.
const BEGUN: Duration = Duration::from_secs(3);
const LEFT: Duration = Duration::from_secs(4);

/// The desk, as long as it is open: dropped, requests are answered no more.
pub(super) struct Open {
    opened: Instant,
    /// None when it could not be opened.
    at: Option<(Answering, Bus)>,
}

impl Open {
    /// Answers requests from here on; what cannot be offered is told in the log and takes nothing else with it.
    pub(super) fn new(desk: &Arc<Desk>, place: &Place, (name, link): (&str, &Link)) -> Self {
        let at = open(desk, place, name, link.beside());
        let at = at.inspect_err(|error| tracing::warn!(%error, "requests are not answered")).ok();
        Self { opened: Instant::now(), at }
    }

    fn is_over(&self) -> bool {
        self.at.as_ref().is_some_and(|(_, bus)| bus.is_over()) && self.opened.elapsed() >= PAUSE
    }

    /// Whether all that was taken is answered, at a moment at the latest.
    fn finish(&mut self, until: Instant) -> bool {
        self.at.as_mut().is_none_or(|(answering, _)| answering.finish(until))
    }
}

fn open(desk: &Arc<Desk>, place: &Place, name: &str, link: Link) -> Result<(Answering, Bus), BusError> {
    let bus = Bus::connect(&place.target, name, link)?;
    let answerer = desk.clone();
    let answer: Answer = Arc::new(move |request| answerer.answer(request));
    let (name, version, description, origin) = (SERVICE, env!("CARGO_PKG_VERSION"), DESCRIPTION, desk.origin());
    let answering = bus.answer(About { name, version, description, origin }, &desk.endpoints(), &answer)?;
    bus.announce("discovery.announce", desk.announcement())?;
    Ok((answering, bus))
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Hangs up when the client broke down, and opens the desk again when its own did.
    pub(super) fn keep_open(&mut self) {
        if self.bus.as_ref().is_some_and(|bus| bus.is_over()) {
            self.break_down();
        }
        if let Some(desk) = &self.desk
            && self.open.as_ref().is_some_and(Open::is_over)
        {
            self.open = Some(Open::new(desk, &self.place, (&self.called(), self.link)));
        }
    }

    /// What was taken is answered before the connection goes: what is begun when it is done, the rest as refused.
    pub(super) fn finish_answers(&mut self) {
        let (Some(mut open), Some(desk)) = (self.open.take(), &self.desk) else { return };
        let since = self.link.stopping_since().unwrap_or_else(Instant::now);
        if !open.finish(since + BEGUN) {
            desk.halt();
            if !open.finish(since + LEFT) {
                tracing::warn!("what others asked is left without an answer, as it takes too long");
            }
        }
    }
}

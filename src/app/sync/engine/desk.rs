//! Answering requests, on a connection of its own: whoever asks with headers that the client cannot read interrupts that one,
//! and not the exchange.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Place;
use super::Engine;
use crate::app::requests::{DESCRIPTION, Desk, Hearing, SERVICE};
use crate::bus::{About, Answer, Answering, Bus, BusError, Link, Standing};

/// How long one that broke down stays closed: whoever broke it may do so again. One that could not be opened waits as long at first.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one that could not be opened waits at most.
const LONGEST: Duration = Duration::from_mins(1);
/// How long its connection may be lost while that of the exchange stands, before that is said.
const LOST: Duration = Duration::from_secs(5);
/// How often it is looked whether requests are heard.
const LOOK: Duration = Duration::from_secs(1);
/// How long after the process is to end what is begun may take: to its own end, and when it is left where it is.
const BEGUN: Duration = Duration::from_secs(3);
const LEFT: Duration = Duration::from_secs(4);

/// The desk, as long as it is open: dropped, requests are answered no more.
pub(super) struct Open {
    opened: Instant,
    /// None when it could not be opened.
    at: Option<(Answering, Bus)>,
    again: Again,
    ear: Ear,
}

/// What the server does not let us listen to.
struct Ear {
    looked: Instant,
    /// As it was at the last look: what the server refuses it says subject by subject.
    unheard: Vec<String>,
    /// When it was tried last, and after how long it is again.
    tried: Instant,
    pause: Duration,
    /// Since when the connection is lost.
    lost: Option<Instant>,
}

/// When one that could not be opened is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Again {
    pause: Duration,
    /// How often the exchange's own connection had been made by then.
    connections: u64,
}

impl Again {
    const fn first(connections: u64) -> Self {
        Self { pause: PAUSE, connections }
    }

    /// After one more that failed. A connection that was made anew begins anew.
    fn next(self, connections: u64) -> Self {
        let pause = (self.pause * 2).min(LONGEST);
        if connections == self.connections { Self { pause, connections } } else { Self::first(connections) }
    }

    fn is_due(self, waited: Duration, connections: u64) -> bool {
        waited >= self.pause || connections != self.connections
    }
}

impl Open {
    /// Answers requests from here on; what cannot be offered is told in the log and takes nothing else with it.
    pub(super) fn new(desk: &Arc<Desk>, place: &Place, (name, link): (&str, &Link)) -> Self {
        let again = Again::first(link.standing().connections);
        let at = open(desk, place, name, link.beside());
        let at = at.inspect_err(|error| told(desk, &Hearing::Nothing(error.to_string()))).ok();
        let opened = Instant::now();
        Self {
            opened,
            at,
            again,
            ear: Ear { looked: opened, unheard: Vec::new(), tried: opened, pause: PAUSE, lost: None },
        }
    }

    /// Looks whether the server lets us listen; what it does not is tried again now and then, as permissions are given meanwhile.
    fn listen(&mut self, desk: &Desk, exchange: &Standing) {
        let (Some((answering, bus)), ear) = (&mut self.at, &mut self.ear) else { return };
        let standing = bus.link().standing();
        if !standing.connected || bus.is_over() {
            let lost = ear.lost.filter(|_| exchange.connected).unwrap_or_else(Instant::now);
            if lost.elapsed() >= LOST {
                told(desk, &Hearing::Nothing("their own connection is lost".to_owned()));
            }
            ear.lost = Some(lost);
            return;
        }
        ear.lost = None;
        if ear.looked.elapsed() < LOOK {
            return;
        }
        ear.looked = Instant::now();
        let unheard = answering.unheard(&standing);
        if unheard == ear.unheard {
            told(desk, &if unheard.is_empty() { Hearing::All } else { Hearing::Not(unheard.clone()) });
            if unheard.is_empty() {
                ear.pause = PAUSE;
            } else if ear.tried.elapsed() >= ear.pause {
                ear.tried = Instant::now();
                ear.pause = (ear.pause * 2).min(LONGEST);
                if let Err(error) = bus.listen_again(answering, &unheard) {
                    tracing::debug!(%error, "requests cannot be listened to again");
                }
            }
        }
        ear.unheard = unheard;
    }

    /// Whether it is known whether requests reach it: the connection stands on which it answers, or is lost for long; where it could
    /// not be opened, that of the exchange stands.
    fn is_known(&self, exchange: &Standing) -> bool {
        match &self.at {
            Some((_, bus)) if bus.link().standing().connected && !bus.is_over() => true,
            Some(_) => exchange.connected && self.ear.lost.is_some_and(|lost| lost.elapsed() >= LOST),
            None => exchange.connected,
        }
    }

    /// Whether no answer is heard on its connection, by which it asks who else does what is asked for.
    fn is_deaf(&self) -> bool {
        self.at.as_ref().is_some_and(|(_, bus)| bus.link().standing().is_deaf())
    }

    /// Whether it is to be opened again, as the exchange's own connection stands.
    fn is_due(&self, standing: &Standing) -> bool {
        let waited = self.opened.elapsed();
        // Where the exchange is not reached, nor is the desk, and delivery would wait for it.
        standing.connected
            && match &self.at {
                Some((_, bus)) if bus.is_over() => waited >= PAUSE,
                Some(_) if !self.is_deaf() => false,
                _ => self.again.is_due(waited, standing.connections),
            }
    }

    /// Opens it again; after how long that is tried once more, grows.
    fn reopen(&mut self, desk: &Arc<Desk>, place: &Place, (name, link): (&str, &Link)) {
        let again = self.again.next(link.standing().connections);
        let was_right = !self.is_deaf() && self.at.is_some();
        self.at = None;
        *self = Self::new(desk, place, (name, link));
        if !was_right {
            self.again = again;
        }
    }

    /// Whether all that was taken is answered, at a moment at the latest.
    fn finish(&mut self, until: Instant) -> bool {
        self.at.as_mut().is_none_or(|(answering, _)| answering.finish(until))
    }
}

/// Has the desk know whether requests reach it, and the log when that changed.
fn told(desk: &Desk, now: &Hearing) {
    match now.news(desk.hears(now.clone()).as_ref()) {
        Some(news) if *now == Hearing::All => tracing::info!("{news}"),
        Some(news) => tracing::warn!("{news}"),
        None => {}
    }
}

fn open(desk: &Arc<Desk>, place: &Place, name: &str, link: Link) -> Result<(Answering, Bus), BusError> {
    let bus = Bus::connect_to_answer(&place.target, name, link)?;
    let answerer = desk.clone();
    let answer: Answer = Arc::new(move |request| answerer.answer(request));
    let (name, version, description, origin) = (SERVICE, env!("CARGO_PKG_VERSION"), DESCRIPTION, desk.origin());
    let about = About { name, version, description, origin, since: desk.now() };
    let answering = bus.answer(about, &desk.endpoints(), &answer)?;
    bus.announce("discovery.announce", desk.announcement())?;
    Ok((answering, bus))
}

impl<'scope, 'env: 'scope> Engine<'scope, 'env> {
    /// Hangs up when the client broke down, and opens the desk again when its own did.
    pub(super) fn keep_open(&mut self) {
        if self.bus.as_ref().is_some_and(|bus| bus.is_over()) {
            self.break_down();
        }
        let name = self.called();
        if let (Some(desk), Some(open)) = (&self.desk, &mut self.open)
            && open.is_due(&self.link.standing())
        {
            open.reopen(desk, &self.place, (&name, self.link));
        }
        let standing = self.link.standing();
        if let (Some(desk), Some(open)) = (&self.desk, &mut self.open) {
            open.listen(desk, &standing);
        }
        if let Some(desk) = &self.desk {
            desk.connects(self.open.as_ref().is_some_and(|open| open.is_known(&standing)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_could_not_be_opened_is_tried_after_pauses_that_grow_and_at_once_after_a_new_connection() {
        let first = Again::first(1);
        assert!(!first.is_due(Duration::ZERO, 1) && first.is_due(PAUSE, 1) && first.is_due(Duration::ZERO, 2));
        let second = first.next(1);
        assert!(!second.is_due(PAUSE, 1) && second.is_due(PAUSE * 2, 1));
        let late = (0..100).fold(second, |again, _| again.next(1));
        assert!(late.is_due(LONGEST, 1) && !late.is_due(LONGEST / 2, 1));
        assert_eq!(late.next(2), Again::first(2));
    }
}

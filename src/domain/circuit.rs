//! A circuit breaker around calls of a program: after a few in a row that hung or did not start, none is made for a while,
//! then one is let through.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many failures in a row open it.
const IN_A_ROW: u32 = 2;
/// How long it stays open.
const PAUSE: Duration = Duration::from_mins(1);

/// Whether calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// All are.
    Closed,
    /// One is, to see whether it works.
    HalfOpen,
    /// None is, for so long.
    Open(Duration),
}

impl State {
    /// The name of every state, in health and metrics.
    pub const NAMES: [&'static str; 3] = ["closed", "half_open", "open"];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open(_) => "open",
        }
    }
}

/// The calls of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Circuit {
    failures: u32,
    until: Option<Instant>,
    trying: bool,
}

impl Circuit {
    fn state(&self, now: Instant) -> State {
        let left = self.until.map(|until| until.saturating_duration_since(now));
        match left {
            None => State::Closed,
            Some(Duration::ZERO) => State::HalfOpen,
            Some(left) => State::Open(left),
        }
    }

    fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state(now) {
            State::Closed => Ok(()),
            State::HalfOpen if !self.trying => {
                self.trying = true;
                Ok(())
            }
            State::HalfOpen => Err(PAUSE),
            State::Open(left) => Err(left),
        }
    }

    fn leave(&mut self, worked: bool, now: Instant) {
        self.trying = false;
        self.failures = if worked { 0 } else { self.failures.saturating_add(1) };
        self.until = (self.failures >= IN_A_ROW).then(|| now + PAUSE);
    }
}

/// The calls of many programs, each by its name, from whatever thread.
#[derive(Debug, Default)]
pub struct Circuits {
    known: Mutex<BTreeMap<String, Circuit>>,
}

impl Circuits {
    /// Of none yet.
    pub const fn new() -> Self {
        Self { known: Mutex::new(BTreeMap::new()) }
    }

    /// Asks whether a program may be called.
    ///
    /// # Errors
    /// How long until it is worth asking again.
    pub fn enter(&self, program: &str, now: Instant) -> Result<(), Duration> {
        self.known().entry(program.to_owned()).or_default().enter(now)
    }

    /// Takes in what became of a call.
    pub fn leave(&self, program: &str, worked: bool, now: Instant) {
        self.known().entry(program.to_owned()).or_default().leave(worked, now);
    }

    /// How those that were called stand.
    pub fn states(&self, now: Instant) -> Vec<(String, State)> {
        self.known().iter().map(|(program, circuit)| (program.clone(), circuit.state(now))).collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Circuit>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(circuits: &Circuits, now: Instant) -> State {
        circuits.known().get("sh").map_or(State::Closed, |circuit| circuit.state(now))
    }

    fn opened(now: Instant) -> Circuits {
        let circuits = Circuits::new();
        for _ in 0..IN_A_ROW {
            assert_eq!(circuits.enter("sh", now), Ok(()));
            circuits.leave("sh", false, now);
        }
        circuits
    }

    #[test]
    fn failures_in_a_row_open_it_and_what_works_between_them_does_not() {
        let (circuits, now) = (Circuits::new(), Instant::now());
        for _ in 0..10 {
            circuits.leave("sh", false, now);
            circuits.leave("sh", true, now);
            assert_eq!((circuits.enter("sh", now), state(&circuits, now)), (Ok(()), State::Closed));
        }
        let circuits = opened(now);
        assert_eq!((circuits.enter("sh", now), state(&circuits, now)), (Err(PAUSE), State::Open(PAUSE)));
        assert_eq!(circuits.enter("another", now), Ok(()));
    }

    #[test]
    fn after_a_while_one_call_tells_whether_it_closes() {
        let now = Instant::now();
        let later = now + PAUSE;
        let circuits = opened(now);
        assert_eq!(circuits.states(now), [("sh".to_owned(), State::Open(PAUSE))]);
        assert_eq!(circuits.states(later), [("sh".to_owned(), State::HalfOpen)]);
        assert_eq!((state(&circuits, later), circuits.enter("sh", later)), (State::HalfOpen, Ok(())));
        assert!(circuits.enter("sh", later).is_err(), "one at a time");
        circuits.leave("sh", true, later);
        assert_eq!((state(&circuits, later), circuits.enter("sh", later)), (State::Closed, Ok(())));
        let circuits = opened(now);
        assert_eq!(circuits.enter("sh", later), Ok(()));
        circuits.leave("sh", false, later);
        assert_eq!((state(&circuits, later), circuits.enter("sh", later)), (State::Open(PAUSE), Err(PAUSE)));
    }
}

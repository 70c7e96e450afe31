//! The one place that knows what time it is and makes new ids, so that everything else can be told.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;
use uuid::Uuid;

/// Where time and ids come from.
#[derive(Debug)]
pub struct Clock(Source);

#[derive(Debug)]
enum Source {
    System,
    /// Microseconds since 1970 UTC; every reading ticks by one.
    Fixed(AtomicI64),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at a moment and ticks one microsecond a reading: two runs see the same times and ids.
    pub const fn fixed(start: i64) -> Self {
        Self(Source::Fixed(AtomicI64::new(start)))
    }

    /// Now, in microseconds since 1970 UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the clock")]
    pub fn now(&self) -> i64 {
        match &self.0 {
            Source::System => Utc::now().timestamp_micros(),
            Source::Fixed(next) => next.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The day it is, as in `2026-11-28`; no clock ticks by it.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the clock")]
    pub fn today(&self) -> String {
        super::check::day(match &self.0 {
            Source::System => Utc::now().timestamp_micros(),
            Source::Fixed(next) => next.load(Ordering::Relaxed),
        })
    }

    /// A new id (UUIDv7): ids of one clock sort by the time they were made.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of new ids")]
    pub fn new_id(&self) -> Uuid {
        match &self.0 {
            Source::System => Uuid::now_v7(),
            Source::Fixed(next) => fixed_id(next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// A v7 id whose random part is the microseconds, so that it is the same in every run.
fn fixed_id(micros: i64) -> Uuid {
    const VERSION_7: u64 = 0x7000;
    const VARIANT: u64 = 0x8000_0000_0000_0000;
    let micros = u64::try_from(micros).unwrap_or_default();
    let high = ((micros / 1000) << 16) | VERSION_7 | (micros % 1000);
    Uuid::from_u64_pair(high, VARIANT | (micros & 0xffff_ffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_tells_the_same_story_twice() {
        let (one, two) = (Clock::fixed(1_700_000_000_000_000), Clock::fixed(1_700_000_000_000_000));
        let ids: Vec<Uuid> = (0..3).map(|_| one.new_id()).collect();
        assert_eq!(ids, (0..3).map(|_| two.new_id()).collect::<Vec<_>>());
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 7);
        assert!(one.now() < one.now());
    }
}

//! Erasures that others asked for: each costs a new read model and a new file, and how many there are is theirs to say. So what is
//! to be done for them waits for its turn, which comes the later the longer the last one took.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::pending;
use crate::store::error::{Named, StoreError};
use crate::store::open::Store;

/// In `meta`: from when on an erasure that others asked for is finished, in microseconds since 1970 UTC.
const TURN: &str = "erasure_turn";
/// How many times as long as it took the next one waits, how long at least, and how long at most.
const TIMES: u32 = 10;
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_hours(1);

impl Store {
    /// Finishes an erasure when its turn has come; true when nothing is left to do.
    ///
    /// # Errors
    /// When it cannot be done; it has another turn then.
    pub(crate) fn finish_erasure_in_turn(&self, now: i64) -> Result<bool, StoreError> {
        let path = self.path().to_owned();
        let (pending, turn) = self.with_connection(move |connection| {
            let read = pending(connection).and_then(|pending| Ok((pending, turn(connection)?)));
            read.named(&path)
        })?;
        if pending.is_none() {
            return Ok(true);
        }
        if is_waiting(turn, now) {
            return Ok(false);
        }
        let begun = Instant::now();
        let finished = self.finish_erasure();
        let took = begun.elapsed();
        let next = now.saturating_add(micros(took)).saturating_add(micros(pause(took)));
        let path = self.path().to_owned();
        let set = self.with_connection(move |connection| set_turn(connection, next).named(&path));
        finished.and_then(|done| set.map(|()| done))
    }

    /// The same beside other work, which does not fail with it; false when it is to be tried again.
    pub(crate) fn go_on_with_erasure_in_turn(&self, now: i64) -> bool {
        self.finish_erasure_in_turn(now).unwrap_or_else(|error| {
            super::warn_of(&error);
            true
        })
    }
}

/// What is erased here waits for no turn.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([TURN]).map(drop)
}

fn turn(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1";
    connection.prepare_cached(sql)?.query_row([TURN], |row| row.get(0)).optional()
}

fn set_turn(connection: &Connection, turn: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute((TURN, turn.to_string())).map(drop)
}

/// Whether a turn is still to come. One that is further away than any was written by a clock that has been set back since.
fn is_waiting(turn: Option<i64>, now: i64) -> bool {
    turn.is_some_and(|turn| now < turn && turn - now <= 2 * micros(MOST))
}

/// How long the next one waits after one that took so long.
fn pause(took: Duration) -> Duration {
    took.saturating_mul(TIMES).clamp(LEAST, MOST)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_turn_comes_the_later_the_longer_the_last_one_took_and_comes_for_sure() {
        for (took, waits) in [(0, 10), (1, 10), (3, 30), (60, 600), (400, 3_600), (u64::MAX, 3_600)] {
            assert_eq!(pause(Duration::from_secs(took)).as_secs(), waits, "{took} s");
        }
    }

    #[test]
    fn a_turn_that_no_clock_could_have_written_is_not_waited_for() {
        let second = 1_000_000;
        assert!(!is_waiting(None, 0) && !is_waiting(Some(second), second));
        assert!(is_waiting(Some(second), 0) && is_waiting(Some(7_200 * second), 0));
        assert!(!is_waiting(Some(7_201 * second), 0));
    }
}

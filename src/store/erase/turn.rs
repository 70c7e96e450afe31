//! Erasures that others asked for: each costs a new read model and a new file, and how many there are is theirs to say. So what is
//! to be done for them waits for its turn, which comes the later the longer the last one took. What was erased here waits for none.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::{Pass, pending};
use crate::store::error::{Named, StoreError};
use crate::store::open::Store;

/// In `meta`: from when on an erasure that others asked for is finished, in microseconds since 1970 UTC.
const TURN: &str = "erasure_turn";
/// In `meta` while something that was erased here may still be in the files: from when on a process that runs goes on with it,
/// likewise. Whoever opens the ledger does so at once.
const OWN: &str = "erasure_of_own";
/// How many times as long as it took the next one waits, how long at least, and how long at most.
const TIMES: u32 = 10;
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_hours(1);
/// How long one is left to whoever began it. Should nothing more be heard of it, it goes on after that.
const CLAIM: Duration = Duration::from_mins(1);

/// Who asks whether it is the turn of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whoever opens the ledger.
    Opening,
    /// A process that runs and asks again and again.
    Running,
}

impl Store {
    /// Finishes an erasure beside other work, when its turn has come: it does not fail with it, and has another turn then. So it has
    /// when `stop` ends it on the way.
    /// False when it failed.
    pub(crate) fn go_on_with_erasure_in_turn(&self, now: i64, stop: &AtomicBool) -> bool {
        self.go_on_in_turn(Who::Running, now, stop)
    }

    /// The same for whoever opens the ledger: what was erased here is finished at once.
    pub(crate) fn go_on_with_erasure_on_opening(&self, now: i64) {
        self.go_on_in_turn(Who::Opening, now, &AtomicBool::new(false));
    }

    fn go_on_in_turn(&self, who: Who, now: i64, stop: &AtomicBool) -> bool {
        match self.finish_in_turn(who, now, stop) {
            Err(StoreError::Stopped { .. }) | Ok(()) => true,
            Err(error) => {
                super::warn_of(&error);
                false
            }
        }
    }

    fn finish_in_turn(&self, who: Who, now: i64, stop: &AtomicBool) -> Result<(), StoreError> {
        // Whoever looks again and again does not write for that.
        if next(&*self.reader()?, who, now).named(self.path())?.is_none() {
            return Ok(());
        }
        // Of two that see that it is its turn, one begins. Where that cannot be written, nothing can be erased, and nothing is tried.
        let turn = self.write(move |place| claim(place.connection, who, now).named(place.path))?;
        let Some(key) = turn else { return Ok(()) };
        let begun = Instant::now();
        // What others ask for meanwhile has its turn later.
        let done = self.erase_once(stop).map(|pass| pass == Pass::Done);
        let took = begun.elapsed();
        let later = now.saturating_add(micros(took)).saturating_add(micros(pause(took)));
        let set = self.write(move |place| put_off(place.connection, key, later).named(place.path));
        done.and(set)
    }
}

/// Notes that what has yet to go from the files was erased here, at a time; who erased it goes on with it now.
pub(super) fn is_own(connection: &Connection, at: i64) -> rusqlite::Result<()> {
    set(connection, OWN, at.saturating_add(micros(CLAIM)))
}

/// Nothing that was erased here is in the files any more.
pub(super) fn own_is_gone(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([OWN]).map(drop)
}

/// Begins an erasure when there is one whose turn it is: where its next turn is noted.
fn claim(connection: &Connection, who: Who, now: i64) -> rusqlite::Result<Option<&'static str>> {
    let key = next(connection, who, now)?;
    if let Some(key) = key {
        set(connection, key, now.saturating_add(micros(CLAIM)))?;
    }
    Ok(key)
}

/// Where the next turn of an erasure is noted, when there is one and it is its turn.
fn next(connection: &Connection, who: Who, now: i64) -> rusqlite::Result<Option<&'static str>> {
    if pending(connection)?.is_none() {
        return Ok(None);
    }
    let own = read(connection, OWN)?;
    let (key, waits) = match own {
        Some(_) => (OWN, who == Who::Running && is_waiting(own, now)),
        None => (TURN, is_waiting(read(connection, TURN)?, now)),
    };
    Ok((!waits).then_some(key))
}

/// When an erasure has its next turn; of what was erased here, that is told as long as it is not gone.
fn put_off(connection: &Connection, key: &str, next: i64) -> rusqlite::Result<()> {
    if key == OWN && read(connection, OWN)?.is_none() {
        return Ok(());
    }
    set(connection, key, next)
}

fn read(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1";
    connection.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()
}

fn set(connection: &Connection, key: &str, turn: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute((key, turn.to_string())).map(drop)
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

    #[test]
    fn what_was_erased_here_waits_only_for_whoever_is_at_it_and_not_for_the_turn_of_others() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)").unwrap();
        let begins = |who, seconds: i64| claim(&connection, who, seconds * 1_000_000).unwrap();
        assert_eq!(begins(Who::Opening, 0), None, "there is nothing to do");
        super::super::must_build_anew(&connection).unwrap();
        assert_eq!(begins(Who::Running, 0), Some(TURN));
        assert_eq!((begins(Who::Running, 59), begins(Who::Opening, 59)), (None, None), "somebody is at it");
        put_off(&connection, TURN, 3_600_000_000).unwrap();
        assert_eq!((begins(Who::Running, 60), begins(Who::Opening, 60)), (None, None));
        is_own(&connection, 60_000_000).unwrap();
        assert_eq!((begins(Who::Running, 61), begins(Who::Opening, 61)), (None, Some(OWN)));
        put_off(&connection, OWN, 90_000_000).unwrap();
        assert_eq!((begins(Who::Running, 89), begins(Who::Opening, 89)), (None, Some(OWN)));
        assert_eq!(begins(Who::Running, 149), Some(OWN));
        own_is_gone(&connection).unwrap();
        put_off(&connection, OWN, 200_000_000).unwrap();
        assert_eq!(begins(Who::Opening, 3_599), None, "what is left is of others");
        assert_eq!(begins(Who::Opening, 3_600), Some(TURN));
    }
}

//! A build, step by step: events are read and folded in memory, what has come together is written in a short transaction,
//! and when there are no more events readers see the new tables.

use std::num::NonZero;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::store::projection::{
    self, Applied, Body, Change, KEYS, Outcome, Projection, Target, failed, give, kind_named, own_origin,
};

mod gather;

use gather::{Gatherer, Told};

/// What one step came to.
pub(super) enum Step {
    /// There is more to do.
    More { position: i64, head: i64 },
    /// The tables are live, be it by another process's work.
    Done { position: i64 },
    /// An event could not be taken in.
    Failed { position: i64, reason: String },
}

/// One row of the table `projections`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) revision: u32,
    pub(super) generation: i64,
    pub(super) position: i64,
    /// Whether it failed or has not taken all events in.
    pub(super) behind: bool,
}

impl Entry {
    /// Whether its tables are this release's, and all there.
    pub(super) fn is_usable(self, connection: &Connection, projection: &dyn Projection) -> rusqlite::Result<bool> {
        let mut there = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
        for table in projection.tables().iter().flat_map(|table| table.stored(self.generation)) {
            if !there.exists([table])? {
                return Ok(false);
            }
        }
        Ok(self.revision == projection.revision())
    }
}

const ENTRY: &str = "SELECT revision, generation, position, \
                     state = 'failed' OR position < (SELECT coalesce(max(position), 0) FROM events) \
                     FROM projections WHERE name = ?1";

/// So many new events at the end are taken in while the file is held, so that the end is reached beside a busy writer.
const LAST: i64 = 64;

/// More events than this are read on a thread of its own: what takes longer than starting one.
const WORTH_A_THREAD: i64 = 20_000;

/// For so long rows are written in one transaction; the commit comes on top.
const HOLD: Duration = Duration::from_millis(8);
/// How many rows are written between two looks at the clock.
const ROWS: usize = 64;
/// How many rows are taken out of a table between two looks at the clock.
const SWEPT: u32 = 256;

/// The generation that readers see.
pub(super) fn readable(connection: &Connection, projection: &dyn Projection) -> rusqlite::Result<Option<Entry>> {
    entry(connection, &format!("{ENTRY} AND state <> 'building'"), [projection.name()])
}

/// Lets a generation that fell behind be built from where it stands.
pub(super) fn retry(connection: &Connection, projection: &dyn Projection, found: Entry) -> rusqlite::Result<()> {
    let sql = "UPDATE projections SET state = 'building', error = NULL WHERE name = ?1 AND generation = ?2";
    connection.execute(sql, (projection.name(), found.generation)).map(drop)
}

/// How much a build takes on at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many events are read at once, without a lock.
    read: i64,
    /// How many rows come together before they are written: in the order of their keys, so that rows of one page meet.
    gathered: usize,
    /// How many keys are kept in memory.
    keys: usize,
}

impl Limits {
    /// About 10 MB of rows and 50 MB of keys.
    const USUAL: Self = Self { read: 2_048, gathered: 10_000, keys: KEYS };
}

/// The tables that are being filled, and how far.
#[derive(Debug)]
pub(super) struct Build<'c> {
    connection: &'c Connection,
    projection: &'static dyn Projection,
    target: Target<'c>,
    generation: i64,
    position: i64,
    /// What is to be written before more is read, the last first.
    queue: Vec<Change>,
    limits: Limits,
    /// Whether the tables are this build's alone, so that what is true now may stay in memory until the end.
    alone: bool,
    /// Who reads the log meanwhile.
    gatherer: Option<Gatherer>,
}

impl<'c> Build<'c> {
    /// Of tables that were just created.
    pub(super) fn new(connection: &'c Connection, projection: &'static dyn Projection, generation: i64) -> Self {
        let target = Target::fresh(connection, projection, generation);
        Self {
            connection,
            projection,
            target,
            generation,
            position: 0,
            queue: Vec::new(),
            limits: Limits::USUAL,
            alone: true,
            gatherer: None,
        }
    }

    /// Has the log read on a thread of its own, when that is worth one.
    pub(super) fn gather_beside(&mut self, path: &Path) {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        if cores > 1 && head(self.connection).is_ok_and(|head| head > WORTH_A_THREAD) {
            self.gather(path);
        }
    }

    /// It is done without, when there is no thread or connection to be had.
    fn gather(&mut self, path: &Path) {
        if self.alone && self.position == 0 {
            let started = Gatherer::start(path, (self.projection, self.generation), self.limits);
            self.gatherer = started.inspect_err(|error| tracing::debug!(%error, "built on one thread")).ok();
        }
    }

    /// Of tables that fell behind.
    pub(super) fn go_on(connection: &'c Connection, projection: &'static dyn Projection, found: Entry) -> Self {
        let target = Target::new(connection, projection, found.generation);
        let (generation, position) = (found.generation, found.position);
        Self {
            connection,
            projection,
            target,
            generation,
            position,
            queue: Vec::new(),
            limits: Limits::USUAL,
            alone: false,
            gatherer: None,
        }
    }

    /// Takes events in, or writes what they come to; returns how long that held the write lock. Of tables that others may be
    /// catching up as well it takes up to `size` events.
    pub(super) fn step(&mut self, size: i64) -> rusqlite::Result<(Step, Duration)> {
        if self.alone { self.step_alone() } else { self.step_beside(size) }
    }

    fn step_alone(&mut self) -> rusqlite::Result<(Step, Duration)> {
        if self.queue.is_empty()
            && let Some(gatherer) = self.gatherer.take()
        {
            return self.hear(gatherer);
        }
        if self.queue.is_empty() && !self.is_full() {
            let head = head(self.connection)?;
            let last = head.min(self.position.saturating_add(self.limits.read));
            match self.take_in((self.position, last))? {
                None => return Ok((Step::Done { position: head }, Duration::ZERO)),
                Some(Outcome::Failed { position, reason }) => {
                    return self.transact(|build, _| build.fail(position, reason));
                }
                Some(Outcome::Applied) => self.position = last,
            }
            if last < head && self.target.waiting() < self.limits.gathered && !self.is_full() {
                return Ok((Step::More { position: last, head }, Duration::ZERO));
            }
        }
        if self.queue.is_empty() {
            self.put_in_queue(self.target.take_in_order());
        }
        self.transact(Self::write)
    }

    /// Takes what the other thread has gathered.
    fn hear(&mut self, gatherer: Gatherer) -> rusqlite::Result<(Step, Duration)> {
        let outcome = match gatherer.next()? {
            Told::Part { position, changes } => {
                (self.gatherer, self.position) = (Some(gatherer), position);
                self.put_in_queue(changes);
                Ok(Outcome::Applied)
            }
            Told::End { position, memory, outcome } => {
                self.position = position;
                self.target = Target::holding(self.connection, self.projection, self.generation, memory);
                outcome
            }
        };
        let head = head(self.connection)?;
        match outcome {
            Ok(Outcome::Applied) => Ok((Step::More { position: self.position, head }, Duration::ZERO)),
            Ok(Outcome::Failed { position, reason }) => self.transact(|build, _| build.fail(position, reason)),
            Err(_) if self.entry()?.is_none() => Ok((Step::Done { position: head }, Duration::ZERO)),
            Err(error) => Err(error),
        }
    }

    /// To be written next, from its beginning.
    fn put_in_queue(&mut self, mut changes: Vec<Change>) {
        changes.reverse();
        self.queue = changes;
    }

    fn step_beside(&mut self, size: i64) -> rusqlite::Result<(Step, Duration)> {
        let head = head(self.connection)?;
        let last = head.min(self.position.saturating_add(size));
        match self.take_in((self.position, last))? {
            None => Ok((Step::Done { position: head }, Duration::ZERO)),
            Some(Outcome::Failed { position, reason }) => self.transact(|build, _| build.fail(position, reason)),
            Some(Outcome::Applied) => self.transact(|build, _| build.catch_up(last)),
        }
    }

    /// None when another process was faster and has swept these tables.
    fn take_in(&self, range: (i64, i64)) -> rusqlite::Result<Option<Outcome>> {
        match take_in(self.connection, self.projection, &self.target, range, || Ok(())) {
            Err(_) if self.entry()?.is_none() => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    fn is_full(&self) -> bool {
        self.target.size() > self.limits.keys
    }

    /// Takes the half-built tables from the list; they are swept later.
    pub(super) fn give_up(self) -> rusqlite::Result<()> {
        let sql = "DELETE FROM projections WHERE name = ?1 AND generation = ?2 AND state = 'building'";
        self.connection.execute(sql, (self.projection.name(), self.generation)).map(drop)
    }

    /// The same after an error, as far as that lets it: nobody goes on with tables that are this build's alone.
    pub(super) fn leave(self) {
        if self.alone
            && let Err(error) = self.give_up()
        {
            tracing::debug!(%error, "the next build takes the half-built tables away");
        }
    }

    fn transact(
        &mut self,
        work: impl FnOnce(&mut Self, Instant) -> rusqlite::Result<Step>,
    ) -> rusqlite::Result<(Step, Duration)> {
        let transaction = Transaction::new_unchecked(self.connection, TransactionBehavior::Immediate)?;
        let begun = Instant::now();
        let step = work(self, begun)?;
        transaction.commit()?;
        Ok((step, begun.elapsed()))
    }

    /// Writes what has come together, a part at a time; at the end of the log what is true now as well, and readers see it.
    fn write(&mut self, begun: Instant) -> rusqlite::Result<Step> {
        let head = head(self.connection)?;
        if self.entry()?.is_none() {
            return Ok(Step::Done { position: head });
        }
        if !self.queue.is_empty() {
            while !self.queue.is_empty() && begun.elapsed() < HOLD {
                let part = self.queue.split_off(self.queue.len().saturating_sub(ROWS));
                self.target.write_changes(part.into_iter().rev())?;
            }
            return Ok(Step::More { position: self.position, head });
        }
        if self.is_full() {
            if self.write_some_now(begun)? {
                self.target.forget();
            }
            return Ok(Step::More { position: self.position, head });
        }
        if head - self.position > LAST {
            return Ok(Step::More { position: self.position, head });
        }
        let range = (self.position, head);
        let outcome = take_in(self.connection, self.projection, &self.target, range, || Ok(()))?;
        if let Outcome::Failed { position, reason } = outcome {
            return self.fail(position, reason);
        }
        self.position = head;
        self.target.write_past()?;
        if !self.write_some_now(begun)? {
            return Ok(Step::More { position: head, head });
        }
        self.swap()?;
        Ok(Step::Done { position: head })
    }

    /// Writes rows that are true now while there is time; true when none is left.
    fn write_some_now(&self, begun: Instant) -> rusqlite::Result<bool> {
        while self.target.unwritten() > 0 && begun.elapsed() < HOLD {
            self.target.write_now(ROWS)?;
        }
        Ok(self.target.unwritten() == 0)
    }

    /// Writes everything up to a position to tables that others may be catching up as well.
    fn catch_up(&mut self, last: i64) -> rusqlite::Result<Step> {
        let head = head(self.connection)?;
        if let Some(step) = self.follow(head)? {
            return Ok(step);
        }
        let mut reached = last;
        if head - last <= LAST {
            let outcome = take_in(self.connection, self.projection, &self.target, (last, head), || Ok(()))?;
            if let Outcome::Failed { position, reason } = outcome {
                return self.fail(position, reason);
            }
            reached = head;
        }
        self.target.write()?;
        if self.is_full() {
            self.target.forget();
        }
        self.position = reached;
        if reached == head {
            self.swap()?;
            return Ok(Step::Done { position: reached });
        }
        let sql = "UPDATE projections SET position = ?3 WHERE name = ?1 AND generation = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((self.projection.name(), self.generation, reached))?;
        Ok(Step::More { position: reached, head })
    }

    /// Goes on from where another process has brought the tables; none when it is as it was.
    fn follow(&mut self, head: i64) -> rusqlite::Result<Option<Step>> {
        let Some(entry) = self.entry()? else { return Ok(Some(Step::Done { position: head })) };
        if self.alone || entry.position == self.position {
            return Ok(None);
        }
        self.target = Target::new(self.connection, self.projection, self.generation);
        self.position = entry.position;
        Ok(Some(Step::More { position: self.position, head }))
    }

    /// Where the tables stand; none when another process's are live by now.
    fn entry(&self) -> rusqlite::Result<Option<Entry>> {
        let sql = format!("{ENTRY} AND state = 'building' AND generation = ?2");
        entry(self.connection, &sql, (self.projection.name(), self.generation))
    }

    /// Readers see the new generation from here on; the old one is swept later.
    fn swap(&self) -> rusqlite::Result<()> {
        let (connection, name) = (self.connection, self.projection.name());
        let sql = "DELETE FROM projections WHERE name = ?1 AND generation <> ?2";
        connection.execute(sql, (name, self.generation))?;
        let sql =
            "UPDATE projections SET state = 'live', position = ?3, error = NULL WHERE name = ?1 AND generation = ?2";
        connection.execute(sql, (name, self.generation, self.position))?;
        projection::point_views(connection, self.projection, self.generation)
    }

    /// A build that fails leaves what readers see alone; the first one there ever was is shown as it stands.
    fn fail(&mut self, position: i64, reason: String) -> rusqlite::Result<Step> {
        if let Some(step) = self.follow(head(self.connection)?)? {
            return Ok(step);
        }
        let (connection, name) = (self.connection, self.projection.name());
        let error = format!("event {position}: {reason}");
        if let Some(shown) = readable(connection, self.projection)? {
            let sql = "DELETE FROM projections WHERE name = ?1 AND generation = ?2 AND state = 'building'";
            connection.execute(sql, (name, self.generation))?;
            let sql = "UPDATE projections SET error = ?3 WHERE name = ?1 AND generation = ?2";
            connection.execute(sql, (name, shown.generation, error))?;
        } else {
            // All before it is in the tables from here on, and must not come there twice.
            self.target.write()?;
            let sql = "UPDATE projections SET state = 'failed', position = ?3, error = ?4 \
                       WHERE name = ?1 AND generation = ?2";
            connection.execute(sql, (name, self.generation, position - 1, error))?;
            projection::point_views(connection, self.projection, self.generation)?;
        }
        Ok(Step::Failed { position, reason })
    }
}

/// Takes rows out of a table that nobody fills or reads for as long as a transaction may take, and drops it when it is empty:
/// true when there is no more to do. Another process may be at it as well, or have taken the name for a build since.
pub(super) fn drain_some(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let begun = Instant::now();
    if !projection::garbage(&transaction)?.iter().any(|garbage| garbage == table) {
        return Ok(true);
    }
    let key: Vec<String> = transaction
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let key = key.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    let sql = if key.is_empty() {
        format!("DELETE FROM \"{table}\" WHERE rowid < (SELECT min(rowid) + {SWEPT} FROM \"{table}\")")
    } else {
        format!("DELETE FROM \"{table}\" WHERE ({key}) IN (SELECT {key} FROM \"{table}\" LIMIT {SWEPT})")
    };
    let mut delete = transaction.prepare(&sql)?;
    // However long the look above took, something is done.
    let mut is_empty = delete.execute([])? == 0;
    while !is_empty && begun.elapsed() < HOLD {
        is_empty = delete.execute([])? == 0;
    }
    drop(delete);
    if is_empty {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.commit()?;
    Ok(is_empty)
}

fn entry(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Option<Entry>> {
    let read = |row: &Row<'_>| {
        Ok(Entry { revision: row.get(0)?, generation: row.get(1)?, position: row.get(2)?, behind: row.get(3)? })
    };
    connection.prepare_cached(sql)?.query_row(params, read).optional()
}

fn head(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT coalesce(max(position), 0) FROM events")?.query_row([], |row| row.get(0))
}

/// Takes the events of the wanted kinds after one position and up to another in, in memory. The walk goes by position;
/// payloads of other kinds stay unread. Something may be done after each.
pub(super) fn take_in(
    connection: &Connection,
    projection: &dyn Projection,
    target: &Target<'_>,
    range: (i64, i64),
    each: impl Fn() -> rusqlite::Result<()>,
) -> rusqlite::Result<Outcome> {
    let kinds: Vec<String> = projection.kinds().iter().map(|kind| format!("'{}'", kind.name())).collect();
    let sql = format!(
        "SELECT position, event_id, origin, stream, type, schema_version, payload, occurred_at FROM events \
         WHERE position > ?1 AND position <= ?2 AND +type IN ({}) ORDER BY position",
        kinds.join(", ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(range)?;
    let own = own_origin(connection)?;
    while let Some(row) = rows.next()? {
        let Some(kind) = kind_named(row.get_ref(4)?.as_str()?, row.get_ref(3)?.as_str()?) else { continue };
        let event = Applied {
            position: row.get(0)?,
            event_id: Uuid::from_bytes(row.get(1)?),
            origin: row.get(2)?,
            foreign: row.get::<_, i64>(2)? != own,
            stream: row.get_ref(3)?.as_str()?,
            occurred_at: row.get(7)?,
            kind,
            body: Body::Stored { schema: row.get(5)?, payload: row.get_ref(6)?.as_str()? },
        };
        if let Err(error) = give(projection, target, &event) {
            return failed(event.position, error);
        }
        each()?;
    }
    Ok(Outcome::Applied)
}

#[cfg(test)]
mod tests;

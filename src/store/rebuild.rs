//! Building the read model from the log: in short transactions, into new tables that readers see only when complete.
//!
//! Several processes may build at once: each chunk takes up where the last one stopped, whoever did it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connect;
use super::error::{Named, StoreError};
use super::open::{Access, Store};
use super::projection::{self, PROJECTIONS, Projection};

mod chunk;
mod compare;
mod replay;

use chunk::Build;
pub use compare::Mismatch;
pub(crate) use compare::compare;
pub use replay::{Replayed, Selection, Table};

/// How long one transaction aims to hold the write lock; half of what others may be kept waiting.
const AIM: Duration = Duration::from_millis(12);
/// After so many transactions the write-ahead log is moved into the file.
const CHUNKS: u32 = 4;

/// For so long the file is left to others after each transaction: longer than one that waits sleeps between two tries.
const PAUSE: Duration = Duration::from_micros(300);

/// How far a build has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which projection.
    pub name: &'static str,
    /// The last event taken in.
    pub position: i64,
    /// The last event there is.
    pub head: i64,
}

/// What a build came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Which projection.
    pub name: &'static str,
    /// The last event taken in.
    pub position: i64,
    /// How many transactions it took.
    pub chunks: u32,
    /// The longest of them.
    pub longest: Duration,
    /// How long it took until readers saw the new tables.
    pub took: Duration,
}

/// Brings the read model to this release: what is missing or of another revision is built, what failed or fell behind
/// is caught up, views are written anew when they differ. Cheap when there is nothing to do.
///
/// A projection that cannot be filled is marked `failed` and does not fail the call.
pub(crate) fn ensure(connection: &Connection) -> Result<(), StoreError> {
    let go_on = AtomicBool::new(false);
    for &projection in PROJECTIONS {
        match bring_up(connection, projection, &go_on) {
            Ok(()) | Err(StoreError::Projection { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let path = path_of(connection);
    write_views(connection).named(&path)?;
    sweep(connection, &AtomicBool::new(false)).named(&path)
}

fn write_views(connection: &Connection) -> rusqlite::Result<()> {
    if projection::is_current(connection)? {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    projection::create_views(&transaction)?;
    transaction.commit()
}

impl Store {
    /// Builds projections anew from the log, all or the one of a name, and swaps them in, on a connection of its own:
    /// readers and writers go on meanwhile. Stopped, it leaves the old tables as they are.
    pub fn rebuild(
        &self,
        name: Option<&str>,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Rebuilt>, StoreError> {
        rebuild(&self.builder()?, name, stop, progress)
    }

    /// Builds projections, all or the one of a name, beside those that readers see and compares them at one moment,
    /// without holding up a writer. Empty when all is as the log says.
    pub fn compare(&self, name: Option<&str>) -> Result<Vec<Mismatch>, StoreError> {
        compare(&self.builder()?, name)
    }

    fn builder(&self) -> Result<Connection, StoreError> {
        match self.access() {
            Access::ReadWrite => {
                let connection = connect::to_write(self.path())?;
                self.is_of_this(&connection)?;
                Ok(connection)
            }
            Access::ReadOnly => Err(StoreError::OpenedReadOnly { path: self.path().to_owned() }),
        }
    }
}

/// Builds projections anew from the log, all or the one of a name, and swaps them in. Readers and writers go on
/// meanwhile. Stopped, it leaves the old tables as they are.
pub(crate) fn rebuild(
    connection: &Connection,
    name: Option<&str>,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Rebuilt>, StoreError> {
    let path = path_of(connection);
    let mut built = Vec::new();
    for projection in choose(name)? {
        let begun = start(connection, projection).named(&path)?;
        built.push(run(begun, connection, projection, stop, progress)?);
        sweep(connection, stop).named(&path)?;
    }
    Ok(built)
}

fn choose(name: Option<&str>) -> Result<Vec<&'static dyn Projection>, StoreError> {
    let Some(name) = name else { return Ok(PROJECTIONS.to_vec()) };
    projection::named(name).map(|found| vec![found]).ok_or_else(|| StoreError::NoProjection {
        name: name.to_owned(),
        known: PROJECTIONS.iter().map(|known| known.name()).collect(),
    })
}

fn bring_up(connection: &Connection, projection: &'static dyn Projection, stop: &AtomicBool) -> Result<(), StoreError> {
    let path = path_of(connection);
    let build = match chunk::readable(connection, projection).named(&path)? {
        Some(found) if !found.is_usable(connection, projection).named(&path)? => {
            start(connection, projection).named(&path)?
        }
        Some(found) if !found.behind => return Ok(()),
        Some(found) => {
            chunk::retry(connection, projection, found).named(&path)?;
            Build::go_on(connection, projection, found)
        }
        None => start(connection, projection).named(&path)?,
    };
    run(build, connection, projection, stop, &mut |_| {}).map(drop)
}

/// Begins a new generation: several processes may each build one, and the first that is done is taken.
fn start<'c>(connection: &'c Connection, projection: &'static dyn Projection) -> rusqlite::Result<Build<'c>> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let generation = next_generation(&transaction, projection)?;
    projection::create_tables(&transaction, projection, generation)?;
    let sql =
        "INSERT INTO projections (name, revision, generation, state, position) VALUES (?1, ?2, ?3, 'building', 0)";
    transaction.execute(sql, (projection.name(), projection.revision(), generation))?;
    transaction.commit()?;
    Ok(Build::new(connection, projection, generation))
}

/// A number that no table of the projection has, those waiting to be swept included.
fn next_generation(transaction: &Transaction<'_>, projection: &dyn Projection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(generation), 0) + 1 FROM projections WHERE name = ?1";
    let mut generation: i64 = transaction.query_row(sql, [projection.name()], |row| row.get(0))?;
    let mut there = transaction.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
    while let Some(table) = projection.tables().first() {
        if !there.exists([format!("p_{}_{generation}", table.name)])? {
            break;
        }
        generation += 1;
    }
    Ok(generation)
}

/// Goes on with a build until its tables are live.
fn run(
    mut build: Build<'_>,
    connection: &Connection,
    projection: &'static dyn Projection,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Rebuilt, StoreError> {
    let mut rebuilt =
        Rebuilt { name: projection.name(), position: 0, chunks: 0, longest: Duration::ZERO, took: Duration::ZERO };
    let (begun, mut size) = (Instant::now(), 256);
    let path = path_of(connection);
    let relaxed = Relaxed::new(connection).named(&path)?;
    build.gather_beside(&path);
    loop {
        if stop.load(Ordering::Relaxed) {
            build.give_up().named(&path)?;
            return Err(StoreError::Stopped { doing: "building the read model" });
        }
        let (reached, held) = match build.step(size) {
            Ok(done) => done,
            Err(error) => {
                build.leave();
                return Err(StoreError::sqlite(&path, error));
            }
        };
        rebuilt.chunks += u32::from(!held.is_zero());
        rebuilt.longest = rebuilt.longest.max(held);
        match reached {
            chunk::Step::More { position, head } => {
                rebuilt.position = position;
                progress(Progress { name: projection.name(), position, head });
            }
            chunk::Step::Done { position } => {
                (rebuilt.position, rebuilt.took) = (position, begun.elapsed());
                return Ok(rebuilt);
            }
            chunk::Step::Failed { position, reason } => {
                return Err(StoreError::Projection { path, name: projection.name(), position, reason });
            }
        }
        if held.is_zero() {
            continue;
        }
        size = next_size(size, held);
        if rebuilt.chunks.is_multiple_of(CHUNKS) {
            relaxed.checkpoint().named(&path)?;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Grows or shrinks a chunk so that the next one takes about [`AIM`].
fn next_size(size: i64, held: Duration) -> i64 {
    let micros = i64::try_from(held.as_micros()).unwrap_or(i64::MAX).max(1);
    let aim = i64::try_from(AIM.as_micros()).unwrap_or(i64::MAX);
    (size.saturating_mul(aim) / micros).clamp(size / 4, size * 2).clamp(16, 16_384)
}

/// A connection whose commits need not survive a power cut one by one, as the log makes half-built tables again, and that
/// moves the write-ahead log into the file between them, so that no commit of anyone has to.
struct Relaxed<'c> {
    connection: &'c Connection,
    synchronous: i64,
    autocheckpoint: i64,
}

impl<'c> Relaxed<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
        let (synchronous, autocheckpoint) = (number("synchronous")?, number("wal_autocheckpoint")?);
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
        Ok(Self { connection, synchronous, autocheckpoint })
    }

    fn checkpoint(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }
}

impl Drop for Relaxed<'_> {
    fn drop(&mut self) {
        let restored = self.connection.pragma_update(None, "synchronous", self.synchronous).and_then(|()| {
            let sql = format!("PRAGMA wal_autocheckpoint = {}", self.autocheckpoint);
            self.connection.query_row(&sql, [], |_| Ok(()))
        });
        if let Err(error) = restored {
            tracing::warn!(%error, "the connection that built the read model keeps its settings");
        }
    }
}

/// Empties and drops tables that nobody reads any more, a little at a time; what is left when it is stopped, the next one does.
fn sweep(connection: &Connection, stop: &AtomicBool) -> rusqlite::Result<()> {
    let garbage = projection::garbage(connection)?;
    if garbage.is_empty() {
        return Ok(());
    }
    let relaxed = Relaxed::new(connection)?;
    let mut turns = 0_u32;
    for table in garbage {
        while !chunk::drain_some(connection, &table)? {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            turns += 1;
            if turns.is_multiple_of(CHUNKS) {
                relaxed.checkpoint()?;
            }
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

fn path_of(connection: &Connection) -> PathBuf {
    connection.path().map(PathBuf::from).unwrap_or_default()
}

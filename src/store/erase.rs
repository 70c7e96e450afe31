//! Erasing what should never have been recorded: the payload goes, the event and both chains stay.
//!
//! The text must be gone from the file, not only from sight: the read model is built anew without it, and the file and
//! its log are written again. Until that is done a note in the database says so, and the next opening goes on with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nkeys::KeyPair;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde_json::Value;
use uuid::Uuid;

use super::chain::{self, Hash};
use super::connect;
use super::error::{Named, StoreError};
use super::local::unlearn::{Blanked, unlearn};
use super::log::append::{self, Heads, Place, Prepared};
use super::log::{Append, Command, Expected, NewEvent, Receipt, Recorded, StreamWrite, claim};
use super::open::{Access, Store};
use super::origin::heir;
use super::outbox;
use super::projection;
use super::shape;
use crate::domain::catalogue::Event;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::flake::state::Flake;
use crate::domain::id::EventId;
use crate::domain::ledger::LedgerEvent;
use crate::domain::message::MessageIdentity;
use crate::domain::stream::{Aggregate, StreamId};

mod turn;

/// What is to be erased.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The command; the same id twice erases once.
    pub command: Command,
    /// Now, in microseconds since 1970 UTC.
    pub at: i64,
    /// The event whose payload goes.
    pub event: EventId,
    /// The id of the event that will say so.
    pub record: EventId,
    /// Why, in the user's words.
    pub reason: String,
}

/// What became of an erasure.
#[derive(Debug, Clone)]
pub struct Erased {
    /// The receipt of the event that says so.
    pub receipt: Receipt,
    /// Whether the bytes are gone from the files already. If not, the next opening goes on.
    pub complete: bool,
    /// Why they are not, when that failed; else a reader is in the way.
    pub failed: Option<StoreError>,
    /// Whether `undo` has no text of any edit any more, as it is not recorded where the event's flake was.
    pub all_edits: bool,
}

/// What became of one attempt to take erased bytes out of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// There were none.
    Nothing,
    /// They are gone, but for what was erased meanwhile.
    Done,
    /// A reader holds what was there before.
    InTheWay,
}

/// How often it is looked whether to stop while the file is written anew, and after how many steps of the database it heeds that.
const LOOK: Duration = Duration::from_millis(50);
const STEPS: i32 = 1_000;

/// In `meta` while bytes that were erased may still be in the files.
const PENDING: &str = "erasure_pending";
/// Its value when the read model holds them as well; what else is there is said of texts beside the log.
const IN_MODEL: &str = "1";
/// How long readers of the old log are waited for; the next opening tries again.
const READERS: Duration = Duration::from_secs(1);
/// How long those are waited for who move the log into the file.
const MOVES: Duration = Duration::from_secs(5);

impl Store {
    /// Blanks the payload of an event, records that, and takes the text out of the read model and the files.
    ///
    /// Backups and exports made before still hold it. Once the payload is blank and that is recorded, the event is erased, whatever
    /// becomes of the rest.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEvent`], or [`StoreError::NotErasable`] for an event of the ledger itself, of another origin,
    /// one that is blank already, or one that alone says that a flake was forgotten.
    pub fn erase(&self, erasure: Erasure) -> Result<Erased, StoreError> {
        let (receipt, blanked) = self.write(move |place| blank(place, erasure))?;
        let (complete, failed) = self.finish_erasure().map_or_else(|error| (false, Some(error)), |done| (done, None));
        Ok(Erased { receipt, complete, failed, all_edits: blanked == Blanked::Everywhere })
    }

    /// Finishes an erasure before the ledger is copied, also where this only reads it. What is left may be in the log of writes,
    /// of which a copy takes what is in force.
    ///
    /// # Errors
    /// [`StoreError::Erasing`] when it cannot be done.
    pub(super) fn finish_erasure_first(&self) -> Result<(), StoreError> {
        if pending(&*self.reader()?).named(self.path())?.is_none() {
            return Ok(());
        }
        let finished = match self.access() {
            Access::ReadWrite => self.finish_erasure(),
            Access::ReadOnly => self.open_again_to_write().and_then(|store| store.finish_erasure()),
        };
        finished
            .map(drop)
            .map_err(|source| StoreError::Erasing { path: self.path().to_owned(), source: Box::new(source) })
    }

    /// Takes the bytes of erased payloads out of the files, when that is still to be done; true when nothing is left.
    pub(crate) fn finish_erasure(&self) -> Result<bool, StoreError> {
        loop {
            match self.erase_once(&AtomicBool::new(false))? {
                Pass::Nothing => return Ok(true),
                Pass::InTheWay => return Ok(false),
                Pass::Done => {}
            }
        }
    }

    /// The same without what is to be erased meanwhile.
    fn erase_once(&self, stop: &AtomicBool) -> Result<Pass, StoreError> {
        if is_in_model(&*self.reader()?).named(self.path())? {
            self.move_aside(stop)?;
        }
        let path = self.path().to_owned();
        let (pending, said) = self.with_connection(move |connection| {
            let moment = connection.transaction().named(&path)?;
            Ok((pending(&moment).named(&path)?, last_said(&moment).named(&path)?))
        })?;
        let Some(pending) = pending else { return Ok(Pass::Nothing) };
        if pending == IN_MODEL {
            self.rebuild(None, stop, &mut |_| {})?;
        }
        let complete = self.rewrite_unless(stop, said)?;
        Ok(if complete { Pass::Done } else { Pass::InTheWay })
    }

    /// Writes the file anew, unless it is told to stop: whoever waits for that may be about to be killed.
    fn rewrite_unless(&self, stop: &AtomicBool, said: (Option<i64>, i64)) -> Result<bool, StoreError> {
        let (path, last, halt, over) = (
            self.path().to_owned(),
            self.last(),
            Arc::new(AtomicBool::new(stop.load(Ordering::Relaxed))),
            AtomicBool::new(false),
        );
        let heard = Arc::clone(&halt);
        let done = thread::scope(|scope| {
            let watching = scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    heard.fetch_or(stop.load(Ordering::Relaxed), Ordering::Relaxed);
                    thread::park_timeout(LOOK);
                }
            });
            let done = self.with_connection(move |connection| {
                let halted = move || halt.load(Ordering::Relaxed);
                let done =
                    connection.progress_handler(STEPS, Some(halted)).and_then(|()| rewrite(connection, last, said));
                connection.progress_handler(0, None::<fn() -> bool>).and(done).named(&path)
            });
            over.store(true, Ordering::Release);
            watching.thread().unpark();
            done
        });
        if done.is_err() && stop.load(Ordering::Relaxed) {
            return Err(StoreError::Stopped { doing: "writing the file anew without what was erased" });
        }
        done
    }

    /// Moves aside what others wrote to what is not theirs, some at a time as nobody else writes meanwhile.
    fn move_aside(&self, stop: &AtomicBool) -> Result<(), StoreError> {
        while self.write(|place| claim::move_more_aside(place.connection).named(place.path))? {
            if stop.load(Ordering::Relaxed) {
                return Err(StoreError::Stopped { doing: "moving aside what is another's" });
            }
        }
        Ok(())
    }

    /// The same beside other work, which does not fail with it.
    pub(crate) fn go_on_with_erasure(&self) {
        if let Err(error) = self.finish_erasure() {
            warn_of(&error);
        }
    }
}

fn warn_of(error: &StoreError) {
    tracing::warn!(%error, "erased text may still be in the files; that is tried again");
}

fn blank(place: &Place<'_>, erasure: Erasure) -> Result<(Receipt, Blanked), StoreError> {
    if let Some(receipt) = append::repeated(place, erasure.command.id)? {
        return Ok((receipt, Blanked::There));
    }
    let event = find(place, erasure.event)?;
    refuse(place, &event)?;
    refuse_to_remember(place, &event)?;
    blank_own_here(place.connection, event.position, erasure.at).named(place.path)?;
    let blanked = unlearn(place.connection, &event).named(place.path)?;
    let mut recorded = Vec::new();
    let append = record(place, erasure, &event)?;
    let receipt = append::store(place, &mut Heads::read(place)?, append, &mut recorded)?;
    projection::apply_all(place.connection, &recorded)?;
    if is_shared(place, event.position)? {
        outbox::share(place, &[StreamId::shared_ledger(&place.origin.public_key).to_string()])?;
    }
    Ok((receipt, blanked))
}

fn is_shared(place: &Place<'_>, position: i64) -> Result<bool, StoreError> {
    place
        .cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE position = ?1)")?
        .query_row([position], |row| row.get(0))
        .named(place.path)
}

/// Blanks a payload, and notes that its bytes have yet to go from the files; whether it was not blank.
pub(crate) fn blank_here(connection: &Connection, position: i64) -> rusqlite::Result<bool> {
    let blanked = connection
        .execute("UPDATE events SET payload = 'null' WHERE position = ?1 AND payload <> 'null'", [position])?;
    if blanked > 0 {
        must_build_anew(connection)?;
    }
    Ok(blanked > 0)
}

/// The same at a time for the user, who waits for nobody's turn.
pub(super) fn blank_own_here(connection: &Connection, position: i64, at: i64) -> rusqlite::Result<()> {
    if blank_here(connection, position)? { turn::is_own(connection, at) } else { Ok(()) }
}

/// Notes that the read model holds what it must not any more, and so do the files.
pub(crate) fn must_build_anew(connection: &Connection) -> rusqlite::Result<()> {
    let note = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(note, [PENDING, IN_MODEL]).map(drop)
}

/// What origins say that they erased of their own: the content id by origin and event.
pub(crate) fn said(connection: &Connection) -> rusqlite::Result<HashMap<(i64, Uuid), String>> {
    let mut statement =
        connection.prepare("SELECT origin, schema_version, payload FROM events WHERE type = 'ledger.erased'")?;
    let mut rows = statement.query([])?;
    let (mut said, heirs) = (HashMap::new(), heir::all(connection)?);
    while let Some(row) = rows.next()? {
        let event = shape::decode("ledger.erased", row.get(1)?, row.get_ref(2)?.as_str()?);
        if let Ok(Event::Ledger(LedgerEvent::Erased { event, content, .. })) = event {
            said.insert((row.get(0)?, event.uuid()), content);
        }
    }
    // Whoever goes on from another erases for it as well.
    for ((mut origin, event), content) in said.clone() {
        let mut forks = heirs.len();
        while let Some(old) = heirs.get(&origin).filter(|_| forks > 0) {
            said.entry((*old, event)).or_insert_with(|| content.clone());
            (origin, forks) = (*old, forks - 1);
        }
    }
    said.extend(signed(connection)?);
    Ok(said)
}

/// Which events those said to have erased that go on from others.
pub(crate) fn said_by_heirs(connection: &Connection) -> rusqlite::Result<Vec<(i64, EventId)>> {
    let sql = "SELECT origin, schema_version, payload FROM events \
               WHERE type = 'ledger.erased' AND origin IN (SELECT id FROM origins WHERE succeeds IS NOT NULL)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut said = Vec::new();
    while let Some(row) = rows.next()? {
        let event = shape::decode("ledger.erased", row.get(1)?, row.get_ref(2)?.as_str()?);
        if let Ok(Event::Ledger(LedgerEvent::Erased { event, .. })) = event {
            said.push((row.get(0)?, event));
        }
    }
    Ok(said)
}

/// What origins signed to have erased: the content ids of these events, by origin and event.
fn signed(connection: &Connection) -> rusqlite::Result<HashMap<(i64, Uuid), String>> {
    // A ledger of an older release is looked at as it is.
    let is_there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'erasures')";
    if !connection.query_row(is_there, [], |row| row.get::<_, bool>(0))? {
        return Ok(HashMap::new());
    }
    let sql = "SELECT e.origin, o.public_key, e.event_id, e.content_id, s.signature \
               FROM erasures s JOIN events e ON e.position = s.position JOIN origins o ON o.id = e.origin";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut signed = HashMap::new();
    while let Some(row) = rows.next()? {
        let (event, content) = (Uuid::from_bytes(row.get(2)?), row.get::<_, Hash>(3)?);
        if is_signed(row.get_ref(1)?.as_str()?, event, &content, row.get_ref(4)?.as_blob()?) {
            signed.insert((row.get(0)?, event), chain::content_text(&content));
        }
    }
    Ok(signed)
}

/// Whether the holder of a key signed that the payload of an event was erased.
pub(crate) fn is_signed(key: &str, event: Uuid, content: &Hash, signature: &[u8]) -> bool {
    let message = chain::erasure(key, event, content);
    KeyPair::from_public_key(key).is_ok_and(|key| key.verify(&message, signature).is_ok())
}

/// Keeps what an origin signed of an event that came blank, until its event that says so comes.
pub(crate) fn keep_signature(connection: &Connection, position: i64, signature: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO erasures (position, signature) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute((position, signature)).map(drop)
}

/// That event is here.
pub(crate) fn drop_signature(connection: &Connection, position: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM erasures WHERE position = ?1")?.execute([position]).map(drop)
}

fn find(place: &Place<'_>, id: EventId) -> Result<Recorded, StoreError> {
    place
        .cached(&format!("SELECT {} FROM events WHERE event_id = ?1", Recorded::COLUMNS))?
        .query_row([id.uuid().as_bytes()], Recorded::from_row)
        .optional()
        .named(place.path)?
        .ok_or_else(|| StoreError::NoSuchEvent { event: id.to_string(), path: place.path.to_owned() })
}

fn refuse(place: &Place<'_>, event: &Recorded) -> Result<(), StoreError> {
    let ledger = event.stream.parse::<StreamId>().is_ok_and(|stream| stream.aggregate() == Aggregate::Ledger);
    let why = match () {
        () if event.is_erased() => "it is blank already",
        () if !is_of(place, event.origin)? => "it is another origin's; erase it there",
        () if ledger => "the ledger's own events say what was erased",
        () => return Ok(()),
    };
    Err(StoreError::NotErasable { event: event.event_id.uuid(), why: why.to_owned() })
}

/// Whether an origin is this ledger's, or was before a fork.
fn is_of(place: &Place<'_>, origin: i64) -> Result<bool, StoreError> {
    if origin == place.origin.id {
        return Ok(true);
    }
    heir::was(place.connection, place.origin.id, origin).named(place.path)
}

/// That a flake was forgotten must stay said as long as without it the flake would be there again.
fn refuse_to_remember(place: &Place<'_>, event: &Recorded) -> Result<(), StoreError> {
    if !matches!(event.event(), Ok(Event::Flake(FlakeEvent::Forgotten { .. }))) {
        return Ok(());
    }
    let recorded: Vec<Recorded> = place
        .cached(&format!("SELECT {} FROM events WHERE stream = ?1 ORDER BY version", Recorded::COLUMNS))?
        .query_map([&event.stream], Recorded::from_row)
        .and_then(Iterator::collect)
        .named(place.path)?;
    let is_there = |but: Option<EventId>| {
        let told = recorded.iter().filter(|told| Some(told.event_id) != but).filter_map(|told| match told.event() {
            Ok(Event::Flake(told)) => Some(told),
            _ => None,
        });
        Flake::fold(told).is_some_and(|flake| !flake.removed)
    };
    if is_there(None) || !is_there(Some(event.event_id)) {
        return Ok(());
    }
    let why = "without it the flake would be there again, which was forgotten; erase its `flake.discovered` first";
    Err(StoreError::NotErasable { event: event.event_id.uuid(), why: why.to_owned() })
}

fn record(place: &Place<'_>, erasure: Erasure, event: &Recorded) -> Result<Prepared, StoreError> {
    let erased = LedgerEvent::Erased {
        event: event.event_id,
        stream: event.stream.clone(),
        content: chain::content_text(&event.content),
        reason: erasure.reason,
    };
    let new = NewEvent { id: erasure.record, occurred_at: erasure.at, event: Event::Ledger(erased), undoes: None };
    // Whoever has the event must learn that it is gone; of private ones nobody learns.
    let shared = is_shared(place, event.position)?;
    let stream = if shared {
        StreamId::shared_ledger(&place.origin.public_key)
    } else {
        StreamId::ledger(&place.origin.public_key)
    };
    Prepared::new(Append {
        command: erasure.command,
        received_at: erasure.at,
        writes: vec![StreamWrite { stream, expected: Expected::Any, events: vec![new] }],
        notes: Vec::new(),
    })
}

/// Says in what is shared that events were erased while they were private; why, stays private. What says so is added to `recorded`.
pub(crate) fn say_again(
    place: &Place<'_>,
    heads: &mut Heads,
    blank: &[Recorded],
    recorded: &mut Vec<Recorded>,
) -> Result<(), StoreError> {
    let said: Vec<Recorded> = place
        .cached(&format!("SELECT {} FROM events WHERE type = 'ledger.erased' AND origin = ?1", Recorded::COLUMNS))?
        .query_map([place.origin.id], Recorded::from_row)
        .and_then(Iterator::collect)
        .named(place.path)?;
    for said in said {
        let Ok(Event::Ledger(LedgerEvent::Erased { event: erased, .. })) = said.event() else { continue };
        let Some(event) = blank.iter().find(|event| event.event_id == *erased) else { continue };
        // The same ids each time: it is said once.
        let id = |of: &str| Uuid::new_v5(&event.event_id.uuid(), of.as_bytes());
        let identity = MessageIdentity::root(id("command"));
        let command =
            Command { id: id("command"), name: "erase", identity, actor: said.actor.clone(), result: Value::Null };
        let record = EventId::new(id("record"));
        let again = Erasure { command, at: said.occurred_at, event: event.event_id, record, reason: String::new() };
        append::store(place, heads, self::record(place, again, event)?, recorded)?;
    }
    Ok(())
}

/// Whether the read model still holds what was erased: it is not what the log says until that is finished.
pub(super) fn is_in_model(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(pending(connection)?.as_deref() == Some(IN_MODEL))
}

/// What is still to be taken out of the files, when anything is.
pub(crate) fn pending(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [PENDING], |row| row.get(0)).optional()
}

/// What tells whether anything else has to go by now: the newest event that says that something was erased, and how many streams
/// moved aside.
fn last_said(connection: &Connection) -> rusqlite::Result<(Option<i64>, i64)> {
    connection.query_row(
        "SELECT (SELECT max(position) FROM events WHERE type = 'ledger.erased'), \
         (SELECT count(*) FROM streams WHERE stream >= 'displaced/' AND stream < 'displaced0')",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Writes the file anew without anything that is not in a table, and empties the log. The note goes last, so that a crash
/// on the way is made good at the next opening; it stays when something else was erased, or moved aside, meanwhile.
fn rewrite(connection: &mut Connection, last: connect::Last, said: (Option<i64>, i64)) -> rusqlite::Result<bool> {
    // The copy on the way may be as large as the ledger: not in memory.
    connection.execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY;")?;
    let complete = empty_log(connection, last)?;
    if complete {
        let moment = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if last_said(&moment)? == said {
            moment.execute("DELETE FROM meta WHERE key = ?1", [PENDING])?;
            turn::own_is_gone(&moment)?;
        }
        moment.commit()?;
    }
    Ok(complete)
}

/// True when every reader has let go of the old log and it is empty.
fn empty_log(connection: &mut Connection, last: connect::Last) -> rusqlite::Result<bool> {
    connection.busy_timeout(READERS)?;
    let emptied = empty_between_moves(connection);
    connect::be_patient(connection, last)?;
    emptied
}

/// A reader is waited for by SQLite itself. Whoever moves the log at this moment is not, and is over soon.
fn empty_between_moves(connection: &Connection) -> rusqlite::Result<bool> {
    let begun = Instant::now();
    loop {
        let tried = Instant::now();
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            return Ok(true);
        }
        if tried.elapsed() >= READERS || begun.elapsed() >= MOVES {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Subject;
    use crate::domain::finding::event::FindingEvent;
    use crate::domain::path::RecordedPath;
    use crate::store::open::Who;

    fn command(number: u128, name: &'static str) -> Command {
        let id = Uuid::from_u128(number << 64);
        let identity = MessageIdentity::root(id);
        Command { id, name, identity, actor: "me@here".to_owned(), result: Value::Null }
    }

    /// Records an event of this number.
    fn record(store: &Store, number: u128) {
        let subject = Subject { flake: None, file: RecordedPath::new("/x/flake.nix".as_ref()) };
        let event = Event::Finding(FindingEvent::Resolved { subject, fingerprints: vec![number.to_string()] });
        let event = NewEvent { id: EventId::new(Uuid::from_u128(number)), occurred_at: 0, event, undoes: None };
        let (stream, expected) = (StreamId::finding(Uuid::from_u128(9)), Expected::Any);
        let writes = vec![StreamWrite { stream, expected, events: vec![event] }];
        let command = command(number, "test");
        store.append(Append { command, received_at: 0, writes, notes: Vec::new() }).unwrap();
    }

    /// Blanks an event, as far as the first transaction of an erasure.
    fn begin(store: &Store, number: u128) {
        let (event, record) = (EventId::new(Uuid::from_u128(number)), EventId::new(Uuid::from_u128(number + 100)));
        let erasure = Erasure { command: command(number + 100, "erase"), at: 0, event, record, reason: String::new() };
        store.write(move |place| blank(place, erasure)).unwrap();
    }

    #[test]
    fn an_erasure_that_ends_leaves_what_moved_aside_meanwhile_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let who = Who { host: "here".to_owned(), user: "me".to_owned() };
        let store = Store::open(&folder.path().join("ledger.db"), Access::ReadWrite, &who, 0).unwrap();
        record(&store, 1);
        begin(&store, 1);
        let said = last_said(&store.reader().unwrap()).unwrap();
        store.rebuild(None, &AtomicBool::new(false), &mut |_| {}).unwrap();
        let aside = "INSERT INTO streams (stream, origin, version) SELECT 'displaced/2/flake/x', id, 1 FROM origins";
        let noted = store.with_connection(move |connection| {
            connection.execute(aside, []).unwrap();
            must_build_anew(connection).unwrap();
            Ok(())
        });
        noted.unwrap();
        let (path, last) = (store.path().to_owned(), store.last());
        store.with_connection(move |connection| rewrite(connection, last, said).named(&path)).unwrap();
        assert!(pending(&store.reader().unwrap()).unwrap().is_some(), "the note is gone");
        assert!(store.finish_erasure().unwrap());
        assert!(pending(&store.reader().unwrap()).unwrap().is_none());
    }

    #[test]
    fn whoever_is_told_to_stop_leaves_the_file_as_it_is_and_the_rest_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let who = Who { host: "here".to_owned(), user: "me".to_owned() };
        let store = Store::open(&folder.path().join("ledger.db"), Access::ReadWrite, &who, 0).unwrap();
        for number in 1..=300 {
            record(&store, number);
        }
        begin(&store, 300);
        let said = last_said(&store.reader().unwrap()).unwrap();
        store.rebuild(None, &AtomicBool::new(false), &mut |_| {}).unwrap();
        let stopped = store.rewrite_unless(&AtomicBool::new(true), said);
        assert!(matches!(stopped, Err(StoreError::Stopped { .. })), "{stopped:?}");
        assert!(pending(&store.reader().unwrap()).unwrap().is_some());
        assert!(matches!(store.erase_once(&AtomicBool::new(true)), Err(StoreError::Stopped { .. })));
        assert!(store.finish_erasure().unwrap());
        assert!(pending(&store.reader().unwrap()).unwrap().is_none());
    }

    #[test]
    fn an_erasure_that_ends_takes_no_other_for_done() {
        let folder = tempfile::tempdir().unwrap();
        let who = Who { host: "here".to_owned(), user: "me".to_owned() };
        let store = Store::open(&folder.path().join("ledger.db"), Access::ReadWrite, &who, 0).unwrap();
        record(&store, 1);
        record(&store, 2);
        begin(&store, 1);
        let said = last_said(&store.reader().unwrap()).unwrap();
        begin(&store, 2);
        let end = |said| {
            let (path, last) = (store.path().to_owned(), store.last());
            store.with_connection(move |connection| rewrite(connection, last, said).named(&path)).unwrap()
        };
        let is_pending = || pending(&store.reader().unwrap()).unwrap().is_some();
        assert!(end(said) && is_pending());
        assert!(store.finish_erasure().unwrap() && !is_pending());
    }
}

//! One append inside the writer's transaction: command looked up, versions checked, events chained and inserted.

use std::path::Path;
use std::sync::OnceLock;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use serde_json::Value;
use uuid::Uuid;

use super::{Append, Command, Expected, Receipt, Recorded, claim};
use crate::domain::catalogue::Event;
use crate::domain::id::{CausationId, EventId};
use crate::store::chain::{self, Chain, GENESIS, Hash};
use crate::store::error::{Named, StoreError};
use crate::store::local::{self, LocalNote};
use crate::store::origin::Origin;
use crate::store::outbox;
use crate::store::shape::{self, NAME_LIMIT, PAYLOAD_LIMIT};

/// An append whose events are written down already: the work that needs no database, done before the queue.
#[derive(Debug)]
pub(crate) struct Prepared {
    command: Command,
    received_at: i64,
    writes: Vec<PreparedWrite>,
    notes: Vec<LocalNote>,
}

#[derive(Debug)]
struct PreparedWrite {
    stream: String,
    expected: Expected,
    events: Vec<PreparedEvent>,
}

#[derive(Debug)]
struct PreparedEvent {
    id: EventId,
    occurred_at: i64,
    event: Event,
    kind: String,
    schema_version: u32,
    payload: String,
    content: Hash,
    undoes: Option<Uuid>,
}

/// Where both chains stand while a transaction runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    position: i64,
    local: Hash,
    /// Sequence and link of what this origin has shared; read when first needed.
    pub(crate) shared: Option<(i64, Hash)>,
}

/// What every append of one database needs to know.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) path: &'a Path,
    pub(crate) origin: &'a Origin,
}

impl Prepared {
    /// Writes the events down.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::LongName`] and [`StoreError::Shape`] name the stream.
    pub(crate) fn new(append: Append) -> Result<Self, StoreError> {
        let Append { command, received_at, writes, notes } = append;
        let writes = writes
            .into_iter()
            .map(|write| {
                let stream = write.stream.to_string();
                let events: Vec<_> =
                    write.events.into_iter().map(|new| prepare(&stream, new)).collect::<Result<_, _>>()?;
                refuse_long_names(&stream, &command.actor, &events)?;
                Ok(PreparedWrite { stream, expected: write.expected, events })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { command, received_at, writes, notes })
    }
}

impl Heads {
    /// Reads where the local chain stands; must be asked inside the transaction that goes on from it.
    pub(crate) fn read(place: &Place<'_>) -> Result<Self, StoreError> {
        place
            .cached("SELECT position, chain FROM events ORDER BY position DESC LIMIT 1")?
            .query_row([], |row| Ok(Self { position: row.get(0)?, local: row.get(1)?, shared: None }))
            .optional()
            .named(place.path)
            .map(|heads| heads.unwrap_or(Self { position: 0, local: GENESIS, shared: None }))
    }

    /// The position of the newest event.
    pub(crate) const fn position(&self) -> i64 {
        self.position
    }

    /// The link of the newest event.
    pub(crate) const fn local(&self) -> Hash {
        self.local
    }

    /// Goes on from a newer event.
    pub(crate) const fn advance(&mut self, position: i64, local: Hash) {
        self.position = position;
        self.local = local;
    }
}

impl<'a> Place<'a> {
    pub(crate) fn cached(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        self.connection.prepare_cached(sql).named(self.path)
    }
}

/// Stores one append; what it has recorded is added to `recorded`. On an error the caller undoes the transaction or
/// savepoint and goes on from the heads it had before.
pub(crate) fn store(
    place: &Place<'_>,
    heads: &mut Heads,
    append: Prepared,
    recorded: &mut Vec<Recorded>,
) -> Result<Receipt, StoreError> {
    if let Some(receipt) = repeated(place, append.command.id)? {
        return Ok(receipt);
    }
    // What is private from here on is so before anything is recorded; whatever is noted may be noted twice.
    for note in append.notes.iter().filter(|note| matches!(note, LocalNote::Withdrawn { .. })) {
        local::apply(place.connection, note).named(place.path)?;
    }
    let before = recorded.len();
    for write in append.writes {
        store_write(place, heads, &append.command, append.received_at, write, recorded)?;
    }
    for note in &append.notes {
        local::apply(place.connection, note).named(place.path)?;
    }
    let new = recorded.get(before..).unwrap_or_default();
    let (first, last) = (new.first().map(|event| event.position), new.last().map(|event| event.position));
    let receipt = Receipt::Stored { first, last, events: new.len() };
    if first.is_some() || append.command.result != Value::Null {
        remember(place, &append.command, append.received_at, first, last)?;
    }
    Ok(receipt)
}

fn prepare(stream: &str, new: super::NewEvent) -> Result<PreparedEvent, StoreError> {
    let (kind, payload) =
        shape::encode(&new.event).map_err(|source| StoreError::Shape { stream: stream.to_owned(), source })?;
    if payload.len() > PAYLOAD_LIMIT {
        return Err(StoreError::TooLarge {
            stream: stream.to_owned(),
            kind: kind.name(),
            bytes: payload.len(),
            limit: PAYLOAD_LIMIT,
        });
    }
    Ok(PreparedEvent {
        id: new.id,
        occurred_at: new.occurred_at,
        event: new.event,
        kind: kind.name(),
        schema_version: kind.schema,
        content: chain::content(&payload),
        payload,
        undoes: new.undoes,
    })
}

/// What the way in of others refuses must not be written: an event cannot be taken back.
fn refuse_long_names(stream: &str, actor: &str, events: &[PreparedEvent]) -> Result<(), StoreError> {
    let kinds = events.iter().map(|event| ("a type", event.kind.as_str()));
    let mut names = [("a name", stream), ("an actor", actor)].into_iter().chain(kinds);
    match names.find(|(_, name)| name.len() > NAME_LIMIT) {
        Some((what, name)) if !events.is_empty() => {
            Err(StoreError::LongName { stream: stream.to_owned(), what, bytes: name.len(), limit: NAME_LIMIT })
        }
        _ => Ok(()),
    }
}

/// The receipt of a command that was stored before.
pub(crate) fn repeated(place: &Place<'_>, command: Uuid) -> Result<Option<Receipt>, StoreError> {
    place
        .cached("SELECT first_position, last_position, result FROM commands WHERE command_id = ?1")?
        .query_row([command.as_bytes()], |row| {
            let result = serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or(Value::Null);
            Ok(Receipt::Repeated { first: row.get(0)?, last: row.get(1)?, result })
        })
        .optional()
        .named(place.path)
}

fn remember(
    place: &Place<'_>,
    command: &Command,
    at: i64,
    first: Option<i64>,
    last: Option<i64>,
) -> Result<(), StoreError> {
    place
        .cached(
            "INSERT INTO commands (command_id, name, correlation_id, causation_id, actor, received_at, status, \
             first_position, last_position, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'accepted', ?7, ?8, ?9)",
        )?
        .execute(params![
            command.id.as_bytes(),
            command.name,
            command.identity.correlation_id.uuid().as_bytes(),
            command.identity.causation_id.uuid().as_bytes(),
            command.actor,
            at,
            first,
            last,
            command.result.to_string(),
        ])
        .named(place.path)
        .map(drop)
}

fn store_write(
    place: &Place<'_>,
    heads: &mut Heads,
    command: &Command,
    at: i64,
    write: PreparedWrite,
    recorded: &mut Vec<Recorded>,
) -> Result<(), StoreError> {
    let (version, shared) = current(place, &write)?;
    if let Expected::Version(expected) = write.expected
        && expected != version
    {
        return Err(StoreError::Conflict { stream: write.stream, expected, actual: version });
    }
    if write.events.is_empty() {
        return Ok(());
    }
    let mut next = version;
    for event in write.events {
        next += 1;
        let event = link(place, heads, command, at, &write.stream, next, event);
        insert(place, &event)?;
        if shared {
            outbox::add(place, heads, &event)?;
        }
        recorded.push(event);
    }
    advance(place, &write.stream, next)
}

/// Writes down the version that a stream has now.
pub(crate) fn advance(place: &Place<'_>, stream: &str, version: u64) -> Result<(), StoreError> {
    place
        .cached(
            "INSERT INTO streams (stream, origin, version) VALUES (?1, ?2, ?3) \
             ON CONFLICT (stream) DO UPDATE SET version = excluded.version",
        )?
        .execute(params![stream, place.origin.id, version.cast_signed()])
        .named(place.path)
        .map(drop)
}

/// The version of a stream and whether it is shared; refuses the stream of another origin.
fn current(place: &Place<'_>, write: &PreparedWrite) -> Result<(u64, bool), StoreError> {
    let stream = &write.stream;
    let found: Option<(u64, bool, i64)> = place
        .cached("SELECT version, shared, origin FROM streams WHERE stream = ?1")?
        .query_row([stream], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?, row.get(2)?)))
        .optional()
        .named(place.path)?;
    match found {
        None => Ok((0, false)),
        Some((version, shared, origin)) if origin == place.origin.id => Ok((version, shared)),
        Some(_) if claim::is_free(place, stream, write.events.iter().map(|new| &new.event))? => Ok((0, false)),
        Some((_, _, origin)) => {
            let owner = place
                .cached("SELECT public_key FROM origins WHERE id = ?1")?
                .query_row([origin], |row| row.get(0))
                .named(place.path)?;
            Err(StoreError::NotOwner { stream: stream.to_owned(), owner })
        }
    }
}

fn link(
    place: &Place<'_>,
    heads: &mut Heads,
    command: &Command,
    at: i64,
    stream: &str,
    version: u64,
    new: PreparedEvent,
) -> Recorded {
    let mut event = Recorded {
        position: heads.position + 1,
        event_id: new.id,
        origin: place.origin.id,
        stream: stream.to_owned(),
        version,
        kind: new.kind,
        schema_version: new.schema_version,
        payload: new.payload,
        content: new.content,
        occurred_at: new.occurred_at,
        recorded_at: at,
        correlation_id: command.identity.correlation_id,
        causation_id: CausationId::new(command.identity.message_id.uuid()),
        actor: command.actor.clone(),
        undoes: new.undoes,
        chain: GENESIS,
        event: OnceLock::from(Ok(new.event)),
    };
    event.chain = chain::link(Chain::Local, &heads.local, &event.envelope(&place.origin.public_key));
    heads.position = event.position;
    heads.local = event.chain;
    event
}

/// Inserts an event as it is.
pub(crate) fn insert(place: &Place<'_>, event: &Recorded) -> Result<(), StoreError> {
    let inserted = place
        .cached(
            "INSERT INTO events (position, event_id, origin, stream, version, type, schema_version, payload, \
             content_id, occurred_at, recorded_at, correlation_id, causation_id, actor, undoes, chain) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            event.position,
            event.event_id.uuid().as_bytes(),
            event.origin,
            event.stream,
            event.version.cast_signed(),
            event.kind,
            event.schema_version,
            event.payload,
            event.content,
            event.occurred_at,
            event.recorded_at,
            event.correlation_id.uuid().as_bytes(),
            event.causation_id.uuid().as_bytes(),
            event.actor,
            event.undoes.as_ref().map(Uuid::as_bytes),
            event.chain,
        ]);
    match inserted {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(refused(place, event, error))
        }
        other => other.named(place.path).map(drop),
    }
}

/// Why the table refused an event: nearly always an id that is there already.
fn refused(place: &Place<'_>, event: &Recorded, error: rusqlite::Error) -> StoreError {
    let id = event.event_id.uuid();
    let there = place.connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM events WHERE event_id = ?1)",
        [id.as_bytes()],
        |row| row.get(0),
    );
    match there {
        Ok(true) => StoreError::DuplicateEvent { event: id },
        _ => StoreError::sqlite(place.path, error),
    }
}

//! What this origin shares, in its own order: an append-only list with a chain of its own.
//!
//! An event enters in the transaction that records it when its stream is shared, or later when the stream is released.

use rusqlite::{OptionalExtension, params};

use super::chain::{self, Chain, GENESIS, Hash};
use super::error::{Named, StoreError};
use super::log::Recorded;
use super::log::append::{Heads, Place};
use super::open::Store;
use crate::domain::stream::StreamId;

/// What a release to sharing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// How many streams are shared now that were not before.
    pub streams: usize,
    /// How many of their old events entered the outbox.
    pub events: usize,
}

impl Store {
    /// Releases streams to sharing: their old events enter the outbox in order of position, new ones follow as they are
    /// recorded. Streams that are shared already, or have no events, are passed over.
    ///
    /// # Errors
    /// [`StoreError::NotOwner`] for a stream of another origin; then nothing is released.
    pub fn share(&self, streams: &[StreamId]) -> Result<Released, StoreError> {
        let names: Vec<String> = streams.iter().map(StreamId::to_string).collect();
        self.write(move |place| share(place, &names))
    }
}

/// Adds one event to the outbox.
pub(crate) fn add(place: &Place<'_>, heads: &mut Heads, event: &Recorded) -> Result<(), StoreError> {
    let (seq, previous) = match heads.shared {
        Some(head) => head,
        None => read_head(place)?,
    };
    let link = chain::link(Chain::Shared, &previous, &event.envelope(&place.origin.public_key));
    place
        .cached("INSERT INTO outbox (origin, seq, position, chain) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![place.origin.id, seq + 1, event.position, link])
        .named(place.path)?;
    heads.shared = Some((seq + 1, link));
    Ok(())
}

fn read_head(place: &Place<'_>) -> Result<(i64, Hash), StoreError> {
    place
        .cached("SELECT seq, chain FROM outbox WHERE origin = ?1 ORDER BY seq DESC LIMIT 1")?
        .query_row([place.origin.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .named(place.path)
        .map(|head| head.unwrap_or((0, GENESIS)))
}

fn share(place: &Place<'_>, streams: &[String]) -> Result<Released, StoreError> {
    let mut released = 0;
    for stream in streams {
        released += release(place, stream)?;
    }
    let mut heads = Heads::read(place)?;
    let mut events = 0;
    let missing: Vec<i64> = place
        .cached(
            "SELECT e.position FROM events e JOIN streams s ON s.stream = e.stream \
             WHERE s.shared = 1 AND e.origin = ?1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position) \
             ORDER BY e.position",
        )?
        .query_map([place.origin.id], |row| row.get(0))
        .and_then(Iterator::collect)
        .named(place.path)?;
    for position in missing {
        let event = place
            .cached(&format!("SELECT {} FROM events WHERE position = ?1", Recorded::COLUMNS))?
            .query_row([position], Recorded::from_row)
            .named(place.path)?;
        add(place, &mut heads, &event)?;
        events += 1;
    }
    Ok(Released { streams: released, events })
}

/// Marks a stream as shared: one when it was not, zero when it was or does not exist.
fn release(place: &Place<'_>, stream: &str) -> Result<usize, StoreError> {
    let owner: Option<(i64, String)> = place
        .cached("SELECT o.id, o.public_key FROM streams s JOIN origins o ON o.id = s.origin WHERE s.stream = ?1")?
        .query_row([stream], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .named(place.path)?;
    match owner {
        Some((id, owner)) if id != place.origin.id => Err(StoreError::NotOwner { stream: stream.to_owned(), owner }),
        _ => place
            .cached("UPDATE streams SET shared = 1 WHERE stream = ?1 AND shared = 0")?
            .execute([stream])
            .named(place.path),
    }
}

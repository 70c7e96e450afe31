//! Whose the name of a stream is. Who comes first holds it, unless somebody else proves that it is theirs: names are derived from
//! whose they are, so that only one can. What stood there moves aside, as events are never deleted.

use rusqlite::{Connection, OptionalExtension, params};

use super::Recorded;
use super::append::Place;
use crate::domain::catalogue::Event;
use crate::domain::naming::{self, Claim};
use crate::domain::stream::{Aggregate, StreamId};
use crate::store::erase;
use crate::store::error::{Named, StoreError};

/// What the names of streams begin with that moved aside: `displaced/<row of the origin>/<name>`. They count for nothing.
const DISPLACED: &str = "displaced/";

/// Up to which version a stream tells whose it is.
const FIRST: u64 = 2;

/// Who writes an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    /// The row of the origin.
    pub(crate) id: i64,
    /// Its public key.
    pub(crate) key: &'a str,
}

/// Whether a stream moved aside.
pub(in crate::store) fn is_displaced(stream: &str) -> bool {
    stream.starts_with(DISPLACED)
}

/// The name that a stream had when its events were recorded.
pub(in crate::store) fn told(stream: &str) -> &str {
    stream.strip_prefix(DISPLACED).and_then(|rest| rest.split_once('/')).map_or(stream, |(_, stream)| stream)
}

/// The version that the stream of an event has before it, if it is its origin's; what comes next there may tell whose it is. The inner
/// error says why the event cannot stand there.
pub(crate) fn version_before(
    place: &Place<'_>,
    writer: Writer<'_>,
    (event, next): (&Recorded, Option<&Event>),
) -> Result<Result<u64, String>, StoreError> {
    let (stream, version) = (event.stream.as_str(), event.version);
    let event = if tells(stream, version) { event.event().ok() } else { None };
    let claim = match (claim(writer.key, stream, event), next) {
        (Claim::Untold, Some(next)) => claim(writer.key, stream, Some(next)),
        (claim, _) => claim,
    };
    let is_proven = match claim {
        // What this database named itself, it names as it likes.
        _ if writer.id == place.origin.id => true,
        Claim::Others if is_flakes(stream) && version > 1 => false,
        Claim::Others => return Ok(Err(format!("{stream} is not the name of a stream of this origin's"))),
        _ => is_proven(place.connection, writer.id, claim).named(place.path)?,
    };
    if matches!(claim, Claim::OfFlake(_)) && !is_proven {
        return Ok(Err(format!("{stream} is about a flake that is not this origin's")));
    }
    match holder(place.connection, stream).named(place.path)? {
        None => Ok(Ok(0)),
        Some((holder, version)) if holder == writer.id => Ok(Ok(version)),
        Some((holder, _)) if is_proven && !has_proven(place.connection, holder, stream).named(place.path)? => {
            displace(place.connection, holder, stream).named(place.path)?;
            Ok(Ok(0))
        }
        Some(_) => Ok(Err(format!("{stream} is another origin's"))),
    }
}

/// Whether a stream that somebody else holds is free for this database: what it writes there first proves that it is its own, and
/// moves aside what stands there. One that is not begun is free where nobody has proved that it is theirs.
pub(crate) fn is_free<'e>(
    place: &Place<'_>,
    stream: &str,
    events: impl Iterator<Item = &'e Event>,
) -> Result<bool, StoreError> {
    let origin = place.origin;
    let look = || {
        let Some((holder, _)) = holder(place.connection, stream)? else { return Ok(true) };
        if has_proven(place.connection, holder, stream)? {
            return Ok(false);
        }
        let mut claims = events.map(|event| claim(&origin.public_key, stream, Some(event))).peekable();
        let is_begun = claims.peek().is_some();
        for claim in claims {
            if is_proven(place.connection, origin.id, claim)? {
                return displace(place.connection, holder, stream).map(|()| true);
            }
        }
        Ok(!is_begun)
    };
    look().named(place.path)
}

/// Whether an event of that version in a stream can say whose the stream is, beyond what its name says. A flake keeps its name wherever
/// it is found again: only where it is found first tells, which may come after whom it succeeds.
fn tells(stream: &str, version: u64) -> bool {
    !is_of(stream, Aggregate::LockHistory) && (version <= FIRST || !is_flakes(stream))
}

fn is_flakes(stream: &str) -> bool {
    is_of(stream, Aggregate::Flake)
}

fn is_of(stream: &str, aggregate: Aggregate) -> bool {
    stream.split('/').next() == Some(aggregate.name())
}

/// Whose the name of a stream is by an event in it. That of a thing which a newer release knows is anybody's.
fn claim(key: &str, stream: &str, event: Option<&Event>) -> Claim {
    stream.parse().map_or(Claim::Untold, |stream: StreamId| naming::claim(key, &stream, event))
}

fn is_proven(connection: &Connection, writer: i64, claim: Claim) -> rusqlite::Result<bool> {
    match claim {
        Claim::Own => Ok(true),
        Claim::OfFlake(flake) => {
            let holder = holder(connection, &StreamId::flake(flake).to_string())?;
            Ok(holder.is_some_and(|(holder, _)| holder == writer))
        }
        Claim::Untold | Claim::Others => Ok(false),
    }
}

/// The row of the origin whose a stream is, and its version.
fn holder(connection: &Connection, stream: &str) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut find = connection.prepare_cached("SELECT origin, version FROM streams WHERE stream = ?1")?;
    find.query_row([stream], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))).optional()
}

/// Whether the first events of a stream prove that its name is its holder's.
fn has_proven(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<bool> {
    let claim = first_claim(connection, holder, stream)?;
    is_proven(connection, holder, claim)
}

fn first_claim(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<Claim> {
    let key: String =
        connection.query_row("SELECT public_key FROM origins WHERE id = ?1", [holder], |row| row.get(0))?;
    let sql = format!("SELECT {} FROM events WHERE stream = ?1 AND version <= ?2 ORDER BY version", Recorded::COLUMNS);
    let mut find = connection.prepare_cached(&sql)?;
    for first in find.query_map(params![stream, FIRST.cast_signed()], Recorded::from_row)? {
        let claim = claim(&key, stream, first?.event().ok());
        if matches!(claim, Claim::Own | Claim::OfFlake(_)) {
            return Ok(claim);
        }
    }
    Ok(Claim::Untold)
}

/// Moves a stream aside, with those about the flake that it is of, and hears its origin no more. What was read of it goes from the read model.
fn displace(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<()> {
    let mut streams = vec![stream.to_owned()];
    if let Some(id) = stream.strip_prefix("flake/") {
        let sql = "SELECT stream FROM streams WHERE origin = ?1 AND stream NOT LIKE 'flake/%'";
        let all: Vec<String> =
            connection.prepare(sql)?.query_map([holder], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for other in all {
            if matches!(first_claim(connection, holder, &other)?, Claim::OfFlake(flake) if flake.to_string() == id) {
                streams.push(other);
            }
        }
    }
    for stream in &streams {
        let aside = format!("{DISPLACED}{holder}/{stream}");
        for sql in
            ["UPDATE events SET stream = ?1 WHERE stream = ?2", "UPDATE streams SET stream = ?1 WHERE stream = ?2"]
        {
            connection.execute(sql, params![aside, stream])?;
        }
    }
    let why = format!("it wrote to {stream}, which is another origin's");
    tracing::warn!(origin = holder, why, "quarantined");
    connection.execute("UPDATE origins SET state = 'quarantined', reason = ?2 WHERE id = ?1", params![holder, why])?;
    erase::must_build_anew(connection)
}

#[cfg(test)]
mod tests;

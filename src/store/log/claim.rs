//! Whose the name of a stream is. Who comes first holds it, unless somebody else proves that it is theirs: names are derived from
//! whose they are, so that only one can. What stood there moves aside, as events are never deleted.

use rusqlite::{Connection, OptionalExtension, params};

use super::Recorded;
use super::append::Place;
use crate::domain::catalogue::Event;
use crate::domain::id::FlakeId;
use crate::domain::naming::{self, Claim, Namespace};
use crate::domain::stream::{Aggregate, StreamId};
use crate::store::erase;
use crate::store::error::{Named, StoreError};

/// What the names of streams begin with that moved aside: `displaced/<position>/<name>`, where the ledger ended then. They count for nothing.
const DISPLACED: &str = "displaced/";

/// In `meta` of an origin that wrote to what is another's, by its row: up to which stream of theirs was looked whether it is theirs.
const CAUGHT: &str = "caught/";

/// How many streams are looked at in one transaction.
const STEP: i64 = 100;

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

/// Where an event may stand in its stream.
#[derive(Debug)]
pub(crate) struct Stand {
    /// The version that the stream has before it, if it is its origin's.
    pub(crate) before: u64,
    /// The row of the origin that has to move aside for it.
    pub(crate) displaced: Option<i64>,
}

/// Where an event may stand; what comes next in its stream may tell whose that is. The inner error says why it may not.
pub(crate) fn stand(
    place: &Place<'_>,
    writer: Writer<'_>,
    (event, next): (&Recorded, Option<&Event>),
) -> Result<Result<Stand, String>, StoreError> {
    let (stream, version) = (event.stream.as_str(), event.version);
    let event = if tells(stream, version) { event.event().ok() } else { None };
    let claim = match (claim(writer.key, stream, event), next) {
        (Claim::Untold, Some(next)) => claim(writer.key, stream, Some(next)),
        (claim, _) => claim,
    };
    // What this database named itself, it names as it likes.
    let is_ours = writer.id == place.origin.id;
    match claim {
        Claim::Others if !(is_ours || is_flakes(stream) && version > 1) => {
            return Ok(Err(format!("{stream} is not the name of a stream of this origin's")));
        }
        Claim::OfFlake(flake) if !is_ours && !holds(place.connection, writer.id, flake).named(place.path)? => {
            return Ok(Err(format!("{stream} is about a flake that is not this origin's")));
        }
        _ => {}
    }
    let look = || {
        Ok(Ok(match holder(place.connection, stream)? {
            None => Stand { before: 0, displaced: None },
            Some((holder, version)) if holder == writer.id => Stand { before: version, displaced: None },
            Some((holder, _)) => {
                // What this database named itself, stays.
                let is_free = holder != place.origin.id
                    && (is_ours || outweighs(place.connection, (writer.id, claim), (holder, stream))?);
                if !is_free {
                    return Ok(Err(format!("{stream} is another origin's")));
                }
                Stand { before: 0, displaced: Some(holder) }
            }
        }))
    };
    look().named(place.path)
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
        let mut claims = events.map(|event| claim(&origin.public_key, stream, Some(event))).peekable();
        if claims.peek().is_none() {
            return Ok(proof_of(place.connection, holder, stream)? < Proof::Derived);
        }
        for claim in claims {
            if outweighs(place.connection, (origin.id, claim), (holder, stream))? {
                return displace(place.connection, holder, stream).map(|()| true);
            }
        }
        Ok(false)
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

/// How far it is proved that the name of a stream is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    /// Nothing tells.
    Nothing,
    /// It is about a flake whose stream is theirs, which nothing proves: that name may be taken as well.
    Held,
    /// It is derived from who they are.
    Derived,
}

fn proof(connection: &Connection, origin: i64, claim: Claim) -> rusqlite::Result<Proof> {
    match claim {
        Claim::Own => Ok(Proof::Derived),
        Claim::OfFlake(flake) if holds(connection, origin, flake)? => {
            let is_own = first_claim(connection, origin, &StreamId::flake(flake).to_string())? == Claim::Own;
            Ok(if is_own { Proof::Derived } else { Proof::Held })
        }
        Claim::OfFlake(_) | Claim::Untold | Claim::Others => Ok(Proof::Nothing),
    }
}

/// Whether what one origin says of a stream proves more than what stands there of its holder. What the holder's names are derived from
/// is no flake: whoever took that for one cannot prove anything by it.
fn outweighs(
    connection: &Connection,
    (origin, claim): (i64, Claim),
    (holder, stream): (i64, &str),
) -> rusqlite::Result<bool> {
    if matches!(claim, Claim::OfFlake(flake) if Namespace::of(&key(connection, holder)?).is_root(flake)) {
        return Ok(false);
    }
    Ok(proof(connection, origin, claim)? > proof_of(connection, holder, stream)?)
}

/// Whether the stream of a flake is an origin's.
fn holds(connection: &Connection, origin: i64, flake: FlakeId) -> rusqlite::Result<bool> {
    let holder = holder(connection, &StreamId::flake(flake).to_string())?;
    Ok(holder.is_some_and(|(holder, _)| holder == origin))
}

/// The row of the origin whose a stream is, and its version.
fn holder(connection: &Connection, stream: &str) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut find = connection.prepare_cached("SELECT origin, version FROM streams WHERE stream = ?1")?;
    find.query_row([stream], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))).optional()
}

/// How far the first events of a stream prove that its name is its holder's.
fn proof_of(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<Proof> {
    let claim = first_claim(connection, holder, stream)?;
    proof(connection, holder, claim)
}

fn key(connection: &Connection, origin: i64) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT public_key FROM origins WHERE id = ?1")?.query_row([origin], |row| row.get(0))
}

fn first_claim(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<Claim> {
    let key = key(connection, holder)?;
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

/// Moves a stream aside, with the past of the flake that it is of, and hears its holder no more. What was read of it goes from the read
/// model in its turn, and before that whatever else of theirs nothing proves to be theirs moves aside as well.
pub(crate) fn displace(connection: &Connection, holder: i64, stream: &str) -> rusqlite::Result<()> {
    move_aside(connection, stream)?;
    if let Some(flake) = stream.strip_prefix("flake/") {
        let past = format!("{}/{flake}", Aggregate::LockHistory.name());
        if matches!(self::holder(connection, &past)?, Some((theirs, _)) if theirs == holder) {
            move_aside(connection, &past)?;
        }
    }
    let why = format!("it wrote to {stream}, which is another origin's");
    tracing::warn!(origin = holder, why, "quarantined");
    let sql = "UPDATE origins SET state = 'quarantined', reason = ?2 WHERE id = ?1 AND state = 'active'";
    connection.execute(sql, params![holder, why])?;
    let sql = "INSERT INTO meta (key, value) VALUES (?1 || ?2, '') ON CONFLICT (key) DO UPDATE SET value = ''";
    connection.execute(sql, params![CAUGHT, holder])?;
    erase::must_build_anew(connection)
}

/// Moves some more aside of those who wrote to what is another's, when nothing proves it to be theirs; false when nothing is left.
pub(in crate::store) fn move_more_aside(connection: &Connection) -> rusqlite::Result<bool> {
    let caught = "SELECT CAST(substr(key, 1 + length(?1)) AS INTEGER), value FROM meta \
                  WHERE substr(key, 1, length(?1)) = ?1 LIMIT 1";
    let found = connection.query_row(caught, [CAUGHT], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((holder, up_to)): Option<(i64, String)> = found else { return Ok(false) };
    let streams: Vec<String> = connection
        .prepare_cached("SELECT stream FROM streams WHERE origin = ?1 AND stream > ?2 ORDER BY stream LIMIT ?3")?
        .query_map(params![holder, up_to, STEP], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for stream in streams.iter().filter(|stream| !is_displaced(stream)) {
        if proof_of(connection, holder, stream)? < Proof::Derived {
            move_aside(connection, stream)?;
        }
    }
    match streams.last() {
        Some(last) => {
            connection.execute("UPDATE meta SET value = ?3 WHERE key = ?1 || ?2", params![CAUGHT, holder, last])?
        }
        None => connection.execute("DELETE FROM meta WHERE key = ?1 || ?2", params![CAUGHT, holder])?,
    };
    Ok(true)
}

fn move_aside(connection: &Connection, stream: &str) -> rusqlite::Result<()> {
    // What stands in a stream that moved aside is older: no two of one name move aside at one position.
    let head: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    let aside = format!("{DISPLACED}{head}/{stream}");
    for sql in ["UPDATE events SET stream = ?1 WHERE stream = ?2", "UPDATE streams SET stream = ?1 WHERE stream = ?2"] {
        connection.execute(sql, params![aside, stream])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! One pass over the log: positions, the local chain and the payloads.
//!
//! A link can be checked by itself, as the one before it is stored: so parts of the log are walked at once.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;
use uuid::Uuid;

use super::{Breaches, link_of, origin_keys};
use crate::store::chain::{self, Chain, GENESIS, Hash};
use crate::store::check::Check;
use crate::store::connect;
use crate::store::erase;
use crate::store::shape::ERASED;

/// Parts shorter than this are not worth a thread; tests walk in parts as well.
const PART: i64 = if cfg!(test) { 10 } else { 10_000 };

const WALK: &str = "SELECT position, event_id, origin, stream, version, type, schema_version, content_id, occurred_at, \
     recorded_at, correlation_id, causation_id, actor, undoes, chain, payload FROM events \
     WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// Walks the log as it is at the connection's moment. Parts are read at moments of their own, between which a payload may be
/// erased: what they find wrong is looked at again at the one moment before it is said.
pub(super) fn walk(moment: &Connection, path: &Path) -> rusqlite::Result<[Check; 2]> {
    let known = Known { keys: origin_keys(moment)?, erased: erase::said(moment)? };
    let head = moment.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get::<_, i64>(0))?;
    let threads = std::thread::available_parallelism().map_or(1, |threads| i64::try_from(threads.get()).unwrap_or(1));
    let parts = (head / PART).clamp(1, threads);
    if parts > 1
        && let Some(blank) = in_parts(path, &known, head, parts)
    {
        return Ok(checks(Walked { count: head, blank, ..Walked::default() }));
    }
    part(moment, &known, (0, head)).map(checks)
}

/// What every part needs to know.
struct Known {
    keys: HashMap<i64, String>,
    erased: HashMap<(i64, Uuid), String>,
}

/// What a walk has found.
#[derive(Debug, Default)]
struct Walked {
    count: i64,
    blank: i64,
    links: Breaches,
    payloads: Breaches,
}

fn checks(mut walked: Walked) -> [Check; 2] {
    walked.links.seen = format!("{} events", walked.count);
    walked.payloads.seen = format!("{} as recorded, {} erased", walked.count - walked.blank, walked.blank);
    [walked.links.check("local chain"), walked.payloads.check("payloads")]
}

/// How many payloads are blank; none when there is anything to say about any part.
fn in_parts(path: &Path, known: &Known, head: i64, parts: i64) -> Option<i64> {
    let range = |number: i64| (head * number / parts, head * (number + 1) / parts);
    std::thread::scope(|scope| {
        let walk = |number| {
            let opened = connect::to_look_at(path).ok()?;
            let (after, last) = range(number);
            let walked = part(&opened.connection, known, (after, last)).ok()?;
            (walked.count == last && walked.links.count + walked.payloads.count == 0).then_some(walked.blank)
        };
        let threads: Vec<_> = (0..parts).map(|number| scope.spawn(move || walk(number))).collect();
        threads.into_iter().map(|thread| thread.join().ok().flatten()).sum()
    })
}

/// Walks the events after one position and up to another.
fn part(connection: &Connection, known: &Known, (after, last): (i64, i64)) -> rusqlite::Result<Walked> {
    let mut walked = Walked { count: after, ..Walked::default() };
    let before = "SELECT chain FROM events WHERE position = ?1";
    let mut previous =
        if after == 0 { GENESIS } else { connection.query_row(before, [after], |row| row.get::<_, Hash>(0))? };
    let mut statement = connection.prepare(WALK)?;
    let mut rows = statement.query((after, last))?;
    while let Some(row) = rows.next()? {
        walked.count += 1;
        let position: i64 = row.get(0)?;
        if position != walked.count {
            let missing = walked.count;
            walked.links.add(|| format!("event {missing} is missing"));
            walked.count = position;
        }
        let content: Hash = row.get(7)?;
        let link = link_of(row, &known.keys, &content, Chain::Local, &previous)?;
        let stored: Hash = row.get(14)?;
        if link != stored {
            walked.links.add(|| format!("event {position} is not what its link in the chain says"));
        }
        previous = stored;
        // Text that is not UTF-8 is not what was recorded either: nothing is gained by looking.
        let payload = row.get_ref(15)?.as_bytes()?;
        let erased = &known.erased;
        let named = if erased.is_empty() { None } else { erased.get(&(row.get(2)?, Uuid::from_bytes(row.get(1)?))) };
        walked.blank += i64::from(payload == ERASED.as_bytes());
        if let Some(breach) = payload_breach(payload, &content, named) {
            walked.payloads.add(|| format!("event {position} {breach}"));
        }
    }
    Ok(walked)
}

/// What is wrong with a payload: it must be what was recorded, or blank with an event that says so.
fn payload_breach(payload: &[u8], content: &Hash, erased: Option<&String>) -> Option<&'static str> {
    match (chain::content(payload) == *content, payload == ERASED.as_bytes(), erased) {
        // One that was recorded as `null` is what it was.
        (true, _, None) => None,
        (true, false, Some(_)) => Some("was erased, yet its payload is there"),
        (_, true, Some(named)) if *named == chain::content_text(content) => None,
        (_, true, Some(_)) => Some("was erased, but the event that says so names another content"),
        (_, true, None) => Some("is blank, and no event says that it was erased"),
        (false, false, _) => Some("has another payload than was recorded"),
    }
}

#[cfg(test)]
mod tests;

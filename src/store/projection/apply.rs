//! Events into the live tables, in the transaction that appends them. A projection that fails is undone alone.

use std::path::Path;
use std::sync::LazyLock;

use rusqlite::{Connection, ErrorCode};

use super::applied::kind_named;
use super::{Applied, ApplyError, Body, PROJECTIONS, Projection, Target};
use crate::store::StoreError;
use crate::store::log::Recorded;

/// What became of a projection that was given events.
#[derive(Debug)]
pub(in crate::store) enum Outcome {
    /// It took them in.
    Applied,
    /// It failed at the event of this position; nothing of these events was kept.
    Failed { position: i64, reason: String },
}

/// Takes appended events in, within the caller's transaction. `events` follow each other without a gap.
///
/// A projection that fails keeps nothing of them: it is marked `failed` before them with its error, and passed over from
/// then on until `ensure` has caught it up. Only what concerns the whole database (full, locked, damaged) is an error here.
pub(crate) fn apply_all(connection: &Connection, events: &[Recorded]) -> Result<(), StoreError> {
    take_in(connection, events).map_err(|error| {
        let path = connection.path().unwrap_or_default();
        StoreError::sqlite(Path::new(path), error)
    })
}

fn take_in(connection: &Connection, events: &[Recorded]) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
    let own = own_origin(connection)?;
    let known: Vec<Applied<'_>> = events.iter().filter_map(|event| applied(event, own)).collect();
    apply_known(connection, &known, (first.position, last.position))
}

/// The row of this database's own origin.
pub(in crate::store) fn own_origin(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(max(id), 0) FROM origins WHERE is_self = 1")?
        .query_row([], |row| row.get(0))
}

fn applied(event: &Recorded, own: i64) -> Option<Applied<'_>> {
    Some(Applied {
        position: event.position,
        event_id: event.event_id.uuid(),
        origin: event.origin,
        foreign: event.origin != own,
        stream: &event.stream,
        occurred_at: event.occurred_at,
        kind: kind_named(&event.kind, &event.stream)?,
        body: Body::Recorded(event),
    })
}

fn apply_known(connection: &Connection, events: &[Applied<'_>], (first, last): (i64, i64)) -> rusqlite::Result<()> {
    let live = live(connection, first)?;
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]);
    run("SAVEPOINT projections")?;
    let fitting = live.known.iter().map(|live| apply(live, connection, events));
    if !fitting.collect::<rusqlite::Result<Vec<_>>>()?.iter().all(|outcome| matches!(outcome, Outcome::Applied)) {
        // Seldom: each by itself, so that those that can keep what they have.
        run("ROLLBACK TO projections")?;
        for live in &live.known {
            apply_alone(live, connection, events, first)?;
        }
    }
    run("RELEASE projections")?;
    let advance = if live.all_known { ADVANCE_ALL } else { ADVANCE.as_str() };
    connection.prepare_cached(advance)?.execute((last, first - 1))?;
    Ok(())
}

/// Says of every projection how far it has got.
const ADVANCE_ALL: &str = "UPDATE projections SET position = ?1 WHERE state = 'live' AND position >= ?2";

/// The same where tables of another release are among them.
static ADVANCE: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = PROJECTIONS.iter().map(|known| revision_condition(*known)).collect();
    format!("{ADVANCE_ALL} AND ({})", names.join(" OR "))
});

/// Tables of another release's revision are not this one's to fill: they stay where they are until `ensure`.
fn revision_condition(projection: &dyn Projection) -> String {
    format!("(name = '{}' AND revision = {})", projection.name(), projection.revision())
}

/// Gives events to one projection, all or none; one that fails is marked so.
fn apply_alone(live: &Live, connection: &Connection, events: &[Applied<'_>], first: i64) -> rusqlite::Result<()> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]);
    run("SAVEPOINT projection")?;
    if let Outcome::Failed { position, reason } = apply(live, connection, events)? {
        run("ROLLBACK TO projection")?;
        let sql = "UPDATE projections SET state = 'failed', position = ?3, error = ?4 \
                   WHERE name = ?1 AND generation = ?2";
        let error = format!("event {position}: {reason}");
        connection.prepare_cached(sql)?.execute((live.projection.name(), live.generation, first - 1, error))?;
    }
    run("RELEASE projection").map(drop)
}

/// Gives events to one projection; after a failure part of them may be there.
fn apply(live: &Live, connection: &Connection, events: &[Applied<'_>]) -> rusqlite::Result<Outcome> {
    let kinds = live.projection.kinds();
    let mut wanted = events.iter().filter(|event| kinds.contains(&event.kind)).peekable();
    let Some(first) = wanted.peek().map(|event| event.position) else { return Ok(Outcome::Applied) };
    let target = Target::new(connection, live.projection, live.generation);
    for event in wanted {
        if let Err(error) = give(live.projection, &target, event) {
            return failed(event.position, error);
        }
    }
    target.write().map_or_else(|error| failed(first, error.into()), |()| Ok(Outcome::Applied))
}

/// Gives one event to a projection. What another machine wrote and does not fit is passed over: it must not stop ours.
pub(in crate::store) fn give(
    projection: &dyn Projection,
    target: &Target<'_>,
    event: &Applied<'_>,
) -> Result<(), ApplyError> {
    if !event.foreign {
        return projection.apply(target, event);
    }
    target.mark();
    match projection.apply(target, event) {
        Err(ApplyError::Sqlite(error)) if concerns_all(&error) => Err(ApplyError::Sqlite(error)),
        Err(error) => {
            tracing::debug!(position = event.position, projection = projection.name(), %error, "passed over");
            target.undo();
            Ok(())
        }
        Ok(()) => {
            target.keep();
            Ok(())
        }
    }
}

/// What an error means: the failure of one projection, or of everything when it concerns the whole database.
pub(in crate::store) fn failed(position: i64, error: ApplyError) -> rusqlite::Result<Outcome> {
    match error {
        ApplyError::Sqlite(error) if concerns_all(&error) => Err(error),
        error => Ok(Outcome::Failed { position, reason: error.to_string() }),
    }
}

struct Live {
    projection: &'static dyn Projection,
    generation: i64,
}

/// What is live.
struct Lives {
    known: Vec<Live>,
    /// Whether nothing else is.
    all_known: bool,
}

/// The projections that are up to date right before a position, and of this release's revision.
fn live(connection: &Connection, first: i64) -> rusqlite::Result<Lives> {
    let sql = "SELECT name, revision, generation FROM projections WHERE state = 'live' AND position >= ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([first - 1])?;
    let mut live = Lives { known: Vec::with_capacity(PROJECTIONS.len()), all_known: true };
    while let Some(row) = rows.next()? {
        let (name, revision) = (row.get_ref(0)?.as_str()?, row.get::<_, u32>(1)?);
        let known = PROJECTIONS.iter().find(|known| known.name() == name && known.revision() == revision);
        match known {
            Some(&projection) => live.known.push(Live { projection, generation: row.get(2)? }),
            None => live.all_known = false,
        }
    }
    Ok(live)
}

/// Whether an error is about the database and not about one projection's rows.
fn concerns_all(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::Unknown
                | ErrorCode::ApiMisuse
                | ErrorCode::ParameterOutOfRange
        )
    )
}

//! The log as people read it: pages of events, one event, what caused it.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use uuid::Uuid;

use super::At;
use super::query::rows;
use crate::domain::id::{CausationId, CorrelationId, EventId, FlakeId};
use crate::store::StoreError;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub event_id: EventId,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream.
    pub version: u64,
    /// What happened: `flake.updated`.
    pub kind: String,
    /// The version of the payload's shape.
    pub schema_version: u32,
    /// When it happened.
    pub occurred_at: i64,
    /// When it was recorded.
    pub recorded_at: i64,
    /// The conversation that it belongs to.
    pub correlation_id: CorrelationId,
    /// The command that caused it.
    pub causation_id: CausationId,
    /// Who: `user@host`.
    pub actor: String,
    /// The public key of its origin.
    pub origin: String,
    /// What it says, as JSON text; `null` once erased.
    pub payload: String,
}

/// Which events are wanted; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this stream: `flake/<uuid>`.
    pub stream: Option<String>,
    /// About this flake: its own events, the past of its lock, the problems of its files.
    pub flake: Option<FlakeId>,
    /// Of this type, as in `flake.updated`, or of this aggregate, as in `flake`.
    pub kind: Option<String>,
    /// That happened not before this time.
    pub since: Option<i64>,
    /// That happened before this time.
    pub until: Option<i64>,
    /// Of this conversation.
    pub correlation: Option<Uuid>,
    /// Of the origin whose public key begins so.
    pub origin: Option<String>,
    /// Whose stream, type, actor or payload holds this text, in whatever case.
    pub text: Option<String>,
    /// What is as good as the text, where one is asked for.
    pub alike: Alike,
}

/// What a text may have meant besides itself: events of one of these fit as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alike {
    /// About one of these flakes.
    pub flakes: Vec<FlakeId>,
    /// Of one of these types.
    pub kinds: Vec<String>,
    /// Whose payload holds one of these words, as they are written.
    pub words: Vec<String>,
}

/// Which of the wanted events: the next ones beyond a position. Pages of one direction never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest, newest first.
    Newest,
    /// Those before a position, newest first.
    Before(i64),
    /// Those after a position, oldest first.
    After(i64),
}

/// Where an event stands in the order of time: when it happened, then its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When it happened.
    pub occurred_at: i64,
    /// Its place in the log.
    pub position: i64,
}

/// Which of the wanted events in the order of time. Pages of one direction never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePage {
    /// The latest, latest first.
    Latest,
    /// Those before a moment, latest first.
    Before(Moment),
    /// That moment and those before it, latest first.
    UpTo(Moment),
    /// The earliest, earliest first.
    Earliest,
    /// Those after a moment, earliest first.
    After(Moment),
}

/// An event and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Causes {
    /// The command that the event takes back.
    pub undoes: Option<Uuid>,
    /// The event.
    pub event: EventRow,
    /// The name of the command that caused it, when that was given to this database.
    pub command: Option<String>,
    /// The other events of the same command, oldest first, at most a hundred.
    pub siblings: Vec<EventRow>,
    /// The other events of the same conversation, oldest first, at most a hundred.
    pub conversation: Vec<EventRow>,
}

const EVENTS: &str = "
SELECT e.position, e.event_id, e.stream, e.version, e.type, e.schema_version, e.occurred_at, e.recorded_at,
       e.correlation_id, e.causation_id, e.actor, o.public_key AS origin, e.payload
FROM events e CROSS JOIN origins o ON o.id = e.origin WHERE ";

/// The streams about a flake: its own, the past of its lock, its problems, modules, overlays and configurations.
const OF_FLAKES: &str = "e.stream IN (WITH f(id) AS (SELECT value FROM json_each(?)) \
    SELECT 'flake/' || id FROM f UNION ALL SELECT 'lock_history/' || id FROM f \
    UNION ALL SELECT p.stream FROM f JOIN p_problems p ON p.flake = f.id \
    UNION ALL SELECT p.stream FROM f JOIN p_problems_past p ON p.flake = f.id \
    UNION ALL SELECT 'module/' || p.file_id FROM f JOIN p_modules p ON p.flake = f.id \
    UNION ALL SELECT 'module/' || p.file_id FROM f JOIN p_modules_past p ON p.flake = f.id \
    UNION ALL SELECT 'overlay/' || p.file_id FROM f JOIN p_overlays p ON p.flake = f.id \
    UNION ALL SELECT 'overlay/' || p.file_id FROM f JOIN p_overlays_past p ON p.flake = f.id \
    UNION ALL SELECT 'config/' || p.config FROM f JOIN p_configs p ON p.flake = f.id \
    UNION ALL SELECT 'config/' || p.config FROM f JOIN p_configs_past p ON p.flake = f.id)";

const SHOWN: usize = 100;

/// How many events are sorted rather than found in their order, and how many stand for all.
const FEW: i64 = 5_000;

/// How many of those that stand for all must fit for a walk to fill a page soon.
const OFTEN: i64 = 25;

/// One page of events.
pub fn events(
    connection: &Connection,
    filter: &EventFilter,
    page: Page,
    limit: usize,
    at: At,
) -> Result<Vec<EventRow>, StoreError> {
    let (sql, values) = statement(filter, page, limit, at);
    rows(connection, &sql, At::Now, params_from_iter(values), read)
}

/// One page of events in the order of time, whatever the order in which they were recorded.
pub fn events_by_time(
    connection: &Connection,
    filter: &EventFilter,
    page: TimePage,
    limit: usize,
    at: At,
) -> Result<Vec<EventRow>, StoreError> {
    let few = are_few(connection, filter)?;
    let (sql, values) = statement_by_time(filter, few, page, limit, at);
    rows(connection, &sql, At::Now, params_from_iter(values), read)
}

/// The event that is meant: by its position (`1234` or `#1234`), or by its id.
pub fn event(connection: &Connection, selector: &str) -> Result<EventRow, StoreError> {
    let unknown = || StoreError::NoSuchEvent {
        event: selector.to_owned(),
        path: connection.path().map(Into::into).unwrap_or_default(),
    };
    let (condition, value) = if let Ok(position) = selector.strip_prefix('#').unwrap_or(selector).parse::<i64>() {
        ("e.position = ?1", Sql::Integer(position))
    } else {
        let id = Uuid::parse_str(selector).map_err(|_| unknown())?;
        ("e.event_id = ?1", Sql::Blob(id.as_bytes().to_vec()))
    };
    let found = rows(connection, &format!("{EVENTS}{condition}"), At::Now, [value], read)?;
    found.into_iter().next().ok_or_else(unknown)
}

/// Whether any event has this type, or is of this kind of thing.
pub fn has_kind(connection: &Connection, kind: &str) -> Result<bool, StoreError> {
    // The index holds the types in order, and `/` is the character after `.`: what lies between begins with the kind.
    let (from, to) =
        if kind.contains('.') { (kind.to_owned(), kind.to_owned()) } else { (format!("{kind}."), format!("{kind}/")) };
    let sql = "SELECT 1 FROM events WHERE type BETWEEN ?1 AND ?2 LIMIT 1";
    let found = rows(connection, sql, At::Now, [from, to], |row| row.get::<_, i64>(0))?;
    Ok(!found.is_empty())
}

/// Whether a conversation is known: by an event, or by a command that brought none about.
pub fn has_conversation(connection: &Connection, id: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM events WHERE correlation_id = ?1) \
               OR EXISTS (SELECT 1 FROM commands WHERE correlation_id = ?1)";
    let found = rows(connection, sql, At::Now, [id.as_bytes()], |row| row.get::<_, i64>(0))?;
    Ok(!found.is_empty())
}

/// An event with the command that caused it and what else came of that.
pub fn event_causes(connection: &Connection, selector: &str) -> Result<Causes, StoreError> {
    let event = event(connection, selector)?;
    let causation = event.causation_id.uuid();
    let command =
        rows(connection, "SELECT name FROM commands WHERE command_id = ?1", At::Now, [causation.as_bytes()], |row| {
            row.get(0)
        })?;
    let of_conversation = |same_command: &str| {
        let sql = format!(
            "{EVENTS}e.correlation_id = ?1 AND e.causation_id {same_command} ?2 AND e.position <> ?3 \
             ORDER BY e.position LIMIT ?4"
        );
        let correlation = event.correlation_id.uuid();
        let limit = i64::try_from(SHOWN).unwrap_or(i64::MAX);
        let params = (correlation.as_bytes(), causation.as_bytes(), event.position, limit);
        rows(connection, &sql, At::Now, params, read)
    };
    let (siblings, conversation) = (of_conversation("=")?, of_conversation("<>")?);
    let undoes = rows(connection, "SELECT undoes FROM events WHERE position = ?1", At::Now, [event.position], |row| {
        row.get::<_, Option<[u8; 16]>>(0)
    })?;
    let undoes = undoes.into_iter().flatten().next().map(Uuid::from_bytes);
    Ok(Causes { undoes, command: command.into_iter().next(), siblings, conversation, event })
}

/// The query for a page and its values. Each page is found by its position, or by an index that gives positions in order.
pub(super) fn statement(filter: &EventFilter, page: Page, limit: usize, at: At) -> (String, Vec<Sql>) {
    let mut wanted = filter.conditions();
    let (bound, position, order) = match page {
        Page::Newest => ("e.position <= ?", i64::MAX, "DESC"),
        Page::Before(position) => ("e.position < ?", position, "DESC"),
        Page::After(position) => ("e.position > ?", position, "ASC"),
    };
    let one = |sql: &str, value| (sql.to_owned(), vec![Sql::Integer(value)]);
    wanted.push(one(bound, position));
    match at {
        At::Now => {}
        At::Occurred(time) => wanted.push(one("+e.occurred_at <= ?", time)),
        At::Position(last) => wanted.push(one("e.position <= ?", last)),
    }
    let (conditions, mut values) = parted(wanted);
    values.push(Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    (format!("{EVENTS}{} ORDER BY e.position {order} LIMIT ?", conditions.join(" AND ")), values)
}

/// The query for a page in the order of time. Where those that are wanted are few, they are found and sorted; else the
/// index of times is walked until the page is full.
pub(super) fn statement_by_time(
    filter: &EventFilter,
    few: bool,
    page: TimePage,
    limit: usize,
    at: At,
) -> (String, Vec<Sql>) {
    let mut wanted = filter.conditions();
    match at {
        At::Now => {}
        At::Occurred(time) => wanted.push(("+e.occurred_at <= ?".to_owned(), vec![Sql::Integer(time)])),
        At::Position(last) => wanted.push(("+e.position <= ?".to_owned(), vec![Sql::Integer(last)])),
    }
    if !few {
        // Only times may choose the index: its walk then ends where the filter does.
        for (condition, _) in &mut wanted {
            *condition = match condition.strip_prefix('+') {
                Some(time) if time.starts_with("e.occurred_at") => time.to_owned(),
                None if condition.starts_with("e.") => format!("+{condition}"),
                _ => std::mem::take(condition),
            };
        }
    }
    let (bound, Moment { occurred_at, position }, order) = match (page, at) {
        (TimePage::Latest, At::Occurred(time)) => ("<=", Moment { occurred_at: time, position: i64::MAX }, "DESC"),
        (TimePage::Latest, _) => ("<=", Moment { occurred_at: i64::MAX, position: i64::MAX }, "DESC"),
        (TimePage::Before(moment), _) => ("<", moment, "DESC"),
        (TimePage::UpTo(moment), _) => ("<=", moment, "DESC"),
        (TimePage::Earliest, _) => (">=", Moment { occurred_at: i64::MIN, position: i64::MIN }, "ASC"),
        (TimePage::After(moment), _) => (">", moment, "ASC"),
    };
    let column = |name| if few { format!("+e.{name}") } else { format!("e.{name}") };
    let (time, place) = (column("occurred_at"), column("position"));
    let (mut conditions, mut values) = parted(wanted);
    conditions.push(format!("({time}, {place}) {bound} (?, ?)"));
    values.extend([occurred_at, position].map(Sql::Integer));
    values.push(Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!("{EVENTS}{} ORDER BY {time} {order}, {place} {order} LIMIT ?", conditions.join(" AND "));
    (sql, values)
}

/// A condition and the values of its question marks.
type Condition = (String, Vec<Sql>);

/// The conditions, and the values of all of them in their order.
fn parted(wanted: Vec<Condition>) -> (Vec<String>, Vec<Sql>) {
    let (conditions, values): (Vec<String>, Vec<Vec<Sql>>) = wanted.into_iter().unzip();
    (conditions, values.into_iter().flatten().collect())
}

/// Whether so few events seem to fit the filter that finding all and sorting them is quicker than walking all times.
fn are_few(connection: &Connection, filter: &EventFilter) -> Result<bool, StoreError> {
    let one = |sql: &str, values: Vec<Sql>| {
        let counted = rows(connection, sql, At::Now, params_from_iter(values), |row| row.get::<_, i64>(0))?;
        Ok::<i64, StoreError>(counted.into_iter().next().unwrap_or(0))
    };
    let indexed = |column: &str, value: Sql| {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM events WHERE {column} = ?1 LIMIT {FEW})");
        Ok::<bool, StoreError>(one(&sql, vec![value])? < FEW)
    };
    if filter.stream.is_some() || filter.flake.is_some() {
        return Ok(true);
    }
    match (&filter.correlation, filter.kind.as_deref()) {
        (Some(id), _) => indexed("correlation_id", Sql::Blob(id.as_bytes().to_vec())),
        (None, Some(kind)) if kind.contains('.') => indexed("type", Sql::Text(kind.to_owned())),
        // Nothing but times is asked for, or the times bound the walk.
        _ if filter.since.is_some() => Ok(false),
        _ if filter.text.is_none() && filter.origin.is_none() && filter.kind.is_none() => Ok(false),
        // No index tells: those that happened last stand for all.
        _ => {
            let (conditions, values) = parted(filter.conditions());
            let sql = format!(
                "SELECT count(*) FROM (SELECT * FROM events ORDER BY occurred_at DESC, position DESC LIMIT {FEW}) e WHERE {}",
                conditions.join(" AND ")
            );
            Ok(one(&sql, values)? < OFTEN)
        }
    }
}

impl EventFilter {
    /// Conditions with their values. Those that must not choose the index begin with `+`.
    fn conditions(&self) -> Vec<Condition> {
        let mut wanted = Vec::new();
        let mut want = |sql: &str, value: Option<Sql>| {
            if let Some(value) = value {
                wanted.push((sql.to_owned(), value));
            }
        };
        let text = |text: &Option<String>| text.clone().map(Sql::Text);
        want("e.stream = ?", text(&self.stream));
        want(OF_FLAKES, self.flake.map(|id| list(&[id])));
        match self.kind.as_deref() {
            Some(kind) if kind.contains('.') => want("e.type = ?", text(&self.kind)),
            Some(_) => want("substr(e.type, 1, instr(e.type, '.') - 1) = ?", text(&self.kind)),
            None => {}
        }
        want("+e.occurred_at >= ?", self.since.map(Sql::Integer));
        want("+e.occurred_at < ?", self.until.map(Sql::Integer));
        want("e.correlation_id = ?", self.correlation.map(|id| Sql::Blob(id.as_bytes().to_vec())));
        want("+e.origin IN (SELECT id FROM origins WHERE public_key GLOB ? || '*')", text(&self.origin));
        let mut wanted: Vec<Condition> = wanted.into_iter().map(|(sql, value)| (sql, vec![value])).collect();
        wanted.extend(self.text.as_deref().map(|text| self.alike.or(text)));
        wanted
    }
}

impl Alike {
    /// The condition of a text, and of what is as good. What costs least is asked first.
    fn or(&self, text: &str) -> Condition {
        let mut any = Vec::new();
        let mut values = Vec::new();
        let mut or = |sql: &str, value: Sql| {
            any.push(sql.to_owned());
            values.push(value);
        };
        if !self.kinds.is_empty() {
            or("e.type IN (SELECT value FROM json_each(?))", list(&self.kinds));
        }
        if !self.flakes.is_empty() {
            or(OF_FLAKES, list(&self.flakes));
        }
        let anywhere = "instr(lower(e.stream || ' ' || e.type || ' ' || e.actor || ' ' || e.payload), ?) > 0";
        or(anywhere, Sql::Text(text.to_lowercase()));
        for word in &self.words {
            or("instr(e.payload, ?) > 0", Sql::Text(word.clone()));
        }
        (format!("({})", any.join(" OR ")), values)
    }
}

/// Names as one value, for `json_each`.
fn list(names: &[impl ToString]) -> Sql {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Sql::Text(serde_json::Value::from(names).to_string())
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let id = |column: &str| row.get(column).map(Uuid::from_bytes);
    Ok(EventRow {
        position: row.get("position")?,
        event_id: EventId::new(id("event_id")?),
        stream: row.get("stream")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        kind: row.get("type")?,
        schema_version: row.get("schema_version")?,
        occurred_at: row.get("occurred_at")?,
        recorded_at: row.get("recorded_at")?,
        correlation_id: CorrelationId::new(id("correlation_id")?),
        causation_id: CausationId::new(id("causation_id")?),
        actor: row.get("actor")?,
        origin: row.get("origin")?,
        payload: row.get("payload")?,
    })
}

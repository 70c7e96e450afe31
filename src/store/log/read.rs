//! Reading the log: by stream, by position, by id.

use rusqlite::{OptionalExtension, Params, Row};
use uuid::Uuid;

use super::Recorded;
use crate::domain::id::EventId;
use crate::domain::message::MessageIdentity;
use crate::domain::stream::StreamId;
use crate::store::error::{Named, StoreError};
use crate::store::reader::Reader;

/// Every shared event of the conversation is looked at, and the command that caused it by its id: there is no index of what caused
/// commands.
const CAUSED_BY: &str = "SELECT event_id FROM events \
     WHERE correlation_id = coalesce((SELECT correlation_id FROM commands WHERE command_id = ?2), ?1) \
     AND (causation_id = ?2 OR EXISTS (SELECT 1 FROM commands c WHERE c.command_id = events.causation_id AND c.causation_id = ?2)) \
     AND EXISTS (SELECT 1 FROM streams s WHERE s.stream = events.stream AND s.shared = 1) \
     ORDER BY position";

/// The origin of this ledger.
const OWN: &str = "(SELECT id FROM origins WHERE is_self = 1)";

impl Reader {
    /// The events of one stream of this ledger's own, oldest first; none when there is no such stream, or somebody else took its name.
    pub fn stream(&self, stream: &StreamId) -> Result<Vec<Recorded>, StoreError> {
        self.events(&format!("stream = ?1 AND origin = {OWN} ORDER BY version"), [stream.to_string()])
    }

    /// The version of a stream of this ledger's own: how many events it has.
    pub fn version(&self, stream: &StreamId) -> Result<u64, StoreError> {
        self.prepare_cached(&format!("SELECT version FROM streams WHERE stream = ?1 AND origin = {OWN}"))
            .and_then(|mut statement| statement.query_row([stream.to_string()], |row| row.get::<_, i64>(0)).optional())
            .map(|version| version.unwrap_or_default().cast_unsigned())
            .named(self.path())
    }

    /// At most `limit` events after a position, in order of position.
    pub fn recorded(&self, after: i64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.events("position > ?1 ORDER BY position LIMIT ?2", [after, limit])
    }

    /// The position of the newest event; zero in an empty ledger.
    pub fn head(&self) -> Result<i64, StoreError> {
        self.prepare_cached("SELECT coalesce(max(position), 0) FROM events")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .named(self.path())
    }

    /// The position of the newest event of a stream of this ledger's own; zero for a stream without events.
    pub fn head_of(&self, stream: &StreamId) -> Result<i64, StoreError> {
        let sql =
            format!("SELECT position FROM events WHERE stream = ?1 AND origin = {OWN} ORDER BY version DESC LIMIT 1");
        self.prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([stream.to_string()], |row| row.get(0)).optional())
            .map(Option::unwrap_or_default)
            .named(self.path())
    }

    /// One event by its id.
    pub fn event(&self, id: EventId) -> Result<Option<Recorded>, StoreError> {
        self.events("event_id = ?1", [id.uuid().as_bytes()]).map(|found| found.into_iter().next())
    }

    /// One event by its position.
    pub fn event_at(&self, position: i64) -> Result<Option<Recorded>, StoreError> {
        self.events("position = ?1", [position]).map(|found| found.into_iter().next())
    }

    /// The shared events that a command brought about: its own and those of the commands that it caused, oldest first. They
    /// are of the conversation that it was recorded in, whatever who asks again says of that.
    pub fn caused_by(&self, command: &MessageIdentity) -> Result<Vec<EventId>, StoreError> {
        let (correlation, id) = (command.correlation_id.uuid(), command.message_id.uuid());
        self.prepare_cached(CAUSED_BY)
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| Ok(EventId::new(Uuid::from_bytes(row.get(0)?)));
                statement.query_map((correlation.as_bytes(), id.as_bytes()), read)?.collect()
            })
            .named(self.path())
    }

    /// The name of a command that was done before, and its conversation; none when it was not.
    pub fn command_before(&self, id: Uuid) -> Result<Option<(String, Uuid)>, StoreError> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)));
        self.prepare_cached("SELECT name, correlation_id FROM commands WHERE command_id = ?1")
            .and_then(|mut statement| statement.query_row([id.as_bytes()], read).optional())
            .named(self.path())
    }

    fn events(&self, which: &str, parameters: impl Params) -> Result<Vec<Recorded>, StoreError> {
        self.prepare_cached(&format!("SELECT {} FROM events WHERE {which}", Recorded::COLUMNS))
            .and_then(|mut statement| statement.query_map(parameters, Recorded::from_row)?.collect())
            .named(self.path())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::store::connect;

    #[test]
    fn what_a_command_brought_about_is_found_by_indexes_however_many_commands_there_are() {
        let mut connection = Connection::open_in_memory().unwrap();
        connect::migrate(&mut connection, Path::new(":memory:")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {CAUSED_BY}")).unwrap();
        let steps = statement.query_map([Uuid::nil().as_bytes(); 2], |row| row.get::<_, String>("detail")).unwrap();
        let plan = steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
        assert!(plan.contains("SEARCH events USING INDEX events_correlation"), "{plan}");
        assert!(plan.contains("SEARCH s ") && plan.contains("SEARCH c ") && !plan.contains("SCAN"), "{plan}");
    }
}

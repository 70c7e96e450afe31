-- A stream whose name is provably another origin's moves aside: `displaced/<position>/<name>`. Events are never changed
-- otherwise, but for blanking a payload; the chains hash the name that they were recorded under.

DROP TRIGGER events_no_update;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
WHEN NOT (
  (NEW.payload = 'null' OR NEW.payload IS OLD.payload) AND NEW.position IS OLD.position
  AND NEW.event_id IS OLD.event_id AND NEW.origin IS OLD.origin
  AND (NEW.stream IS OLD.stream OR
    (NEW.stream GLOB 'displaced/[0-9]*' AND
      substr(CAST(NEW.stream AS BLOB), -1 - length(CAST(OLD.stream AS BLOB))) IS CAST('/' || OLD.stream AS BLOB)))
  AND NEW.version IS OLD.version AND NEW.type IS OLD.type
  AND NEW.schema_version IS OLD.schema_version AND NEW.content_id IS OLD.content_id
  AND NEW.occurred_at IS OLD.occurred_at AND NEW.recorded_at IS OLD.recorded_at
  AND NEW.correlation_id IS OLD.correlation_id AND NEW.causation_id IS OLD.causation_id
  AND NEW.actor IS OLD.actor AND NEW.undoes IS OLD.undoes AND NEW.chain IS OLD.chain)
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

PRAGMA user_version = 8;

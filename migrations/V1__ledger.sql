-- The ledger: what is stored for ever. Never edited once landed; the read model is not here, it is built from the events.

PRAGMA application_id = 0x43494d4e;               -- CIMN
PRAGMA user_version = 1;

-- One row a fact about this file: ledger_id, created_at.
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who writes: one database and its key. Exactly one origin is this database.
CREATE TABLE origins (
  id INTEGER PRIMARY KEY,
  public_key TEXT NOT NULL UNIQUE,                 -- nkey, as on the wire
  host TEXT NOT NULL,
  user TEXT NOT NULL,
  is_self INTEGER NOT NULL DEFAULT 0 CHECK (is_self IN (0, 1)),
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'blocked', 'quarantined', 'retired')),
  reason TEXT,                                     -- why it is not active
  succeeds INTEGER REFERENCES origins (id),        -- the origin that this one was forked from
  created_at INTEGER NOT NULL                      -- microseconds since 1970 UTC, as every time here
) STRICT;
CREATE UNIQUE INDEX origins_self ON origins (is_self) WHERE is_self = 1;

-- One row a stream; written by one origin only.
CREATE TABLE streams (
  stream TEXT PRIMARY KEY,
  origin INTEGER NOT NULL REFERENCES origins (id),
  version INTEGER NOT NULL CHECK (version >= 0),
  shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)),
  succeeds TEXT                                    -- JSON: stream, version and chain that a forked origin goes on from
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  position INTEGER PRIMARY KEY,                    -- contiguous: rows are never deleted
  event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
  origin INTEGER NOT NULL REFERENCES origins (id),
  stream TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  type TEXT NOT NULL,
  schema_version INTEGER NOT NULL CHECK (schema_version >= 1),
  payload TEXT NOT NULL CHECK (length(CAST(payload AS BLOB)) <= 262144),   -- canonical JSON; `null` once erased
  content_id BLOB NOT NULL CHECK (length(content_id) = 32),                -- BLAKE3-256 of the payload's bytes
  occurred_at INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  correlation_id BLOB NOT NULL CHECK (length(correlation_id) = 16),
  causation_id BLOB NOT NULL CHECK (length(causation_id) = 16),
  actor TEXT NOT NULL,
  undoes BLOB CHECK (undoes IS NULL OR length(undoes) = 16),               -- the command that this event undoes
  chain BLOB NOT NULL CHECK (length(chain) = 32),                          -- the local chain, in order of position
  UNIQUE (stream, version)
) STRICT;
CREATE INDEX events_type ON events (type, position);
CREATE INDEX events_correlation ON events (correlation_id, position);
CREATE INDEX events_occurred ON events (occurred_at, position);

-- Events are never deleted, and never changed but for blanking a payload.
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
WHEN NOT (
  NEW.payload = 'null' AND NEW.position IS OLD.position AND NEW.event_id IS OLD.event_id AND NEW.origin IS OLD.origin
  AND NEW.stream IS OLD.stream AND NEW.version IS OLD.version AND NEW.type IS OLD.type
  AND NEW.schema_version IS OLD.schema_version AND NEW.content_id IS OLD.content_id
  AND NEW.occurred_at IS OLD.occurred_at AND NEW.recorded_at IS OLD.recorded_at
  AND NEW.correlation_id IS OLD.correlation_id AND NEW.causation_id IS OLD.causation_id
  AND NEW.actor IS OLD.actor AND NEW.undoes IS OLD.undoes AND NEW.chain IS OLD.chain)
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position OR event_id = NEW.event_id
             OR (stream = NEW.stream AND version = NEW.version))
BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;

-- What an origin has shared, in its own order: this database's to send, the others' as they arrived.
CREATE TABLE outbox (
  origin INTEGER NOT NULL REFERENCES origins (id),
  seq INTEGER NOT NULL CHECK (seq >= 1),
  position INTEGER NOT NULL UNIQUE REFERENCES events (position),
  chain BLOB NOT NULL CHECK (length(chain) = 32),  -- the shared chain of the origin, in order of seq
  PRIMARY KEY (origin, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox
BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
CREATE TRIGGER outbox_no_update BEFORE UPDATE ON outbox
BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;

-- Heads of shared chains with the signature of their origin: what a receiver may apply up to.
CREATE TABLE signed_heads (
  origin INTEGER NOT NULL REFERENCES origins (id),
  seq INTEGER NOT NULL,
  chain BLOB NOT NULL CHECK (length(chain) = 32),
  signature BLOB NOT NULL CHECK (length(signature) = 64),
  PRIMARY KEY (origin, seq)
) STRICT, WITHOUT ROWID;

-- What was asked for, so that the same command twice has one effect.
CREATE TABLE commands (
  command_id BLOB PRIMARY KEY CHECK (length(command_id) = 16),
  name TEXT NOT NULL,
  correlation_id BLOB NOT NULL CHECK (length(correlation_id) = 16),
  causation_id BLOB NOT NULL CHECK (length(causation_id) = 16),
  actor TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('accepted', 'rejected')),
  first_position INTEGER,
  last_position INTEGER,
  result TEXT NOT NULL CHECK (json_valid(result))
) STRICT, WITHOUT ROWID;

-- Where a remote stands: what it has acknowledged of ours and what we have taken of it.
CREATE TABLE remotes (
  name TEXT PRIMARY KEY,
  epoch TEXT,                                      -- of the remote stream; another epoch is another stream
  acked_seq INTEGER NOT NULL DEFAULT 0,
  taken_seq INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'disabled',
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER,
  last_error TEXT,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The read model: which tables are live, how far they have got, and what stopped them.
CREATE TABLE projections (
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,                       -- of the code that fills it
  generation INTEGER NOT NULL,                     -- suffix of its tables
  state TEXT NOT NULL CHECK (state IN ('live', 'building', 'failed')),
  position INTEGER NOT NULL,                       -- last event applied
  error TEXT,
  PRIMARY KEY (name, generation)
) STRICT, WITHOUT ROWID;

-- Plain local tables: what this machine watches and remembers. Not events, never synced.
CREATE TABLE roots (
  path BLOB PRIMARY KEY,                           -- the exact path, as in every table here
  added_at INTEGER NOT NULL,
  shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)),
  scanned_at INTEGER
) STRICT, WITHOUT ROWID;

-- What a file looked like when it was read last: an unchanged stat needs no reading, an unchanged hash no parsing.
CREATE TABLE files (
  path BLOB PRIMARY KEY,
  stamp BLOB NOT NULL,                             -- size, times, inode and device, as the scanner packs them
  content BLOB NOT NULL CHECK (length(content) = 32),
  extractor INTEGER NOT NULL,
  flake BLOB CHECK (flake IS NULL OR length(flake) = 16)
) STRICT, WITHOUT ROWID;

-- How far the past of a flake's lock has been read.
CREATE TABLE history_cursors (
  flake BLOB PRIMARY KEY CHECK (length(flake) = 16),
  head TEXT NOT NULL,
  since INTEGER,                                   -- the bound that was asked for
  complete INTEGER NOT NULL CHECK (complete IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Flakes that the user told the ledger to forget: scans pass them over.
CREATE TABLE forgotten (
  path BLOB PRIMARY KEY,
  forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the faces left off.
CREATE TABLE ui_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

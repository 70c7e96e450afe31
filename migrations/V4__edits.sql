-- What commands of this ledger wrote into flakes: whoever observes the text they left attributes the change to them.

PRAGMA user_version = 4;

-- A plain local table: never an event, never synced, swept after 90 days.
CREATE TABLE edits (
  command_id BLOB PRIMARY KEY CHECK (length(command_id) = 16),
  command TEXT NOT NULL,                           -- what was done: add_input
  correlation_id BLOB NOT NULL CHECK (length(correlation_id) = 16),
  path BLOB NOT NULL,
  before BLOB NOT NULL CHECK (length(before) = 32),   -- BLAKE3-256 of the file
  after BLOB NOT NULL CHECK (length(after) = 32),
  undo TEXT NOT NULL,                              -- the whole text that was there before
  edited_at INTEGER NOT NULL,
  undoes BLOB CHECK (undoes IS NULL OR length(undoes) = 16),
  seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1))   -- whether the change has been observed
) STRICT, WITHOUT ROWID;
CREATE INDEX edits_pending ON edits (path, after) WHERE seen = 0;
CREATE INDEX edits_time ON edits (edited_at);

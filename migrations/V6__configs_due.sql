-- Flakes whose configurations have to be read again: something that they may follow from is recorded, and they are not yet.

PRAGMA user_version = 6;

-- A plain local table: never an event, never synced.
CREATE TABLE configs_due (
  flake BLOB PRIMARY KEY CHECK (length(flake) = 16),
  changed INTEGER NOT NULL CHECK (changed IN (0, 1)),   -- whether a text changed; else another release reads more in it
  position INTEGER NOT NULL                             -- where the ledger ended: a look that began before does not settle it
) STRICT, WITHOUT ROWID;

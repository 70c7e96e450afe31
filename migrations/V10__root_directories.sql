-- Which directory a root was when it was seen last, also of one that was forgotten: what is private is known again where it is
-- renamed to.

PRAGMA user_version = 10;

-- A plain local table: never an event, never synced.
CREATE TABLE root_directories (
  path BLOB PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  made_at INTEGER             -- in nanoseconds since 1970 UTC; a number is given again when its directory is gone
) STRICT, WITHOUT ROWID;

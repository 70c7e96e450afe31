-- The exchange with other machines: where delivery stands, who does it, and what has come in and cannot be taken in yet.

PRAGMA user_version = 2;

ALTER TABLE remotes ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;           -- the remote's own number of our last message
ALTER TABLE remotes ADD COLUMN reason TEXT;                                -- why it is blocked
ALTER TABLE remotes ADD COLUMN server TEXT;                                -- name and version of the server
ALTER TABLE remotes ADD COLUMN connected_since INTEGER;
ALTER TABLE remotes ADD COLUMN synced_at INTEGER;                          -- when nothing was left to send or take last

-- Who does something that only one process of many may do, and until when.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages of other origins that wait for those before them, or for the signature after them.
CREATE TABLE inbox (
  origin TEXT NOT NULL,                            -- public key: nothing of it may be stored yet
  seq INTEGER NOT NULL,
  remote_seq INTEGER NOT NULL,                     -- the remote's own number of the message
  message TEXT NOT NULL CHECK (json_valid(message)),
  received_at INTEGER NOT NULL,
  PRIMARY KEY (origin, seq)
) STRICT, WITHOUT ROWID;

-- Messages that cannot be taken in, with the reason. One that names an origin holds up that origin alone.
CREATE TABLE parked (
  id INTEGER PRIMARY KEY,
  origin TEXT,
  seq INTEGER,
  remote_seq INTEGER NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,                           -- as it came, what is not UTF-8 replaced
  reason TEXT NOT NULL,
  parked_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX parked_message ON parked (remote_seq, subject);

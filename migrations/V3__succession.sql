-- Who has an heir is asked with every list of flakes, and only forks have any.

PRAGMA user_version = 3;

CREATE INDEX streams_succeeds ON streams (stream) WHERE succeeds IS NOT NULL;

-- When the newest event of an origin that came from elsewhere was recorded: an origin that was forked and goes on is told from one
-- that went on as its heir, and that is asked with every list of flakes.

PRAGMA user_version = 9;

CREATE TABLE heard (
  origin INTEGER PRIMARY KEY REFERENCES origins (id),
  recorded_at INTEGER NOT NULL
) STRICT;

-- What this ledger was itself before a fork came from nowhere else.
INSERT INTO heard (origin, recorded_at)
WITH RECURSIVE own (id) AS (
  SELECT id FROM origins WHERE is_self = 1 UNION SELECT o.succeeds FROM origins o JOIN own ON o.id = own.id WHERE o.succeeds IS NOT NULL)
SELECT b.origin, max(e.recorded_at) FROM outbox b JOIN events e ON e.position = b.position
WHERE b.origin NOT IN (SELECT id FROM own) GROUP BY b.origin;

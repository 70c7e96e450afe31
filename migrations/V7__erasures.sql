-- What origins signed to say that they erased a payload that came here blank, until their event that says so is here as well.

PRAGMA user_version = 7;

CREATE TABLE erasures (
  position INTEGER PRIMARY KEY REFERENCES events (position),
  signature BLOB NOT NULL                               -- Ed25519, of the origin's key over event id and content id
) STRICT;

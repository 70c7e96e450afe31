//! What a remote has lost from its middle, and who waits for it.

use rusqlite::{OptionalExtension, Row};

use super::error::{Named, StoreError};
use super::open::Store;
use super::reader::Reader;

/// The name of a local text: the holes of the remote in which nothing of this origin is missing, or was sent again.
const LOOKED_INTO: &str = "sync_holes";

/// Events of another origin that wait for one before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The public key of the origin.
    pub origin: String,
    /// Its machine; empty when nothing of it is here that tells.
    pub host: String,
    /// How many of its events wait here. More may wait on the remote.
    pub waiting: u64,
    /// Its place in what the origin has shared, of the event that is missing.
    pub event: i64,
}

impl Reader {
    /// The holes that were looked into last; none when nobody has looked.
    pub fn looked_into(&self) -> Result<Option<String>, StoreError> {
        self.prepare_cached("SELECT value FROM meta WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([LOOKED_INTO], |row| row.get(0)).optional())
            .named(self.path())
    }

    /// The origins whose events wait for one that has not come.
    pub fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        // What follows what is here, and waits all the same, waits for the message that signs for it.
        let sql = "SELECT w.origin, o.host, w.waiting, w.last, CASE WHEN w.first > w.head + 1 THEN w.head + 1 ELSE \
                   (SELECT min(i.seq) + 1 FROM inbox i WHERE i.origin = w.origin AND NOT EXISTS \
                   (SELECT 1 FROM inbox n WHERE n.origin = i.origin AND n.seq = i.seq + 1)) END \
                   FROM (SELECT origin, count(*) AS waiting, min(seq) AS first, max(seq) AS last, \
                   coalesce((SELECT max(b.seq) FROM outbox b JOIN origins o ON o.id = b.origin \
                   WHERE o.public_key = inbox.origin), 0) AS head FROM inbox GROUP BY origin) w \
                   JOIN origins o ON o.public_key = w.origin ORDER BY o.id";
        let row = |row: &Row<'_>| {
            let (waiting, last) = (row.get::<_, i64>(2)?.unsigned_abs(), row.get::<_, i64>(3)?);
            let gap = Gap { origin: row.get(0)?, host: row.get(1)?, waiting, event: row.get(4)? };
            Ok((last > gap.event).then_some(gap))
        };
        self.prepare_cached(sql)
            .and_then(|mut statement| {
                statement.query_map([], row)?.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
            })
            .named(self.path())
    }
}

impl Store {
    /// Writes down which holes were looked into.
    pub fn set_looked_into(&self, holes: &str) -> Result<(), StoreError> {
        let holes = holes.to_owned();
        self.write_relaxed(move |place| {
            place
                .cached(
                    "INSERT INTO meta (key, value) VALUES (?1, ?2) \
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )?
                .execute([LOOKED_INTO, &holes])
                .named(place.path)
                .map(drop)
        })
    }
}

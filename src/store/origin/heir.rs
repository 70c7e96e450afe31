//! Streams that go on from those of a forked origin: which they are, and who may say so.
//!
//! Whoever has the old origin's key may name itself its heir, as it could have gone on as that origin; nobody else is
//! believed, for an heir takes the place of what it succeeds.

use std::collections::HashMap;

use data_encoding::{BASE64, HEXLOWER};
use nkeys::KeyPair;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::domain::catalogue::Event;
use crate::domain::flake::event::{FlakeEvent, Succeeded};
use crate::domain::stream::StreamId;
use crate::store::chain::{self, Hash};
use crate::store::error::{Named, StoreError};
use crate::store::log::Recorded;
use crate::store::reader::Reader;

/// Why what a ledger was before a fork is not listened to.
pub(super) const RETIRED: &str = "this ledger was a copy of it and went on by itself";

/// The origin that this ledger is, and all that it was before its forks.
const OWN: &str = "WITH RECURSIVE own (id) AS (SELECT id FROM origins WHERE is_self = 1 UNION \
    SELECT o.succeeds FROM origins o JOIN own ON o.id = own.id WHERE o.succeeds IS NOT NULL)";

/// The origin that this ledger was forked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// Its public key.
    pub origin: String,
    /// Its signature that this origin may go on from its streams; none when its key was lost before.
    pub signature: Option<Vec<u8>>,
}

impl Reader {
    /// The origin that this ledger was forked from; none when it never was.
    pub fn predecessor(&self) -> Result<Option<Predecessor>, StoreError> {
        let sql = "SELECT old.public_key, own.public_key, (SELECT value FROM meta WHERE key = 'succession') \
                   FROM origins own JOIN origins old ON old.id = own.succeeds WHERE own.is_self = 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: Option<(String, String, Option<String>)> =
            self.prepare_cached(sql).and_then(|mut it| it.query_row([], row).optional()).named(self.path())?;
        Ok(found.map(|(origin, own, kept)| Predecessor { signature: signature(kept.as_deref(), &own), origin }))
    }

    /// The public keys of all that this ledger was before its forks, and the one that it has now, which comes last.
    pub fn identities(&self) -> Result<Vec<String>, StoreError> {
        let sql = "WITH RECURSIVE own (id, forks) AS (SELECT id, 0 FROM origins WHERE is_self = 1 UNION \
                   SELECT o.succeeds, own.forks + 1 FROM origins o JOIN own ON o.id = own.id \
                   WHERE o.succeeds IS NOT NULL AND own.forks < (SELECT count(*) FROM origins)) \
                   SELECT o.public_key FROM own JOIN origins o ON o.id = own.id GROUP BY o.id ORDER BY min(own.forks) DESC";
        self.prepare_cached(sql).and_then(|mut it| it.query_map([], |row| row.get(0))?.collect()).named(self.path())
    }

    /// The last event of a stream: its version, and its link in what its origin has shared, or in this ledger when it was
    /// not shared.
    pub fn stream_end(&self, stream: &StreamId) -> Result<Option<(u64, Hash)>, StoreError> {
        let sql = "SELECT e.version, coalesce(b.chain, e.chain) FROM events e LEFT JOIN outbox b ON b.position = e.position \
                   WHERE e.stream = ?1 ORDER BY e.version DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
        self.prepare_cached(sql)
            .and_then(|mut it| it.query_row([stream.to_string()], row).optional())
            .named(self.path())
    }
}

/// Keeps what the old origin signed for the new one.
pub(super) fn keep_signature(connection: &Connection, to: &str, signature: Option<&[u8]>) -> rusqlite::Result<()> {
    let kept = json!({ "to": to, "signature": signature.map(|bytes| BASE64.encode(bytes)) });
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES ('succession', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [kept.to_string()],
        )
        .map(drop)
}

fn signature(kept: Option<&str>, own: &str) -> Option<Vec<u8>> {
    let kept: Value = serde_json::from_str(kept?).ok()?;
    let text = (kept["to"] == own).then(|| kept["signature"].as_str())??;
    BASE64.decode(text.as_bytes()).ok()
}

/// Notes how far an event shows that the other ledger goes on, and looks whether it says that its stream goes on from another:
/// that is kept if it may.
pub(crate) fn learn(connection: &Connection, sender: &str, event: &Recorded) -> rusqlite::Result<()> {
    hear(connection, event)?;
    if event.version != 1 {
        return Ok(());
    }
    let Ok(Event::Flake(FlakeEvent::Succeeded(old))) = event.event() else { return Ok(()) };
    if !may_succeed(old, sender) {
        tracing::warn!(sender, from = old.origin, "claims to go on from an origin that did not sign for it");
        return Ok(());
    }
    // Its own events may come later than those of its heir.
    connection
        .prepare_cached(
            "INSERT INTO origins (public_key, host, user, created_at) VALUES (?1, '', '', ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![old.origin, event.recorded_at])?;
    keep(connection, &event.stream, old)
}

/// What was recorded last need not come last: an old stream is shared late.
fn hear(connection: &Connection, event: &Recorded) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO heard (origin, recorded_at) VALUES (?1, ?2) \
             ON CONFLICT (origin) DO UPDATE SET recorded_at = excluded.recorded_at \
             WHERE excluded.recorded_at > heard.recorded_at",
        )?
        .execute([event.origin, event.recorded_at])
        .map(drop)
}

/// Forgets when anything was recorded last of what this ledger is and was itself: that came from nowhere else.
pub(crate) fn hear_nothing_of_own(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(&format!("{OWN} DELETE FROM heard WHERE origin IN (SELECT id FROM own)"), []).map(drop)
}

/// Whether an origin was what another one is now, before its forks.
pub(crate) fn was(connection: &Connection, heir: i64, origin: i64) -> rusqlite::Result<bool> {
    let sql = "WITH RECURSIVE before (id) AS (SELECT succeeds FROM origins WHERE id = ?1 UNION \
               SELECT o.succeeds FROM origins o JOIN before ON o.id = before.id) \
               SELECT EXISTS (SELECT 1 FROM before WHERE id = ?2)";
    connection.prepare_cached(sql)?.query_row([heir, origin], |row| row.get(0))
}

/// Which origin each goes on from that goes on from one.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<HashMap<i64, i64>> {
    let mut statement = connection.prepare("SELECT id, succeeds FROM origins WHERE succeeds IS NOT NULL")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// What a ledger was before its forks is not listened to, wherever it is told.
pub(crate) fn retire_own(connection: &Connection) -> rusqlite::Result<()> {
    let sql = format!(
        "{OWN} UPDATE origins SET state = 'retired', reason = ?1 \
         WHERE is_self = 0 AND state = 'active' AND id IN (SELECT id FROM own)"
    );
    connection.execute(&sql, [RETIRED]).map(drop)
}

/// Writes down that a stream goes on from another.
pub(crate) fn keep(connection: &Connection, stream: &str, old: &Succeeded) -> rusqlite::Result<()> {
    let text = json!({
        "origin": old.origin, "stream": old.stream, "version": old.version, "chain": HEXLOWER.encode(&old.chain),
    });
    connection
        .prepare_cached("UPDATE streams SET succeeds = ?2 WHERE stream = ?1")?
        .execute(params![stream, text.to_string()])?;
    connection
        .prepare_cached(
            "UPDATE origins SET succeeds = (SELECT id FROM origins WHERE public_key = ?2) \
             WHERE id = (SELECT origin FROM streams WHERE stream = ?1) AND succeeds IS NULL",
        )?
        .execute([stream, &old.origin])
        .map(drop)
}

/// Writes down that an origin goes on from another.
pub(crate) fn goes_on(connection: &Connection, heir: &str, old: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE origins SET succeeds = (SELECT id FROM origins WHERE public_key = ?2 AND public_key <> ?1) \
             WHERE public_key = ?1 AND succeeds IS NULL",
        )?
        .execute([heir, old])
        .map(drop)
}

fn may_succeed(old: &Succeeded, sender: &str) -> bool {
    let Some(signature) = &old.signature else { return false };
    let message = chain::succession(&old.origin, sender);
    KeyPair::from_public_key(&old.origin).is_ok_and(|key| key.verify(&message, signature).is_ok())
}

//! Becoming another origin: a copy that goes on by itself takes a new key, a ledger that was lost takes its old one back.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::heir::{RETIRED, keep_signature};
use super::{make_key, parse, set_key_aside};
use crate::store::chain;
use crate::store::error::{Named, StoreError};
use crate::store::file;
use crate::store::open::{Store, Who};
use crate::store::remote;

/// What became of a ledger's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// The public key that it had.
    pub from: String,
    /// The public key that it has now.
    pub to: String,
}

impl Store {
    /// Makes this ledger an origin of its own: what it recorded so far stays under the old one, what comes is the new
    /// one's. The old origin is not listened to any more: two histories of the same streams cannot stand in one ledger.
    ///
    /// # Errors
    /// [`StoreError::OriginChanged`] when it is another's by now, and when the key cannot be made or the ledger not written;
    /// nothing is changed then but the name of the old key file.
    pub fn fork(self, who: &Who, now: i64) -> Result<Succession, StoreError> {
        let (path, ours, who) = (self.path().to_owned(), self.origin().clone(), who.clone());
        self.with_connection(move |connection| {
            let transaction = ours.begin(connection, &path)?;
            let (old, from) = (ours.id, ours.public_key);
            // A key that is lost signs for nobody: others will not believe that this ledger goes on from the old one.
            let signer = signer_of(&path, &from);
            let to = make_key(&path)?;
            let signature = signer.and_then(|key| key.sign(&chain::succession(&from, &to)).ok());
            succeed(&transaction, old, &to, &who, now).named(&path)?;
            keep_signature(&transaction, &to, signature.as_deref()).named(&path)?;
            forget_places(&transaction).named(&path)?;
            transaction.commit().named(&path)?;
            Ok(Succession { from, to })
        })
    }

    /// Makes this ledger the origin that a key file belongs to, as when the ledger was lost and only the key is left. Its
    /// events are taken back by the next synchronisation.
    ///
    /// # Errors
    /// [`StoreError::Key`] for a file that holds no key, [`StoreError::NotAdoptable`] when this ledger has recorded events
    /// of its own, [`StoreError::OriginChanged`] when it is another's by now.
    pub fn adopt(self, key_file: &Path) -> Result<Succession, StoreError> {
        let (path, ours) = (self.path().to_owned(), self.origin().clone());
        let text = fs::read_to_string(key_file).map_err(|error| StoreError::file("read", key_file, error))?;
        let key = parse(&text).map_err(|why| StoreError::Key { path: key_file.to_owned(), why })?;
        let to = key.public_key();
        self.with_connection(move |connection| {
            let transaction = ours.begin(connection, &path)?;
            let (own, from) = (ours.id, ours.public_key);
            if from == to {
                return Ok(Succession { from, to });
            }
            let events: i64 = transaction
                .query_row("SELECT count(*) FROM events WHERE origin = ?1", [own], |row| row.get(0))
                .named(&path)?;
            if events > 0 {
                return Err(StoreError::NotAdoptable { events });
            }
            become_known(&transaction, own, &to).named(&path)?;
            forget_places(&transaction).named(&path)?;
            remote::set_restored(&transaction).named(&path)?;
            set_key_aside(&path)?;
            file::write_private(&super::key_path(&path), text.as_bytes())?;
            transaction.commit().named(&path)?;
            Ok(Succession { from, to })
        })
    }
}

fn signer_of(path: &Path, public_key: &str) -> Option<nkeys::KeyPair> {
    let key = fs::read_to_string(super::key_path(path)).ok().and_then(|text| parse(&text).ok());
    key.filter(|key| key.public_key() == public_key)
}

fn succeed(connection: &Connection, old: i64, to: &str, who: &Who, now: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE origins SET is_self = 0, state = 'retired', reason = ?2 WHERE id = ?1";
    connection.execute(sql, params![old, RETIRED])?;
    connection.execute(
        "INSERT INTO origins (public_key, host, user, is_self, succeeds, created_at) VALUES (?1, ?2, ?3, 1, ?4, ?5)",
        params![to, who.host, who.user, old, now],
    )?;
    // Of what it was itself, a fork hears nothing more.
    connection.execute("DELETE FROM heard WHERE origin = ?1", [old])?;
    // What waits of the old one will never come.
    connection
        .execute("DELETE FROM inbox WHERE origin = (SELECT public_key FROM origins WHERE id = ?1)", [old])
        .map(drop)
}

/// The origin may be here already, as another machine's: its events came over the exchange.
fn become_known(connection: &Connection, own: i64, to: &str) -> rusqlite::Result<()> {
    let known: Option<i64> =
        connection.query_row("SELECT id FROM origins WHERE public_key = ?1", [to], |row| row.get(0)).optional()?;
    let Some(known) = known else {
        return connection.execute("UPDATE origins SET public_key = ?2 WHERE id = ?1", params![own, to]).map(drop);
    };
    let (host, user): (String, String) =
        connection
            .query_row("SELECT host, user FROM origins WHERE id = ?1", [own], |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection.execute("DELETE FROM origins WHERE id = ?1", [own])?;
    // What another machine shared is ours now, and shared further when that is agreed to here.
    connection.execute("UPDATE streams SET shared = 0 WHERE origin = ?1", [known])?;
    connection
        .execute(
            "UPDATE origins SET is_self = 1, state = 'active', reason = NULL, host = ?2, user = ?3 WHERE id = ?1",
            params![known, host, user],
        )
        .map(drop)
}

/// What was remembered of files and remotes is about the old origin: all of it is looked at again.
fn forget_places(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM files; DELETE FROM history_cursors; DELETE FROM configs_due; \
         UPDATE remotes SET acked_seq = 0, fence = 0, taken_seq = 0, state = 'offline', reason = NULL, last_error = NULL;",
    )
}

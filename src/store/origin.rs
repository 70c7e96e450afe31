//! Who this database is: one key pair made with it. The public key stands in the database, the seed beside it in a
//! file for the owner alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nkeys::{KeyPair, KeyPairType};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::error::{Named, StoreError};
use super::file;
use super::open::Who;

pub(crate) mod heir;

mod succession;

pub use heir::Predecessor;
pub use succession::Succession;

/// The origin that this database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its row in `origins`.
    pub id: i64,
    /// Its public key, as on the wire.
    pub public_key: String,
    /// The machine that it is on.
    pub host: String,
    /// The user who made it.
    pub user: String,
}

impl Origin {
    /// Whether the database is still this one's: another process may have made it another's meanwhile.
    pub(crate) fn is_of(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM origins WHERE is_self = 1 AND id = ?1 AND public_key = ?2)")?
            .query_row(params![self.id, self.public_key], |row| row.get(0))
    }

    /// Begins a transaction that writes as this origin: nobody else can change whose the database is before it ends.
    ///
    /// # Errors
    /// [`StoreError::OriginChanged`] when it is another's by now.
    pub(crate) fn begin<'a>(&self, connection: &'a mut Connection, path: &Path) -> Result<Transaction<'a>, StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).named(path)?;
        if self.is_of(&transaction).named(path)? {
            Ok(transaction)
        } else {
            Err(StoreError::OriginChanged { path: path.to_owned() })
        }
    }
}

/// The key that signs for an origin.
pub struct Signer(KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.0.public_key()).finish()
    }
}

impl Signer {
    /// Signs; 64 bytes of ed25519.
    ///
    /// # Errors
    /// Never for a signer that was loaded: it has its seed.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, StoreError> {
        let why = |error: nkeys::error::Error| StoreError::Key { path: PathBuf::new(), why: error.to_string() };
        self.0.sign(message).map_err(why)
    }
}

/// The key file of a database.
pub fn key_path(database: &Path) -> PathBuf {
    file::beside(database, ".key")
}

/// Loads the key that signs for an origin.
///
/// # Errors
/// [`StoreError::Key`] when the file is missing, damaged, or the key of another origin.
pub fn signer(database: &Path, origin: &Origin) -> Result<Signer, StoreError> {
    signer_at(&key_path(database), origin)
}

/// The same of a key file with any name.
pub(crate) fn signer_at(path: &Path, origin: &Origin) -> Result<Signer, StoreError> {
    let path = path.to_owned();
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::Key { path: path.clone(), why: "the key file is missing".to_owned() },
        _ => StoreError::file("read", &path, error),
    })?;
    let key = parse(&text).map_err(|why| StoreError::Key { path: path.clone(), why })?;
    if key.public_key() != origin.public_key {
        return Err(StoreError::Key { path, why: "the key belongs to another ledger".to_owned() });
    }
    Ok(Signer(key))
}

/// The origin of a database; none before it has one.
pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Option<Origin>> {
    connection
        .query_row("SELECT id, public_key, host, user FROM origins WHERE is_self = 1", [], |row| {
            Ok(Origin { id: row.get(0)?, public_key: row.get(1)?, host: row.get(2)?, user: row.get(3)? })
        })
        .optional()
}

/// The origin of a database, made now if it has none. The key is durable before the database names it.
pub(crate) fn load_or_make(
    connection: &mut Connection,
    path: &Path,
    who: &Who,
    now: i64,
) -> Result<Origin, StoreError> {
    if let Some(origin) = load(connection).named(path)? {
        return Ok(origin);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).named(path)?;
    if let Some(origin) = load(&transaction).named(path)? {
        return Ok(origin);
    }
    let empty: bool =
        transaction.query_row("SELECT NOT EXISTS (SELECT 1 FROM events)", [], |row| row.get(0)).named(path)?;
    if !empty {
        return Err(StoreError::NoOrigin { path: path.to_owned() });
    }
    let public_key = make_key(path)?;
    let ledger = Uuid::new_v5(&Uuid::NAMESPACE_OID, public_key.as_bytes());
    insert(&transaction, &public_key, &ledger, who, now).named(path)?;
    let origin = load(&transaction).named(path)?.ok_or_else(|| StoreError::NoOrigin { path: path.to_owned() })?;
    transaction.commit().named(path)?;
    Ok(origin)
}

/// The machine has another name than when the ledger was opened last: what is shown of this origin has it from here on.
pub(crate) fn follow_host(connection: &Connection, origin: &mut Origin, who: &Who) -> rusqlite::Result<()> {
    if origin.host == who.host {
        return Ok(());
    }
    connection.execute("UPDATE origins SET host = ?2 WHERE id = ?1", params![origin.id, who.host])?;
    origin.host.clone_from(&who.host);
    Ok(())
}

fn insert(connection: &Connection, public_key: &str, ledger: &Uuid, who: &Who, now: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO origins (public_key, host, user, is_self, created_at) VALUES (?1, ?2, ?3, 1, ?4)",
        params![public_key, who.host, who.user, now],
    )?;
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES ('ledger_id', ?1), ('created_at', ?2)",
            params![ledger.hyphenated().to_string(), now.to_string()],
        )
        .map(drop)
}

/// Gives the key file of a database another name, with its public key in it; a missing one is no error.
pub(crate) fn set_key_aside(database: &Path) -> Result<(), StoreError> {
    let path = key_path(database);
    let found = fs::read_to_string(&path);
    if found.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    let owner = found.ok().and_then(|text| parse(&text).ok()).map(|key| key.public_key());
    let kept = file::beside(&path, &format!(".{}.old", owner.as_deref().unwrap_or("unreadable")));
    fs::rename(&path, &kept).map_err(|error| StoreError::file("rename", &path, error))
}

/// Makes and writes a new key. A key that lies there already belongs to a database that is gone, or to an attempt that
/// never committed: it is kept under another name, never used twice and never lost.
fn make_key(database: &Path) -> Result<String, StoreError> {
    let path = key_path(database);
    set_key_aside(database)?;
    let key = KeyPair::new_user();
    let seed = key.seed().map_err(|error| StoreError::Key { path: path.clone(), why: error.to_string() })?;
    file::write_private(&path, format!("{seed}\n").as_bytes())?;
    Ok(key.public_key())
}

fn parse(text: &str) -> Result<KeyPair, String> {
    let key = KeyPair::from_seed(text.trim()).map_err(|_| "the key file holds no key".to_owned())?;
    match key.key_pair_type() {
        KeyPairType::User => Ok(key),
        _ => Err("the key is not a user key".to_owned()),
    }
}

//! The migrations: all that are missing in one transaction, so that a process that is killed leaves none half done.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::DateTime;
use refinery::Target;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{Named, SCHEMA, StoreError, identify};

mod embedded {
    refinery::embed_migrations!("migrations");
}

use embedded::migrations::runner;

/// For so long a migration that fails may have been taken by another process.
const RACE: Duration = Duration::from_secs(1);

/// Whether there is anything to do for a file of this schema.
pub(super) fn are_missing(connection: &Connection, found: u32) -> rusqlite::Result<bool> {
    Ok(found < SCHEMA || recorded(connection)? < found)
}

/// Runs the migrations. Another process may be at them as well and take them from under this one: then what is left is
/// looked at again.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let since = Instant::now();
    loop {
        refuse_garbage(connection, path)?;
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        let migrated = run(connection, path);
        connection.set_transaction_behavior(TransactionBehavior::Deferred);
        let Err(error) = migrated else { return Ok(()) };
        let found = identify(connection, path)?;
        if !are_missing(connection, found).named(path)? {
            return Ok(());
        }
        if !may_be_a_race(&error) || since.elapsed() > RACE {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = identify(connection, path)?;
    if recorded(connection).named(path)? < found {
        // An earlier release, killed between a migration and its record: the schema says that it was done.
        let target = Target::FakeVersion(i32::try_from(found).unwrap_or(i32::MAX));
        runner().set_target(target).run(connection).map_err(|error| migration_error(path, &error))?;
    }
    runner().set_grouped(true).run(connection).map(drop).map_err(|error| migration_error(path, &error))
}

/// The last migration that is recorded as done; zero without any.
fn recorded(connection: &Connection) -> rusqlite::Result<u32> {
    if !has_records(connection)? {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(version), 0) FROM refinery_schema_history", [], |row| row.get(0))
}

fn has_records(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'")?.exists([])
}

/// What is recorded of migrations must be what the library wrote: it takes that for granted.
fn refuse_garbage(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if !has_records(connection).named(path)? {
        return Ok(());
    }
    let is_garbage = |row: &rusqlite::Row<'_>| {
        let (at, checksum): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(DateTime::parse_from_rfc3339(&at).is_err() || checksum.parse::<u64>().is_err())
    };
    let mut records = connection.prepare("SELECT applied_on, checksum FROM refinery_schema_history").named(path)?;
    let mut garbage = records.query_map([], is_garbage).named(path)?;
    match garbage.find(|found| !matches!(found, Ok(false))) {
        Some(_) => Err(StoreError::Corrupt {
            path: path.to_owned(),
            detail: "what it records of its own schema makes no sense".to_owned(),
        }),
        None => Ok(()),
    }
}

/// What is there already, or was recorded already.
fn may_be_a_race(error: &StoreError) -> bool {
    match error {
        StoreError::Sqlite { source, .. } => {
            matches!(source.sqlite_error_code(), Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation))
        }
        StoreError::Corrupt { .. } => true,
        _ => false,
    }
}

fn migration_error(path: &Path, error: &refinery::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(sqlite) = current.downcast_ref::<rusqlite::Error>()
            && let Some(code) = sqlite.sqlite_error()
        {
            return StoreError::sqlite(path, rusqlite::Error::SqliteFailure(*code, Some(sqlite.to_string())));
        }
        cause = current.source();
    }
    StoreError::Corrupt { path: path.to_owned(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect::{prepared_to_write, to_write};

    /// A ledger with the migrations up to one, as an earlier release left it.
    fn at(path: &Path, version: u32) -> Connection {
        std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut connection = to_write(path).unwrap();
        let target = Target::Version(i32::try_from(version).unwrap());
        runner().set_target(target).run(&mut connection).unwrap();
        connection
    }

    fn versions(connection: &Connection) -> Vec<u32> {
        let mut all = connection.prepare("SELECT version FROM refinery_schema_history ORDER BY version").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    const EDIT: &str = "INSERT INTO edits (command_id, command, correlation_id, path, before, after, undo, edited_at) \
                        VALUES (zeroblob(16), 'add_input', zeroblob(16), x'78', zeroblob(32), zeroblob(32), 'before', 0)";

    #[test]
    fn a_migration_that_was_done_and_not_recorded_is_not_done_again() {
        for version in 1..=SCHEMA {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            // The fifth makes JSON of it.
            let connection = at(&path, version.min(4));
            if version >= 4 {
                connection.execute_batch(EDIT).unwrap();
            }
            drop(connection);
            let connection = at(&path, version);
            connection.execute("DELETE FROM refinery_schema_history WHERE version = ?1", [version]).unwrap();
            drop(connection);
            let (connection, _) = prepared_to_write(&path).unwrap();
            assert_eq!(identify(&connection, &path).unwrap(), SCHEMA);
            assert_eq!(versions(&connection), (1..=SCHEMA).collect::<Vec<_>>(), "{version}");
            if version >= 4 {
                let undo: String = connection.query_row("SELECT undo FROM edits", [], |row| row.get(0)).unwrap();
                assert_eq!(undo, r#"{"text":"before"}"#, "{version}");
            }
        }
    }

    #[test]
    fn all_that_are_missing_are_done_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut connection = at(&path, 2);
        let refuse = format!(
            "CREATE TRIGGER no_more BEFORE INSERT ON refinery_schema_history WHEN new.version = {SCHEMA} \
             BEGIN SELECT RAISE(ABORT, 'killed'); END"
        );
        connection.execute_batch(&refuse).unwrap();
        migrate(&mut connection, &path).unwrap_err();
        assert_eq!((identify(&connection, &path).unwrap(), versions(&connection)), (2, vec![1, 2]));
        connection.execute_batch("DROP TRIGGER no_more").unwrap();
        migrate(&mut connection, &path).unwrap();
        assert_eq!(identify(&connection, &path).unwrap(), SCHEMA);
        assert_eq!(versions(&connection), (1..=SCHEMA).collect::<Vec<_>>());
    }

    #[test]
    fn records_that_make_no_sense_are_refused() {
        for change in ["applied_on = 'yesterday'", "checksum = '-1'"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            at(&path, 3).execute_batch(&format!("UPDATE refinery_schema_history SET {change}")).unwrap();
            let error = prepared_to_write(&path).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
    }
}

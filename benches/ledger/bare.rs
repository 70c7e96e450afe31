//! The rows of a ledger, written again by bare SQLite: the same tables, indexes and settings, the same number of
//! transactions, rows in the same order, and nothing else.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The settings that `store::connect` gives a connection that writes.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA mmap_size = 0; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000; \
     PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

/// A table: what inserts a row, and its rows.
struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Writes every row of the ledger at `from` to a new file; how many there are, and how long that took.
pub(crate) fn write_again(from: &Path, to: &Path, transactions: usize) -> Result<(usize, Duration), Box<dyn Error>> {
    let ledger = open(from)?;
    let mut bare = open(to)?;
    let _ = bare.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
    bare.execute_batch(SETTINGS)?;
    let mut schema = ledger.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL \
         AND name NOT LIKE 'sqlite_%' ORDER BY type = 'index', rowid",
    )?;
    let schema = schema.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let schema = schema.collect::<Result<Vec<(String, String, String)>, _>>()?;
    let mut tables = Vec::new();
    for (kind, name, sql) in &schema {
        bare.execute_batch(sql)?;
        if kind == "table" {
            tables.push(read(&ledger, name)?);
        }
    }
    let begun = Instant::now();
    for turn in 0..transactions {
        let transaction = bare.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for table in &tables {
            let part = |turn: usize| (table.rows.len() * turn).div_ceil(transactions);
            let mut insert = transaction.prepare_cached(&table.insert)?;
            for row in table.rows.get(part(turn)..part(turn + 1)).unwrap_or_default() {
                insert.execute(params_from_iter(row))?;
            }
        }
        transaction.commit()?;
    }
    Ok((tables.iter().map(|table| table.rows.len()).sum(), begun.elapsed()))
}

/// How many bytes a payload of the ledger has on average.
pub(crate) fn payload(ledger: &Path) -> Result<usize, Box<dyn Error>> {
    let sql = "SELECT sum(length(CAST(payload AS BLOB))) / count(*) FROM events";
    let bytes: i64 = open(ledger)?.query_row(sql, [], |row| row.get(0))?;
    Ok(usize::try_from(bytes)?)
}

fn read(ledger: &Connection, name: &str) -> rusqlite::Result<Table> {
    let mut statement = ledger.prepare(&format!("SELECT * FROM {name}"))?;
    let columns = statement.column_count();
    let marks = vec!["?"; columns].join(", ");
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(Table { insert: format!("INSERT INTO {name} VALUES ({marks})"), rows: rows.collect::<Result<_, _>>()? })
}

#[expect(clippy::disallowed_methods, reason = "a bare connection is what this is about")]
fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open(path)
}

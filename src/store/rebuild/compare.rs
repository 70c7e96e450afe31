//! Whether the tables that readers see are what the log says: built anew beside them and compared row for row.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{StoreError, choose, chunk, path_of};
use crate::store::erase;
use crate::store::error::Named;
use crate::store::projection::{self, Outcome, Projection, Target};

/// A table that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The projection.
    pub name: &'static str,
    /// Its table, without generation.
    pub table: &'static str,
    /// Rows that are there and should not be.
    pub surplus: u64,
    /// Rows that should be there and are not.
    pub missing: u64,
    /// Whether that is because an erasure is not finished: these rows hold what was erased.
    pub erasing: bool,
}

/// Generation of the tables that are compared with: no live one has it, and they are temporary.
const ASIDE: i64 = 0;

/// Builds projections, all or the one of a name, in temporary tables and compares them with those that readers see,
/// at one moment and without holding up a writer. Empty when all is as the log says.
pub(crate) fn compare(connection: &Connection, name: Option<&str>) -> Result<Vec<Mismatch>, StoreError> {
    let mut found = Vec::new();
    for projection in choose(name)? {
        found.extend(compare_one(connection, projection)?);
    }
    Ok(found)
}

fn compare_one(connection: &Connection, projection: &'static dyn Projection) -> Result<Vec<Mismatch>, StoreError> {
    let path = path_of(connection);
    let (outcome, found) = at_one_moment(connection, projection).named(&path)?;
    match outcome {
        Outcome::Applied => Ok(found),
        Outcome::Failed { position, reason } => {
            Err(StoreError::Projection { path, name: projection.name(), position, reason })
        }
    }
}

fn at_one_moment(
    connection: &Connection,
    projection: &'static dyn Projection,
) -> rusqlite::Result<(Outcome, Vec<Mismatch>)> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let Some(shown) = chunk::readable(&transaction, projection)? else { return Ok((Outcome::Applied, Vec::new())) };
    projection::create_temporary_tables(&transaction, projection, ASIDE)?;
    let target = Target::fresh(&transaction, projection, ASIDE);
    let outcome = chunk::take_in(&transaction, projection, &target, (0, shown.position), || target.write_some())?;
    target.write()?;
    let erasing = erase::is_in_model(&transaction)?;
    let mut found = Vec::new();
    for table in projection.tables() {
        let (shown, told) = (table.select_all(shown.generation), table.select_all(ASIDE));
        let surplus = left_over(&transaction, &shown, &told)?;
        let missing = left_over(&transaction, &told, &shown)?;
        if surplus + missing > 0 {
            found.push(Mismatch { name: projection.name(), table: table.name, surplus, missing, erasing });
        }
    }
    Ok((outcome, found))
}

/// How many rows of one query the other has not; the same row twice counts as one more than once.
fn left_over(connection: &Connection, rows: &str, others: &str) -> rusqlite::Result<u64> {
    let missing =
        format!("SELECT count(*) FROM ({rows} EXCEPT {others})", rows = wrapped(rows), others = wrapped(others));
    let more = format!("SELECT max((SELECT count(*) FROM ({rows})) - (SELECT count(*) FROM ({others})), 0)");
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok(count(&missing)?.max(count(&more)?).unsigned_abs())
}

/// A query with parts of its own, as one part of another.
fn wrapped(sql: &str) -> String {
    format!("SELECT * FROM ({sql})")
}

//! Whether the tables that readers see are what the log says: built anew beside them and compared row for row.

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, choose, chunk, named, path_of};
use crate::store::projection::{self, Outcome, Projection};

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
}

/// Generation of the tables that are compared with: no live one has it, and they are temporary.
const ASIDE: i64 = 0;

/// Builds projections, all or the one of a name, in temporary tables and compares them with those that readers see,
/// at one moment and without holding up a writer. Empty when all is as the log says.
pub(crate) fn compare(connection: &mut Connection, name: Option<&str>) -> Result<Vec<Mismatch>, StoreError> {
    let mut found = Vec::new();
    for projection in choose(name)? {
        found.extend(compare_one(connection, projection)?);
    }
    Ok(found)
}

fn compare_one(connection: &mut Connection, projection: &'static dyn Projection) -> Result<Vec<Mismatch>, StoreError> {
    let path = path_of(connection);
    let outcome = named(connection, |connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let Some(shown) = chunk::readable(&transaction, projection)? else { return Ok(Ok(Vec::new())) };
        projection::create_temporary_tables(&transaction, projection, ASIDE)?;
        let outcome = chunk::take_in(&transaction, projection, (0, shown.position), ASIDE)?;
        if let Outcome::Failed { position, reason } = outcome {
            return Ok(Err((position, reason)));
        }
        let mut found = Vec::new();
        for table in projection.tables() {
            let shown = format!("p_{}_{}", table.name, shown.generation);
            let told = format!("p_{}_{ASIDE}", table.name);
            let surplus = left_over(&transaction, &shown, &told)?;
            let missing = left_over(&transaction, &told, &shown)?;
            if surplus + missing > 0 {
                found.push(Mismatch { name: projection.name(), table: table.name, surplus, missing });
            }
        }
        Ok(Ok(found))
    })?;
    outcome.map_err(|(position, reason)| StoreError::Projection { path, name: projection.name(), position, reason })
}

/// How many rows of one table the other has not.
fn left_over(connection: &Connection, table: &str, other: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM (SELECT * FROM \"{table}\" EXCEPT SELECT * FROM \"{other}\")");
    let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

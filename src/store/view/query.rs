//! Asking the read model: SQL with names for tables at a moment, rows into plain structs.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;

use super::At;
use crate::store::StoreError;
use crate::store::projection::template;

/// Every row of a query, in which names in braces stand for tables at the moment.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    at: At,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(&template::expand(sql, at))
        .and_then(|mut statement| statement.query_map(params, read)?.collect())
        .map_err(|error| failed(connection, error))
}

/// Names the database in an error of SQLite.
pub(super) fn failed(connection: &Connection, error: rusqlite::Error) -> StoreError {
    StoreError::sqlite(Path::new(connection.path().unwrap_or_default()), error)
}

/// A column of JSON text.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read_json(&text)
}

/// A column of JSON text that may be absent.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| read_json(&text)).transpose()
}

/// A column of text that reads as something else, such as an id.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| conversion(Box::new(error)))
}

fn read_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| conversion(Box::new(error)))
}

fn conversion(error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error)
}

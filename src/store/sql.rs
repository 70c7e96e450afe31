//! One statement of the user's, run on a connection that cannot write.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use serde_json::{Number, Value};

use super::StoreError;

/// What a statement gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows; blobs as hexadecimal text.
    pub rows: Vec<Vec<Value>>,
}

/// Runs one statement that reads, to its end or to `limit` rows.
///
/// Writing, attaching other files and changing settings are refused; the connection is as it was afterwards. Long
/// ones can be ended with [`Connection::get_interrupt_handle`].
pub fn run(connection: &mut Connection, statement: &str, limit: Option<usize>) -> Result<Answer, StoreError> {
    let guard = Guard::set(connection)?;
    let answer = prepare(guard.connection, statement).and_then(|mut prepared| read(&mut prepared, limit));
    drop(guard);
    answer
}

/// Keeps a connection from writing as long as it lives.
struct Guard<'c> {
    connection: &'c mut Connection,
    query_only: bool,
}

impl<'c> Guard<'c> {
    fn set(connection: &'c mut Connection) -> Result<Self, StoreError> {
        let query_only = connection.pragma_query_value(None, "query_only", |row| row.get(0)).map_err(refused)?;
        connection.pragma_update(None, "query_only", true).map_err(refused)?;
        connection.authorizer(Some(authorize)).map_err(refused)?;
        Ok(Self { connection, query_only })
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let no: Option<fn(AuthContext<'_>) -> Authorization> = None;
        let freed = self.connection.authorizer(no);
        let reset = self.connection.pragma_update(None, "query_only", self.query_only);
        if let Err(error) = freed.and(reset) {
            tracing::warn!(%error, "a connection stays read-only");
        }
    }
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Pragma { pragma_name, pragma_value } if is_harmless(pragma_name, pragma_value) => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// Pragmas that only tell of the schema.
fn is_harmless(name: &str, value: Option<&str>) -> bool {
    let about_a_table = ["table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"];
    let about_all = ["user_version", "application_id", "journal_mode", "page_count", "page_size", "compile_options"];
    about_a_table.contains(&name) || (value.is_none() && about_all.contains(&name))
}

fn prepare<'c>(connection: &'c Connection, statement: &str) -> Result<Statement<'c>, StoreError> {
    let prepared = connection.prepare(statement).map_err(refused)?;
    if prepared.column_count() == 0 || !prepared.readonly() {
        return Err(only_reading());
    }
    Ok(prepared)
}

fn read(statement: &mut Statement<'_>, limit: Option<usize>) -> Result<Answer, StoreError> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(refused)?;
    let mut answer = Answer { columns, rows: Vec::new() };
    while limit.is_none_or(|limit| answer.rows.len() < limit) {
        let Some(row) = rows.next().map_err(refused)? else { break };
        let values = (0..answer.columns.len()).map(|column| row.get_ref(column).map(value));
        answer.rows.push(values.collect::<rusqlite::Result<_>>().map_err(refused)?);
    }
    Ok(answer)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::String(data_encoding::HEXLOWER.encode(bytes)),
    }
}

fn refused(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::MultipleStatement => {
            StoreError::Statement { reason: "there is more than one statement; give one at a time".to_owned() }
        }
        error if error.sqlite_error_code() == Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => {
            only_reading()
        }
        error if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly) => only_reading(),
        error if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
            StoreError::Stopped { doing: "running the statement" }
        }
        error => StoreError::Statement { reason: format!("{error}; `cim-nix util sql-schema` shows the views") },
    }
}

fn only_reading() -> StoreError {
    let reason = "only one `SELECT` (or `WITH`, `VALUES`, `EXPLAIN`) may run here; `cim-nix scan` records events";
    StoreError::Statement { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;

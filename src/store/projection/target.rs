//! Where a projection writes: its tables of one generation.

use rusqlite::{Connection, Params, Row};

use super::template;

/// The tables of one generation, on a connection that is in a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Target<'c> {
    connection: &'c Connection,
    generation: i64,
}

impl<'c> Target<'c> {
    /// The tables of a generation.
    pub fn new(connection: &'c Connection, generation: i64) -> Self {
        Self { connection, generation }
    }

    /// Runs a statement in which `{name}` stands for a table; returns how many rows it changed.
    pub fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(&template::of_generation(sql, self.generation))?.execute(params)
    }

    /// Asks for rows; `{name}` stands for a table.
    pub fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(&template::of_generation(sql, self.generation))?;
        statement.query_map(params, read)?.collect()
    }
}

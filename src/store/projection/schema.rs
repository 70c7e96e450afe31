//! The tables of a generation, and the views over those that are live.

use rusqlite::{Connection, OptionalExtension};

use super::{PROJECTIONS, Projection, template, views};
use crate::store::view::At;

const DIGEST_KEY: &str = "views";

/// Creates the tables of a projection in a new generation.
pub(in crate::store) fn create_tables(
    connection: &Connection,
    projection: &dyn Projection,
    generation: i64,
) -> rusqlite::Result<()> {
    for table in projection.tables() {
        connection.execute_batch(&table.ddl(generation))?;
    }
    Ok(())
}

/// Creates the tables of a projection for this connection alone.
pub(in crate::store) fn create_temporary_tables(
    connection: &Connection,
    projection: &dyn Projection,
    generation: i64,
) -> rusqlite::Result<()> {
    for table in projection.tables() {
        connection.execute_batch(&table.ddl(generation).replace("CREATE TABLE", "CREATE TEMP TABLE"))?;
    }
    Ok(())
}

/// Lets readers see a generation: `p_<table>` for our own queries, and `p_<table>_past` for what was true before.
pub(in crate::store) fn point_views(
    connection: &Connection,
    projection: &dyn Projection,
    generation: i64,
) -> rusqlite::Result<()> {
    for table in projection.tables() {
        for (name, stored) in table.views().into_iter().zip(table.stored(generation)) {
            let sql = format!("DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS SELECT * FROM {stored};");
            connection.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// Has a connection see of the read model only what streams tell that are shared, and of streams only these, so that none that is
/// private succeeds another: views of its own, which come before what the database has. The `v1_*` views are none of them.
pub(in crate::store) fn see_shared_only(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE TEMP VIEW streams AS SELECT * FROM main.streams WHERE shared = 1")?;
    for table in PROJECTIONS.iter().flat_map(|projection| projection.tables()) {
        for name in table.views() {
            connection.execute_batch(&format!(
                "CREATE TEMP VIEW {name} AS SELECT t.* FROM main.{name} t WHERE EXISTS \
                 (SELECT 1 FROM main.streams s WHERE s.stream = {} AND s.shared = 1)",
                table.stream
            ))?;
        }
    }
    Ok(())
}

/// Creates the `v1_*` views as this release has them, and drops those that it has not.
pub(in crate::store) fn create_views(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'v1_*'";
    let old: Vec<String> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in old {
        connection.execute_batch(&format!("DROP VIEW \"{name}\""))?;
    }
    for view in views() {
        let columns: Vec<String> = view.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let sql = template::expand(view.sql, At::Now);
        connection.execute_batch(&format!("CREATE VIEW {} ({}) AS {sql}", view.name, columns.join(", ")))?;
    }
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    connection.execute(sql, (DIGEST_KEY, views_digest()))?;
    Ok(())
}

/// Whether the views are those of this release.
pub(super) fn views_are_current(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let found: Option<String> = statement.query_row([DIGEST_KEY], |row| row.get(0)).optional()?;
    Ok(found == Some(views_digest()))
}

/// One text that is another whenever a view is.
pub(in crate::store) fn views_digest() -> String {
    let mut hasher = blake3::Hasher::new();
    for view in views() {
        hasher.update(view.name.as_bytes());
        hasher.update(template::expand(view.sql, At::Now).as_bytes());
        for column in view.columns {
            hasher.update(column.name.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Tables of generations that nobody fills or reads: what a swap or a crash left.
pub(in crate::store) fn garbage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'p_*_[0-9]*'";
    let tables: Vec<String> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut kept = Vec::new();
    let mut statement = connection.prepare("SELECT name, generation FROM projections")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, generation): (String, i64) = (row.get(0)?, row.get(1)?);
        let tables = PROJECTIONS.iter().filter(|known| known.name() == name).flat_map(|known| known.tables());
        kept.extend(tables.flat_map(|table| table.stored(generation)));
    }
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name GLOB 'p_*'";
    let shown: Vec<String> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_shown = |table: &str| shown.iter().any(|sql| sql.ends_with(&format!(" {table}")));
    Ok(tables.into_iter().filter(|table| !kept.contains(table) && !is_shown(table)).collect())
}

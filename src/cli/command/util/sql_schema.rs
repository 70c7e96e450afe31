//! The reference of the views for SQL, made from the same table as the views.

use std::fmt::Write as _;

use serde::Serialize;

use crate::store::projection::{View, views};

/// The whole reference.
pub(in crate::cli) fn markdown() -> String {
    let mut text = String::from(
        "<!-- Made by `cim-nix util sql-schema`; a test keeps it so. -->\n\n# SQL reference\n\n\
         These views are stable: columns are only added, at the end. Everything else in the database may change. \
         `cim-nix sql 'select …'` opens it read-only; `sqlite3 -readonly` reads it as well.\n",
    );
    for view in views() {
        let _ = writeln!(text, "\n## `{}`\n\n{}\n\n| column | kind | meaning |\n|---|---|---|", view.name, view.doc);
        for column in view.columns {
            let _ = writeln!(text, "| `{}` | {} | {} |", column.name, column.kind, column.doc.replace('|', "\\|"));
        }
        for example in view.examples {
            let _ = writeln!(text, "\n{}\n\n```sql\n{}\n```", example.doc, example.sql.trim());
        }
    }
    text
}

/// `cim-nix/sql-schema/1`.
#[derive(Debug, Serialize)]
pub(super) struct Schema {
    schema: &'static str,
    views: Vec<Described>,
}

#[derive(Debug, Serialize)]
struct Described {
    name: &'static str,
    doc: &'static str,
    columns: Vec<Column>,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: &'static str,
    kind: &'static str,
    doc: &'static str,
}

#[derive(Debug, Serialize)]
struct Example {
    sql: &'static str,
    doc: &'static str,
}

/// The same as data.
pub(super) fn document() -> Schema {
    Schema { schema: "cim-nix/sql-schema/1", views: views().map(described).collect() }
}

fn described(view: &'static View) -> Described {
    let column = |column: &'static crate::store::projection::Column| Column {
        name: column.name,
        kind: column.kind,
        doc: column.doc,
    };
    let columns = view.columns.iter().map(column).collect();
    let examples = view.examples.iter().map(|one| Example { sql: one.sql.trim(), doc: one.doc }).collect();
    Described { name: view.name, doc: view.doc, columns, examples }
}

//! `sql`: ask the ledger in SQL; nothing can be changed that way.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::Run;
use crate::app::ledger::{self, SqlAnswer};
use crate::cli::answer::Page;
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::printer::Printer;
use crate::cli::table::Table;

/// Longest query that is read from stdin.
const LONGEST: u64 = 1 << 20;

/// Ask the ledger in SQL
///
/// The views `v1_*` are stable and described by `cim-nix util sql-schema`. The database is opened read-only: whatever
/// would change it, or reach another file, is refused. Blobs are shown in hexadecimal.
#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// One `select`; `-` reads it from stdin
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    query: String,
}

impl Run for Sql {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let query = if self.query == "-" { from_stdin()? } else { self.query };
        if query.trim().is_empty() {
            return Err(Failure::new(Kind::Usage, "the query is empty").hinted("cim-nix sql 'select * from v1_flakes'"));
        }
        let mut reading = context.read()?;
        let answer = ledger::sql(&mut reading.ledger.reader, &query, None)?;
        print(&answer, context.printer)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let unreadable = |error| Failure::file("read the query from", Path::new("stdin"), &error);
    std::io::stdin().take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn print(answer: &SqlAnswer, printer: &mut Printer) -> Result<(), Failure> {
    let SqlAnswer { columns, rows } = answer;
    match printer.format() {
        Format::Json => {
            let names = serde_json::to_string(columns).map_err(Failure::internal)?;
            let mut list = printer.begin("sql", &[("columns", names)], "rows")?;
            rows.iter().try_for_each(|row| list.item(row))?;
            list.end()
        }
        Format::Jsonl => rows.iter().try_for_each(|row| printer.record(&Object { columns, row })),
        Format::Plain => rows.iter().try_for_each(|row| printer.cells(&row.iter().map(cell).collect::<Vec<_>>())),
        Format::Human => {
            let mut table = Table::of(columns);
            for row in rows {
                table.row(row.iter().map(cell));
            }
            let mut page = Page::new(printer.width(), 0);
            page.table(&table);
            printer.text(&page.into_text())
        }
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A row as an object, its fields in the order of the columns.
struct Object<'a> {
    columns: &'a [String],
    row: &'a [Value],
}

impl serde::Serialize for Object<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().zip(self.row))
    }
}

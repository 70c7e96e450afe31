//! `store replay`: what chosen events alone would give.

use std::process::ExitCode;

use data_encoding::HEXLOWER;
use serde::Serialize;
use uuid::Uuid;

use crate::app::moment::Written;
use crate::app::upkeep::{self, Replayed, ReplayedTable, Selection};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::known;
use crate::cli::table::Table;
use crate::store::view::At;

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// From this position on
    #[arg(long, value_name = "POSITION")]
    from: Option<i64>,
    /// Up to this position
    #[arg(long, value_name = "POSITION")]
    until: Option<i64>,
    /// Only what happened since
    #[arg(long, value_name = "TIME")]
    since: Option<Written>,
    /// Only what happened before
    #[arg(long, value_name = "TIME")]
    before: Option<Written>,
    /// Only this stream
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Only this conversation
    #[arg(long, value_name = "ID")]
    correlation: Option<Uuid>,
    /// Only what is on the exchange: two ledgers in step give the same hash
    #[arg(long)]
    shared: bool,
}

impl Replay {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let (since, before) = context.span(self.since.as_ref(), ("--before", self.before.as_ref()))?;
        let selection = Selection {
            from: self.from,
            until: self.until,
            since,
            before,
            stream: self.stream,
            correlation: self.correlation,
            shared: self.shared,
        };
        let session = context.session()?;
        if let Some(stream) = &selection.stream {
            known::stream(&session.store.reader()?, stream, At::Now)?;
        }
        if let Some(conversation) = selection.correlation {
            known::conversation(&session.store.reader()?, conversation)?;
        }
        let replayed = upkeep::replay(&session, &selection)?;
        context.printer.answer(&Summary::of(&replayed))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/store-replay/1`.
#[derive(Debug, Serialize)]
struct Summary {
    events: u64,
    /// The hash over every table.
    state: String,
    tables: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    table: &'static str,
    rows: u64,
    hash: String,
}

impl Summary {
    fn of(replayed: &Replayed) -> Self {
        let row =
            |table: &ReplayedTable| Row { table: table.name, rows: table.rows, hash: HEXLOWER.encode(&table.hash) };
        Self {
            events: replayed.events,
            state: HEXLOWER.encode(&replayed.state),
            tables: replayed.tables.iter().map(row).collect(),
        }
    }
}

impl Answer for Summary {
    const NAME: &'static str = "store-replay";
    type Record = Row;

    fn records(&self) -> &[Row] {
        &self.tables
    }

    fn cells(row: &Row) -> Vec<String> {
        [row.table.to_owned(), row.rows.to_string(), row.hash.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        let mut table = Table::new(&["table", ">rows", "hash"]);
        for row in &self.tables {
            table.row([row.table.to_owned(), row.rows.to_string(), row.hash.get(..16).unwrap_or_default().to_owned()]);
        }
        page.table(&table);
        page.gap();
        page.line(match self.events {
            1 => format!("1 event gives the state {}", self.state),
            events => format!("{events} events give the state {}", self.state),
        });
    }
}

//! `info`: where things lie, what version they have, and how much there is.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::Run;
use crate::app::ledger;
use crate::cli::answer::{Answer, Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::table::Table;
use crate::cli::text::bytes;
use crate::config::Given;
use crate::store::StoreError;
use crate::store::view::{self, At};

/// Show where things lie, their versions, and how much there is
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    /// Show every setting with its value and where that is from
    #[arg(long)]
    settings: bool,
}

impl Run for Info {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        if self.settings {
            let settings = context.settings.given().iter().map(Setting::of).collect();
            context.printer.answer(&Settings { settings })?;
        } else {
            let facts = Facts::of(context)?;
            context.printer.answer(&facts)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/info/1`.
#[derive(Debug, Serialize)]
struct Facts {
    version: &'static str,
    sqlite: &'static str,
    database: Database,
    settings_file: String,
    log_file: String,
}

#[derive(Debug, Serialize)]
struct Database {
    path: String,
    exists: bool,
    /// The schema of the database; absent when it is not there.
    schema: Option<i64>,
    origin: Option<String>,
    /// The size of its files together.
    bytes: u64,
    events: u64,
    flakes: u64,
    inputs: u64,
    lock_nodes: u64,
    problems: u64,
    roots: usize,
}

impl Facts {
    fn of(context: &Context<'_>) -> Result<Self, Failure> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            sqlite: rusqlite::version(),
            database: Database::of(context)?,
            settings_file: context.places.user_settings().display().to_string(),
            log_file: context.places.log_file().display().to_string(),
        })
    }
}

impl Database {
    fn of(context: &Context<'_>) -> Result<Self, Failure> {
        let path = &context.settings.db;
        let mut database = Self {
            path: path.display().to_string(),
            exists: false,
            schema: None,
            origin: None,
            bytes: ["", "-wal", "-shm"].iter().map(|suffix| size(path, suffix)).sum(),
            events: 0,
            flakes: 0,
            inputs: 0,
            lock_nodes: 0,
            problems: 0,
            roots: 0,
        };
        let ledger = match ledger::look(path, &context.who, context.clock.now()) {
            Ok(ledger) => ledger,
            Err(StoreError::Missing { .. }) => return Ok(database),
            Err(error) => return Err(error.into()),
        };
        let counts = view::counts(&ledger.reader, At::Now)?;
        database.exists = true;
        database.schema = ledger.reader.pragma_query_value(None, "user_version", |row| row.get(0)).ok();
        database.origin = Some(ledger.origin().to_owned());
        database.roots = ledger.reader.roots()?.len();
        (database.events, database.flakes, database.inputs) = (counts.events, counts.flakes, counts.inputs);
        (database.lock_nodes, database.problems) = (counts.lock_nodes, counts.problems);
        Ok(database)
    }
}

fn size(path: &Path, suffix: &str) -> u64 {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    std::fs::metadata(name).map_or(0, |found| found.len())
}

impl Single for Facts {
    const NAME: &'static str = "info";

    fn cells(&self) -> Vec<String> {
        let database = &self.database;
        let schema = database.schema.map(|schema| schema.to_string()).unwrap_or_default();
        [self.version.into(), self.sqlite.into(), database.path.clone(), schema, database.events.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        let database = &self.database;
        page.field("cim-nix", self.version);
        page.field("sqlite", self.sqlite);
        page.field(
            "database",
            if database.exists { database.path.clone() } else { format!("{} (not there yet)", database.path) },
        );
        if let (Some(schema), Some(origin)) = (database.schema, &database.origin) {
            page.field("schema", schema.to_string());
            page.field("origin", origin);
            page.field("size", bytes(database.bytes));
            page.field("events", database.events.to_string());
            page.field("flakes", database.flakes.to_string());
            page.field("inputs", database.inputs.to_string());
            page.field("lock nodes", database.lock_nodes.to_string());
            page.field("problems", database.problems.to_string());
            page.field("roots", database.roots.to_string());
        }
        page.field("settings", &self.settings_file);
        page.field("log", &self.log_file);
    }
}

/// `cim-nix/settings/1`.
#[derive(Debug, Serialize)]
struct Settings {
    settings: Vec<Setting>,
}

#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    origin: String,
}

impl Setting {
    fn of(given: &Given) -> Self {
        Self { name: given.setting.name, value: given.value.to_string(), origin: given.origin.to_string() }
    }
}

impl Answer for Settings {
    const NAME: &'static str = "settings";
    type Record = Setting;

    fn records(&self) -> &[Setting] {
        &self.settings
    }

    fn cells(setting: &Setting) -> Vec<String> {
        [setting.name.into(), setting.value.clone(), setting.origin.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        let mut table = Table::new(&["setting", "value", "from"]);
        for setting in &self.settings {
            table.row([setting.name.into(), setting.value.clone(), setting.origin.clone()]);
        }
        page.table(&table);
    }
}

//! `config list`: every configuration, one a line.

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::place::Places;
use crate::cli::table::Table;
use crate::cli::text::plural;
use crate::store::view::{self, ConfigRow, rfc3339};

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let places = Places::of(&reading)?;
    let now = context.now(reading.at);
    let rows = view::configs(&reading.ledger.reader, None, reading.at)?;
    let mut configs: Vec<Config> = rows.into_iter().map(|row| Config::of(row, &places)).collect();
    configs.sort_by(|a, b| (&a.name, &a.flake_path, &a.kind).cmp(&(&b.name, &b.flake_path, &b.kind)));
    context.printer.answer(&Configs { configs, now })
}

/// `cim-nix/config-list/1`, by name and flake.
#[derive(Debug, Serialize)]
struct Configs {
    configs: Vec<Config>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

/// One configuration, here and in `config show`.
#[derive(Debug, Serialize)]
pub(super) struct Config {
    pub(super) flake: String,
    pub(super) flake_path: Option<String>,
    pub(super) kind: String,
    pub(super) name: String,
    /// The system, where the flake says it.
    pub(super) system: Option<String>,
    pub(super) modules: Vec<String>,
    pub(super) users: Vec<String>,
    pub(super) services: Vec<String>,
    /// What else may be part of it, each with why.
    pub(super) unknown: Vec<String>,
    pub(super) left_out: u64,
    since: String,
    #[serde(skip)]
    pub(super) at: i64,
}

impl Config {
    pub(super) fn of(row: ConfigRow, places: &Places) -> Self {
        Self {
            flake: row.flake.to_string(),
            flake_path: places.flake(row.flake).map(|path| path.text().to_owned()),
            kind: row.kind,
            name: row.name,
            system: row.system,
            modules: row.modules,
            users: row.users,
            services: row.services,
            unknown: row.unknown,
            left_out: row.left_out,
            since: rfc3339(row.since),
            at: row.since,
        }
    }

    /// Where its flake lies.
    pub(super) fn place(&self) -> String {
        self.flake_path.as_deref().map_or_else(|| self.flake.clone(), for_people)
    }

    /// The cells of a line for scripts.
    pub(super) fn cells(&self) -> Vec<String> {
        let place = self.flake_path.clone().unwrap_or_else(|| self.flake.clone());
        let system = self.system.clone().unwrap_or_default();
        let [modules, users, services] = [&self.modules, &self.users, &self.services].map(|names| names.join(" "));
        [place, self.kind.clone(), self.name.clone(), system, modules, users, services].into()
    }
}

impl Answer for Configs {
    const NAME: &'static str = "config-list";
    type Record = Config;

    fn records(&self) -> &[Config] {
        &self.configs
    }

    fn cells(config: &Config) -> Vec<String> {
        config.cells()
    }

    fn page(&self, page: &mut Page) {
        if self.configs.is_empty() {
            page.line("no flake is known to have a configuration");
            return;
        }
        let mut table =
            Table::new(&["name", "for", "/flake", "system", ">modules", ">users", ">services", ">unknown", ">age"]);
        for config in &self.configs {
            let count = |names: &[String]| names.len().to_string();
            table.row([
                config.name.clone(),
                config.kind.clone(),
                config.place(),
                config.system.clone().unwrap_or_else(|| "-".to_owned()),
                count(&config.modules),
                count(&config.users),
                count(&config.services),
                count(&config.unknown),
                ago(config.at, self.now),
            ]);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.configs.len()).unwrap_or(u64::MAX), "configuration"));
    }
}

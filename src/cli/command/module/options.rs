//! `module options`: which module declares or defines which option.

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::place::{FilePlace, Places};
use crate::cli::table::Table;
use crate::cli::text::plural;
use crate::store::view::{self, ModuleOptionRow, rfc3339};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only options that begin so, as in `services.nginx`
    #[arg(long, value_name = "PREFIX", default_value = "")]
    option: String,
}

impl Options {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let places = Places::of(&reading)?;
        let now = context.now(reading.at);
        let rows = view::module_options(&reading.ledger.reader, &self.option, reading.at)?;
        let mut options: Vec<ModuleOption> = rows.into_iter().map(|row| ModuleOption::of(row, &places)).collect();
        options.sort_by(|a, b| (&a.option, &a.how, &a.file.path.path).cmp(&(&b.option, &b.how, &b.file.path.path)));
        context.printer.answer(&ModuleOptions { options, now })
    }
}

/// `cim-nix/module-options/1`, by option and file.
#[derive(Debug, Serialize)]
struct ModuleOptions {
    options: Vec<ModuleOption>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

#[derive(Debug, Serialize)]
struct ModuleOption {
    option: String,
    /// `declared` or `defined`.
    how: String,
    #[serde(flatten)]
    file: FilePlace,
    since: String,
    #[serde(skip)]
    at: i64,
}

impl ModuleOption {
    fn of(row: ModuleOptionRow, places: &Places) -> Self {
        let file = places.file(row.flake, &row.path);
        Self { option: row.option, how: row.how, file, since: rfc3339(row.since), at: row.since }
    }
}

impl Answer for ModuleOptions {
    const NAME: &'static str = "module-options";
    type Record = ModuleOption;

    fn records(&self) -> &[ModuleOption] {
        &self.options
    }

    fn cells(one: &ModuleOption) -> Vec<String> {
        [one.option.clone(), one.how.clone(), one.file.path.path.clone(), one.since.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.options.is_empty() {
            page.line("no module declares or defines such an option, as far as it is written out");
            return;
        }
        let mut table = Table::new(&["option", "how", "/file", ">age"]);
        for one in &self.options {
            let path = for_people(&one.file.path.path);
            table.row([one.option.clone(), one.how.clone(), path, ago(one.at, self.now)]);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.options.len()).unwrap_or(u64::MAX), "place"));
    }
}

//! `module list`: every module, one a line.

use std::ffi::OsString;

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::place::{FilePlace, Places};
use crate::cli::selector;
use crate::cli::table::Table;
use crate::cli::text::plural;
use crate::store::view::{self, ModuleRow, rfc3339};

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those of this flake: a path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE")]
    flake: Option<OsString>,
}

impl List {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let flake = match &self.flake {
            Some(selector) => Some(selector::flake(&reading, selector, &context.directory)?.id),
            None => None,
        };
        let places = Places::of(&reading)?;
        let now = context.now(reading.at);
        let rows = view::modules(&reading.ledger.reader, flake, reading.at)?;
        let mut modules: Vec<Module> = rows.into_iter().map(|row| Module::of(row, &places)).collect();
        modules.sort_by(|a, b| a.file.path.path.cmp(&b.file.path.path));
        context.printer.answer(&Modules { modules, now })
    }
}

/// `cim-nix/module-list/1`, by file.
#[derive(Debug, Serialize)]
struct Modules {
    modules: Vec<Module>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

#[derive(Debug, Serialize)]
struct Module {
    #[serde(flatten)]
    file: FilePlace,
    kind: String,
    declared: u64,
    defined: u64,
    imports: u64,
    left_out: u64,
    since: String,
    #[serde(skip)]
    at: i64,
}

impl Module {
    fn of(row: ModuleRow, places: &Places) -> Self {
        Self {
            file: places.file(row.flake, &row.path),
            kind: row.kind,
            declared: row.declared,
            defined: row.defined,
            imports: row.imports,
            left_out: row.left_out,
            since: rfc3339(row.since),
            at: row.since,
        }
    }
}

impl Answer for Modules {
    const NAME: &'static str = "module-list";
    type Record = Module;

    fn records(&self) -> &[Module] {
        &self.modules
    }

    fn cells(module: &Module) -> Vec<String> {
        let [declared, defined, imports] =
            [module.declared, module.defined, module.imports].map(|count| count.to_string());
        let (path, kind) = (module.file.path.path.clone(), module.kind.clone());
        [path, kind, declared, defined, imports, module.since.clone()].into()
    }

    fn page(&self, page: &mut Page) {
        if self.modules.is_empty() {
            page.line("no module is known; `cim-nix scan` finds them below the roots");
            return;
        }
        let mut table = Table::new(&["/file", "for", ">declares", ">defines", ">imports", ">age"]);
        for module in &self.modules {
            table.row([
                for_people(&module.file.path.path),
                module.kind.clone(),
                module.declared.to_string(),
                module.defined.to_string(),
                module.imports.to_string(),
                ago(module.at, self.now),
            ]);
        }
        page.table(&table);
        page.gap();
        page.line(plural(u64::try_from(self.modules.len()).unwrap_or(u64::MAX), "module"));
    }
}

//! `config show`: one configuration, all that is seen of it.

use serde::Serialize;

use super::list::Config;
use crate::app::moment::for_people as time_for_people;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::place::Places;
use crate::store::view;

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Its name, as in `desk` or `ann@desk`; every flake's configurations of that name are shown
    #[arg(value_name = "NAME")]
    name: String,
}

impl Show {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let places = Places::of(&reading)?;
        let rows = view::configs(&reading.ledger.reader, None, reading.at)?;
        let configs: Vec<Config> =
            rows.into_iter().filter(|row| row.name == self.name).map(|row| Config::of(row, &places)).collect();
        if configs.is_empty() {
            return Err(Failure::new(Kind::Refused, format!("no configuration `{}` is known", self.name))
                .hinted("`cim-nix config list` shows those that are; `cim-nix scan PATH` adds to them"));
        }
        context.printer.answer(&Shown { configs })
    }
}

/// `cim-nix/config-show/1`: those of one name.
#[derive(Debug, Serialize)]
struct Shown {
    configs: Vec<Config>,
}

impl Answer for Shown {
    const NAME: &'static str = "config-show";
    type Record = Config;

    fn records(&self) -> &[Config] {
        &self.configs
    }

    fn cells(config: &Config) -> Vec<String> {
        config.cells()
    }

    fn page(&self, page: &mut Page) {
        for (number, config) in self.configs.iter().enumerate() {
            if number > 0 {
                page.gap();
            }
            page.title(format!("{} ({})", config.name, config.kind));
            page.field("flake", config.place());
            page.field("system", config.system.as_deref().unwrap_or("not said"));
            page.field("users", listed(&config.users));
            page.field("services", listed(&config.services));
            page.field("changed", time_for_people(config.at));
            section(page, "modules", &config.modules);
            section(page, "unknown", &config.unknown);
            if config.left_out > 0 {
                page.line(format!("  and {} that there was no room for", config.left_out));
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none seen".to_owned() } else { names.join(", ") }
}

fn section(page: &mut Page, title: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    page.gap();
    page.title(title);
    for name in names {
        page.line(format!("  {name}"));
    }
}

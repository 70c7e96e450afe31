//! `flake inputs`: what a flake declares, and what its lock makes of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Which;
use crate::app::moment::span;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::selector;
use crate::cli::table::Table;
use crate::cli::text::{declared, source};
use crate::domain::Attrs;
use crate::domain::flake::Override;
use crate::store::view::{self, InputRow};

pub(super) fn run(which: &Which, context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let flake = selector::flake(&reading, &which.flake, &context.directory)?;
    let inputs = view::inputs(&reading.ledger.reader, flake.id, reading.at)?.into_iter().map(Input::of).collect();
    context.printer.answer(&Inputs { inputs })
}

/// `cim-nix/flake-inputs/1`.
#[derive(Debug, Serialize)]
struct Inputs {
    inputs: Vec<Input>,
}

#[derive(Debug, Serialize)]
struct Input {
    name: String,
    url: Option<String>,
    attrs: Option<Attrs>,
    follows: Option<String>,
    flake: bool,
    overrides: BTreeMap<String, Overridden>,
    locked: Option<Attrs>,
    node: Option<String>,
    /// False for an input that only `outputs` names: Nix asks the flake registry for it.
    declared: bool,
}

#[derive(Debug, Serialize)]
struct Overridden {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
}

impl Input {
    fn of(row: InputRow) -> Self {
        let over = |(path, over): (String, Override)| (path, Overridden { url: over.url, follows: over.follows });
        Self {
            name: row.name,
            url: row.url,
            attrs: row.attrs,
            follows: row.follows,
            flake: row.flake,
            overrides: row.overrides.into_iter().map(over).collect(),
            locked: row.locked,
            node: row.node,
            declared: row.declared,
        }
    }

    /// Where it comes from, in one line.
    fn from(&self) -> String {
        declared(self.url.as_deref(), self.attrs.as_ref(), self.follows.as_deref(), self.declared)
    }
}

impl Answer for Inputs {
    const NAME: &'static str = "flake-inputs";
    type Record = Input;

    fn records(&self) -> &[Input] {
        &self.inputs
    }

    fn cells(input: &Input) -> Vec<String> {
        let locked = input.locked.as_ref().map(source).unwrap_or_default();
        [input.name.clone(), input.from(), input.node.clone().unwrap_or_default(), locked].into()
    }

    fn page(&self, page: &mut Page) {
        if self.inputs.is_empty() {
            page.line("no inputs");
            return;
        }
        let mut table = Table::new(&["input", "/from", "/locked", ">age", "~overrides"]);
        for input in &self.inputs {
            let name = if input.flake { input.name.clone() } else { format!("{} (not a flake)", input.name) };
            let locked = input.locked.as_ref().map_or_else(|| "not locked".into(), source);
            let modified = input.locked.as_ref().and_then(|locked| locked.get("lastModified")?.as_i64());
            let age = modified.map(|then| span((page.now() / 1_000_000).saturating_sub(then))).unwrap_or_default();
            let overrides: Vec<String> = input.overrides.iter().map(|(path, over)| over.sentence(path)).collect();
            table.row([name, input.from(), locked, age, overrides.join(", ")]);
        }
        page.table(&table);
    }
}

impl Overridden {
    fn sentence(&self, path: &str) -> String {
        match (&self.follows, &self.url) {
            (Some(follows), _) if follows.is_empty() => format!("{path} follows the flake itself"),
            (Some(follows), _) => format!("{path} follows {follows}"),
            (None, Some(url)) => format!("{path} = {url}"),
            (None, None) => path.to_owned(),
        }
    }
}

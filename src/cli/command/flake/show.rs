//! `flake show`: one flake, all that is known of it but its inputs one by one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Which, list};
use crate::app::moment::{ago, for_people as time_for_people};
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::{PathFields, for_people};
use crate::cli::selector;
use crate::cli::text::plural;
use crate::store::view::{self, FlakeRow, OutputRow, ProblemRow, rfc3339};

pub(super) fn run(which: &Which, context: &mut Context<'_>) -> Result<(), Failure> {
    let reading = context.read()?;
    let row = selector::flake(&reading, &which.flake, &context.directory)?;
    let outputs = view::outputs(&reading.ledger.reader, row.id, reading.at)?;
    let problems = view::problems_of(&reading.ledger.reader, row.id, reading.at)?;
    let now = context.now(reading.at);
    let succeeds = view::succeeds(&reading.ledger.reader, row.id)?.map(Succeeds::of);
    let mut shown = Shown::of(row, outputs, &problems, now);
    shown.flake.succeeds = succeeds;
    context.printer.answer(&shown)
}

/// `cim-nix/flake-show/1`.
#[derive(Debug, Serialize)]
struct Shown {
    flake: Body,
    outputs: Outputs,
    /// None when nobody tells, as another machine that has shared none of any flake.
    problems: Option<Vec<Problem>>,
    #[serde(skip)]
    row: FlakeRow,
}

/// The fields of `flake list`, and more.
#[derive(Debug, Serialize)]
struct Body {
    #[serde(flatten)]
    listed: list::Flake,
    lock_version: Option<u64>,
    nix_config: BTreeMap<String, String>,
    discovered_at: String,
    changed_at: String,
    extractor: u32,
    /// What it goes on from, after a fork.
    succeeds: Option<Succeeds>,
}

#[derive(Debug, Serialize)]
struct Succeeds {
    origin: String,
    stream: String,
    version: u64,
    chain: String,
}

impl Succeeds {
    fn of(row: view::SucceedsRow) -> Self {
        let view::SucceedsRow { origin, stream, version, chain } = row;
        Self { origin, stream, version, chain }
    }
}

#[derive(Debug, Serialize)]
struct Outputs {
    known: Vec<String>,
    unknown: Vec<Unknown>,
}

#[derive(Debug, Serialize)]
struct Unknown {
    path: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Problem {
    #[serde(flatten)]
    path: PathFields,
    line: Option<u32>,
    code: String,
    severity: &'static str,
    message: String,
    since: String,
}

impl Shown {
    fn of(row: FlakeRow, outputs: Vec<OutputRow>, problems: &[ProblemRow], now: i64) -> Self {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for OutputRow { path, unknown: why } in outputs {
            match why {
                Some(reason) => unknown.push(Unknown { path, reason }),
                None => known.push(path),
            }
        }
        let problem = |problem: &ProblemRow| Problem {
            path: PathFields::from(&problem.path),
            line: problem.line,
            code: problem.code.clone(),
            severity: problem.severity.name(),
            message: problem.message.clone(),
            since: rfc3339(problem.since),
        };
        let flake = Body {
            listed: list::Flake::of(&row, now),
            lock_version: row.lock_version,
            nix_config: row.nix_config.clone(),
            discovered_at: rfc3339(row.discovered_at),
            changed_at: rfc3339(row.changed_at),
            extractor: row.extractor,
            succeeds: None,
        };
        let problems = row.problems.map(|_| problems.iter().map(problem).collect());
        Self { flake, outputs: Outputs { known, unknown }, problems, row }
    }

    fn outputs_page(&self, page: &mut Page) {
        page.gap();
        page.title("outputs");
        if self.outputs.known.is_empty() && self.outputs.unknown.is_empty() {
            page.line("  none");
        }
        for path in &self.outputs.known {
            page.line(format!("  {path}"));
        }
        for Unknown { path, reason } in &self.outputs.unknown {
            let path = if path.is_empty() { "all of them" } else { path };
            page.line(format!("  {path}: unknown, {reason}"));
        }
    }

    fn problems_page(&self, page: &mut Page) {
        if self.problems.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        page.gap();
        page.title("problems");
        let Some(problems) = &self.problems else {
            return page.line("  unknown: its machine has shared none");
        };
        for problem in problems {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            let path = for_people(&problem.path.path);
            page.line(format!("  {path}{line}: {}: {} [{}]", problem.severity, problem.message, problem.code));
        }
    }
}

impl Single for Shown {
    const NAME: &'static str = "flake-show";

    fn cells(&self) -> Vec<String> {
        let row = &self.row;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [row.id.to_string(), row.path.to_string(), text(&row.lineage), text(&row.description)].into()
    }

    fn page(&self, page: &mut Page) {
        let row = &self.row;
        page.title(for_people(row.path.text()));
        if let Some(description) = &row.description {
            page.field("description", description);
        }
        page.field("id", row.id.to_string());
        page.field("lineage", row.lineage.as_deref().unwrap_or("none: no remote says which project it is"));
        let version = row.lock_version.map_or_else(String::new, |version| format!(", format {version}"));
        page.field("inputs", format!("{}, {} locked{version}", row.inputs, plural(row.lock_nodes, "node")));
        if let Some(modified) = row.nixpkgs_last_modified {
            page.field("nixpkgs", format!("{} old", ago(modified.saturating_mul(1_000_000), page.now())));
        }
        page.field("first seen", time_for_people(row.discovered_at));
        page.field("changed", time_for_people(row.changed_at));
        if let Some(Succeeds { origin, stream, version, .. }) = &self.flake.succeeds {
            let origin = origin.get(..12).unwrap_or(origin);
            page.field("goes on from", format!("{stream}, event {version}, of origin {origin}"));
        }
        for (name, value) in &row.nix_config {
            page.field("nixConfig", format!("{name} = {value}"));
        }
        self.outputs_page(page);
        self.problems_page(page);
    }
}

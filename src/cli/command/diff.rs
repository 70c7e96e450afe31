//! `diff`: what differs between two moments.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

use super::Run;
use crate::app::moment::Moment;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::for_people;
use crate::cli::selector;
use crate::cli::text::{declared, source};
use crate::store::view::{self, Difference, FlakeRow, InputRow, LockNodeRow, Subject};

/// Show what differs between two moments
///
/// Flakes themselves are compared, their inputs and the nodes of their locks; outputs, problems, configurations and modules are not: `log`
/// tells of these. Moments are written as for `--at`: `yesterday`, `2026-11-01`, `#1200`, `@seen:3d`, `now`.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The earlier moment
    #[arg(value_name = "FROM")]
    from: Moment,
    /// The later moment
    #[arg(value_name = "TO", default_value = "now")]
    to: Moment,
    /// Only this flake: a path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE")]
    flake: Option<OsString>,
}

impl Run for Diff {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let mut reading = context.read()?;
        let (from, to) =
            (context.at(&self.from, &reading.ledger.reader)?, context.at(&self.to, &reading.ledger.reader)?);
        let flake = match &self.flake {
            None => None,
            Some(selector) => {
                reading.at = to;
                let found = selector::flake(&reading, selector, &context.directory).or_else(|failure| {
                    reading.at = from;
                    selector::flake(&reading, selector, &context.directory).map_err(|_| failure)
                })?;
                Some(found.id)
            }
        };
        let differences = view::diff(&reading.ledger.reader, from, to, flake)?;
        context.printer.answer(&Diffed { differences: differences.iter().map(Differing::of).collect() })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/diff/1`.
#[derive(Debug, Serialize)]
struct Diffed {
    differences: Vec<Differing>,
}

#[derive(Debug, Serialize)]
struct Differing {
    id: String,
    path: String,
    /// `flake`, `input` or `lock_node`.
    subject: &'static str,
    /// The input, or the input path of the node.
    name: Option<String>,
    from: Value,
    to: Value,
    #[serde(skip)]
    sentence: String,
}

impl Differing {
    fn of(difference: &Difference) -> Self {
        let (subject, name, from, to) = match &difference.subject {
            Subject::Flake { from, to } => ("flake", None, side(from.as_deref(), flake), side(to.as_deref(), flake)),
            Subject::Input { from, to } => {
                let name = to.as_ref().or(from.as_ref()).map(|row| row.name.clone());
                ("input", name, side(from.as_deref(), input), side(to.as_deref(), input))
            }
            Subject::Node { from, to } => {
                let name = to.as_ref().or(from.as_ref()).and_then(|row| row.path.clone());
                ("lock_node", name, side(from.as_deref(), node), side(to.as_deref(), node))
            }
        };
        let sentence = sentence_of(&difference.subject, name.as_deref().unwrap_or_default());
        Self { id: difference.flake.to_string(), path: difference.path.clone(), subject, name, from, to, sentence }
    }
}

fn side<T>(row: Option<&T>, json: fn(&T) -> Value) -> Value {
    row.map_or(Value::Null, json)
}

fn flake(row: &FlakeRow) -> Value {
    json!({ "path": row.path.text(), "description": row.description, "lineage": row.lineage, "lock_version": row.lock_version,
            "nix_config": row.nix_config })
}

fn input(row: &InputRow) -> Value {
    json!({ "url": row.url, "attrs": row.attrs, "follows": row.follows, "flake": row.flake, "node": row.node,
            "locked": row.locked, "declared": row.declared })
}

fn node(row: &LockNodeRow) -> Value {
    json!({ "key": row.key, "locked": row.locked, "original": row.original, "flake": row.flake })
}

fn sentence_of(subject: &Subject, name: &str) -> String {
    match subject {
        Subject::Flake { from: None, .. } => "+ flake".to_owned(),
        Subject::Flake { to: None, .. } => "- flake".to_owned(),
        Subject::Flake { from: Some(from), to: Some(to) } => format!("~ flake {}", own_changes(from, to).join(", ")),
        Subject::Input { from: None, to: Some(to) } => format!("+ input {name} {}", written(to)),
        Subject::Input { from: Some(from), to: None } => format!("- input {name} {}", written(from)),
        Subject::Input { from, to } => {
            let side = |row: &Option<Box<InputRow>>| row.as_deref().map(written).unwrap_or_default();
            format!("~ input {name} {} → {}", side(from), side(to))
        }
        Subject::Node { from, to } => {
            let locked = |row: &LockNodeRow| row.locked.as_ref().map_or_else(|| "not locked".to_owned(), source);
            match (from, to) {
                (None, Some(to)) => format!("+ locked {name} {}", locked(to)),
                (Some(from), None) => format!("- locked {name} {}", locked(from)),
                (Some(from), Some(to)) => format!("~ locked {name} {} → {}", locked(from), locked(to)),
                (None, None) => format!("~ locked {name}"),
            }
        }
    }
}

/// What of a flake itself is otherwise, before and after.
fn own_changes(from: &FlakeRow, to: &FlakeRow) -> Vec<String> {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    let version = |version: Option<u64>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let mut told = Vec::new();
    let mut tell = |what: &str, from: String, to: String| {
        if from != to {
            told.push(format!("{what} {from} → {to}"));
        }
    };
    tell("path", for_people(from.path.text()), for_people(to.path.text()));
    tell("description", text(&from.description), text(&to.description));
    tell("lineage", text(&from.lineage), text(&to.lineage));
    tell("lock version", version(from.lock_version), version(to.lock_version));
    let names: BTreeSet<&String> = from.nix_config.keys().chain(to.nix_config.keys()).collect();
    for name in names {
        tell(
            &format!("nixConfig.{name}"),
            text(&from.nix_config.get(name).cloned()),
            text(&to.nix_config.get(name).cloned()),
        );
    }
    told
}

fn written(row: &InputRow) -> String {
    let locked = row.locked.as_ref().map(|locked| format!(" ({})", source(locked))).unwrap_or_default();
    declared(row.url.as_deref(), row.attrs.as_ref(), row.follows.as_deref(), row.declared) + &locked
}

impl Answer for Diffed {
    const NAME: &'static str = "diff";
    type Record = Differing;

    fn records(&self) -> &[Differing] {
        &self.differences
    }

    fn cells(differing: &Differing) -> Vec<String> {
        let name = differing.name.clone().unwrap_or_default();
        let (from, to) = (differing.from.to_string(), differing.to.to_string());
        [differing.id.clone(), differing.path.clone(), differing.subject.into(), name, from, to].into()
    }

    fn page(&self, page: &mut Page) {
        if self.differences.is_empty() {
            page.line("no flake, input or lock node differs");
        }
        let mut last = None;
        let inputs: HashSet<(&str, Option<&str>)> = self
            .differences
            .iter()
            .filter(|differing| differing.subject == "input")
            .map(|differing| (differing.id.as_str(), differing.name.as_deref()))
            .collect();
        // What a flake's own input is locked to is told with the input.
        let told = |differing: &&Differing| {
            differing.subject == "lock_node" && inputs.contains(&(differing.id.as_str(), differing.name.as_deref()))
        };
        for differing in self.differences.iter().filter(|differing| !told(differing)) {
            if last != Some(&differing.path) {
                page.title(for_people(&differing.path));
                last = Some(&differing.path);
            }
            page.line(format!("  {}", differing.sentence));
        }
    }
}

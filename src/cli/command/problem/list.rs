//! `problem list`: every open problem, with the file and line to go to.

use std::collections::HashMap;
use std::ffi::OsString;

use serde::Serialize;

use crate::app::moment::ago;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::machine::Names;
use crate::cli::path::{PathFields, for_people};
use crate::cli::selector;
use crate::cli::text::plural;
use crate::domain::id::FlakeId;
use crate::store::view::{self, ProblemRow, Whose, rfc3339};

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those of this flake: a path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE")]
    flake: Option<OsString>,
    /// Show the problems on every machine that shares them
    #[arg(long, conflicts_with = "flake")]
    all_origins: bool,
}

impl List {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reading = context.read()?;
        let reader = &reading.ledger.reader;
        let directories: HashMap<FlakeId, String> = view::flakes(reader, Whose::All, reading.at)?
            .into_iter()
            .map(|flake| (flake.id, flake.path.text().to_owned()))
            .collect();
        let now = context.now(reading.at);
        let whose = if self.all_origins { Whose::All } else { Whose::Own };
        let rows = match &self.flake {
            Some(named) => {
                view::problems_of(reader, selector::flake(&reading, named, &context.directory)?.id, reading.at)?
            }
            None => view::problems(reader, whose, reading.at)?,
        };
        let machines = self.all_origins.then(|| view::freshness(reader)).transpose()?.map(|all| Names::of(&all));
        let own = reading.ledger.origin();
        let problems = rows.into_iter().map(|row| Problem::of(row, &directories, own)).collect();
        context.printer.answer(&Problems { problems, machines, now })
    }
}

/// `cim-nix/problem-list/1`, by file and line.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the words of the document")]
struct Problems {
    problems: Vec<Problem>,
    /// What they are called, when the problems of all are shown.
    #[serde(skip)]
    machines: Option<Names>,
    /// What ages count to.
    #[serde(skip)]
    now: i64,
}

#[derive(Debug, Serialize)]
struct Problem {
    /// The flake whose file it is; none for a file without one.
    flake: Option<String>,
    flake_path: Option<String>,
    origin: String,
    #[serde(skip)]
    own: bool,
    #[serde(flatten)]
    path: PathFields,
    line: Option<u32>,
    code: String,
    severity: &'static str,
    message: String,
    since: String,
    fingerprint: String,
    #[serde(skip)]
    at: i64,
}

impl Problem {
    fn of(row: ProblemRow, directories: &HashMap<FlakeId, String>, own: &str) -> Self {
        Self {
            flake: row.flake.map(|flake| flake.to_string()),
            flake_path: row.flake.and_then(|flake| directories.get(&flake).cloned()),
            own: row.origin == own,
            origin: row.origin,
            path: PathFields::from(&row.path),
            line: row.line,
            code: row.code,
            severity: row.severity.name(),
            message: row.message,
            since: rfc3339(row.since),
            fingerprint: row.fingerprint,
            at: row.since,
        }
    }
}

impl Answer for Problems {
    const NAME: &'static str = "problem-list";
    type Record = Problem;

    fn records(&self) -> &[Problem] {
        &self.problems
    }

    fn cells(problem: &Problem) -> Vec<String> {
        let line = problem.line.map(|line| line.to_string()).unwrap_or_default();
        [
            problem.path.path.clone(),
            line,
            problem.severity.to_owned(),
            problem.code.clone(),
            problem.since.clone(),
            problem.message.clone(),
        ]
        .into()
    }

    fn page(&self, page: &mut Page) {
        if self.problems.is_empty() {
            page.line("no problem is open");
            return;
        }
        for problem in &self.problems {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            // Only paths of this machine lie in this user's home.
            let path = if problem.own { for_people(&problem.path.path) } else { problem.path.path.clone() };
            let machine = self.machines.as_ref().map(|names| format!(", on {}", names.get(&problem.origin)));
            let (code, age) = (&problem.code, ago(problem.at, self.now));
            let when = format!("[{code}, {age}{}]", machine.unwrap_or_default());
            page.line(format!("{path}{line}: {}: {} {when}", problem.severity, problem.message));
        }
        page.gap();
        page.line(plural(u64::try_from(self.problems.len()).unwrap_or(u64::MAX), "problem"));
    }
}

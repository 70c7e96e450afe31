//! `store export` and `store import`: every event as text, out and in.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::app::ledger::Ledger;
use crate::app::upkeep;
use crate::cli::answer::{Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::PathFields;
use crate::cli::text::plural;

#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The file to write; stdout when it is left out, or `-`
    #[arg(value_name = "FILE")]
    to: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "to")]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// What `store export` wrote
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

impl Export {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let ledger = context.read()?.ledger;
        let Some(to) = self.to.as_ref().filter(|to| *to != Path::new("-")) else {
            let exported = upkeep::export(&ledger, &mut context.printer.writer(), Path::new("stdout"));
            return match exported {
                Err(error) => Err(context.printer.take_unwritten().unwrap_or_else(|| error.into())),
                Ok(_) => Ok(ExitCode::SUCCESS),
            };
        };
        let to = context.directory.join(to);
        let to = to.canonicalize().unwrap_or(to);
        upkeep::refuse_itself(&ledger, &to)?;
        let draft = self.draft(&to)?;
        let written = write(&ledger, &draft, &to);
        if draft != to {
            let named = written.as_ref().map(|_| std::fs::rename(&draft, &to));
            if !matches!(named, Ok(Ok(()))) {
                // What is written by halves must not be taken for a copy.
                std::fs::remove_file(&draft).unwrap_or_default();
            }
            if let Ok(Err(error)) = named {
                return Err(Failure::file("write", &to, &error));
            }
        }
        let events = written?;
        context.printer.say(format!("`{}` holds {}", to.display(), plural(events.unsigned_abs(), "event")));
        context.printer.answer(&Exported { path: PathFields::from(to.as_path()), events })?;
        Ok(ExitCode::SUCCESS)
    }

    /// What is written first and gets its name when it is whole; a pipe or a device is written as it is.
    fn draft(&self, to: &Path) -> Result<PathBuf, Failure> {
        match std::fs::metadata(to) {
            Ok(found) if !found.is_file() && !found.is_dir() => Ok(to.to_owned()),
            Ok(_) if !self.force => Err(Failure::file("write", to, &rustix::io::Errno::EXIST.into())
                .hinted("name another file, or repeat with `--force`")),
            _ => {
                let mut name = to.as_os_str().to_owned();
                name.push(format!(".{}.new", std::process::id()));
                Ok(name.into())
            }
        }
    }
}

/// Writes the export; errors name the file that was asked for.
fn write(ledger: &Ledger, draft: &Path, to: &Path) -> Result<i64, Failure> {
    let failed = |error| Failure::file("write", to, &error);
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft).map_err(failed)?;
    let mut out = BufWriter::new(made);
    let events = upkeep::export(ledger, &mut out, to)?;
    out.flush().map_err(failed)?;
    // A pipe or a device has nothing to be synced.
    let synced = if draft == to { Ok(()) } else { out.get_ref().sync_all() };
    synced.map_err(failed).map(|()| events)
}

impl Import {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let from = context.directory.join(&self.from);
        // A file that is not there says nothing about the database.
        let file = File::open(&from).map_err(|error| Failure::file("read", &from, &error))?;
        let session = context.session()?;
        let done = upkeep::import(session, upkeep::Export::read(&from, file)?)?;
        let done = Imported { stored: done.stored, known: done.known, adopted: done.adopted };
        context.printer.answer(&done)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/store-export/1`, when a file was written.
#[derive(Debug, Serialize)]
struct Exported {
    #[serde(flatten)]
    path: PathFields,
    /// How many events it holds.
    events: i64,
}

impl Single for Exported {
    const NAME: &'static str = "store-export";

    fn cells(&self) -> Vec<String> {
        [self.path.path.clone(), self.events.to_string()].into()
    }
}

/// `cim-nix/store-import/1`.
#[derive(Debug, Serialize)]
struct Imported {
    /// How many events were new.
    stored: i64,
    /// How many were there already, and the same.
    known: i64,
    /// Whether an empty ledger became the exported one.
    adopted: bool,
}

impl Single for Imported {
    const NAME: &'static str = "store-import";

    fn cells(&self) -> Vec<String> {
        [self.stored.to_string(), self.known.to_string(), self.adopted.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        let stored = plural(self.stored.unsigned_abs(), "new event");
        page.line(format!("{stored}, {} were there already", self.known));
        if self.adopted {
            page.line("this ledger is the exported one now: put its key beside it before it shares anything");
        }
    }
}

//! `store backup` and `store restore`: copies of the database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::app::upkeep::{self, BackupOptions};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::text::bytes;

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// Copy the key as well; whoever has it can sign in this ledger's name
    #[arg(long)]
    with_key: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Replace the database that is there; it is kept under another name
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let to = context.directory.join(&self.to);
        if let Some(folder) = to.parent() {
            std::fs::read_dir(folder).map_err(|error| Failure::file("write into", folder, &error))?;
        }
        let options = BackupOptions { with_key: self.with_key, force: self.force };
        let done = upkeep::backup(&context.read()?.ledger, &to, options, &mut |_, _| {})?;
        let key = done.key.as_deref().map(shown);
        context.printer.answer(&BackedUp { path: shown(&done.path), bytes: done.bytes, position: done.head, key })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let from = context.directory.join(&self.from);
        // A file that is not there says nothing about the database.
        File::open(&from).map_err(|error| Failure::file("read", &from, &error))?;
        let done = upkeep::restore(&from, &context.settings.db, self.force, context.clock.now())?;
        let path = shown(&context.settings.db);
        let kept = done.kept.as_deref().map(shown);
        context.printer.answer(&Restored { path, position: done.head, kept, key: done.key })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// `cim-nix/store-backup/1`.
#[derive(Debug, Serialize)]
struct BackedUp {
    path: String,
    bytes: u64,
    /// The position of its newest event.
    position: i64,
    /// Where the key was copied to.
    key: Option<String>,
}

impl Answer for BackedUp {
    const NAME: &'static str = "store-backup";
    type Record = Self;

    fn records(&self) -> &[Self] {
        std::slice::from_ref(self)
    }

    fn cells(done: &Self) -> Vec<String> {
        [done.path.clone(), done.bytes.to_string(), done.position.to_string()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(format!("`{}` holds everything up to event #{} ({})", self.path, self.position, bytes(self.bytes)));
        match &self.key {
            Some(key) => page.line(format!("`{key}` is the key: keep it private")),
            None => page.line("the key is not copied: `--with-key` does, for a place that is private"),
        }
    }
}

/// `cim-nix/store-restore/1`.
#[derive(Debug, Serialize)]
struct Restored {
    path: String,
    /// The position of its newest event.
    position: i64,
    /// Where the database that was there lies now.
    kept: Option<String>,
    /// Whether the key of the ledger is beside it.
    key: bool,
}

impl Answer for Restored {
    const NAME: &'static str = "store-restore";
    type Record = Self;

    fn records(&self) -> &[Self] {
        std::slice::from_ref(self)
    }

    fn cells(done: &Self) -> Vec<String> {
        [done.path.clone(), done.position.to_string(), done.kept.clone().unwrap_or_default()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(format!("`{}` is restored, up to event #{}", self.path, self.position));
        if let Some(kept) = &self.kept {
            page.line(format!("`{kept}` is what was there before"));
        }
        if !self.key {
            page.line("its key is not there: nothing can be shared until it is put back, the rest works");
        }
    }
}

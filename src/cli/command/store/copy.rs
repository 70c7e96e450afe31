//! `store backup` and `store restore`: copies of the database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::app::upkeep::{self, Agreed, Agreement, BackupOptions};
use crate::cli::answer::{Page, Single};
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
        let (agreed, withdrawn) = (Consent::of(&done.agreed), done.withdrawn.as_ref().map(Consent::of));
        context.printer.answer(&Restored { path, position: done.head, kept, key: done.key, agreed, withdrawn })?;
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

impl Single for BackedUp {
    const NAME: &'static str = "store-backup";

    fn cells(&self) -> Vec<String> {
        [self.path.clone(), self.bytes.to_string(), self.position.to_string()].into()
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
    /// What its user agreed to, and is in force.
    agreed: Consent,
    /// What was agreed to when the backup was taken, and not in the database that was there, and so not now; null when there was
    /// none that told.
    withdrawn: Option<Consent>,
}

/// What a user agreed to.
#[derive(Debug, Serialize)]
struct Consent {
    /// To synchronise.
    sync: bool,
    /// To share problems.
    findings: bool,
    /// To share generations and channels.
    system: bool,
    /// The roots.
    roots: Vec<String>,
}

impl Consent {
    fn of(agreed: &Agreed) -> Self {
        let to = |agreement| agreed.to.contains(&agreement);
        Self {
            sync: to(Agreement::Sync),
            findings: to(Agreement::Findings),
            system: to(Agreement::System),
            roots: agreed.roots.iter().map(|root| shown(root)).collect(),
        }
    }

    /// In words for people; none when it is nothing.
    fn said(&self) -> Option<String> {
        let named = [
            (self.sync, "to synchronise"),
            (self.findings, "to share problems"),
            (self.system, "to share generations and channels"),
        ];
        let to = named.into_iter().filter(|(agreed, _)| *agreed).map(|(_, to)| to.to_owned());
        let roots = self.roots.iter().map(|root| format!("to share `{root}`"));
        let all: Vec<String> = to.chain(roots).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl Single for Restored {
    const NAME: &'static str = "store-restore";

    fn cells(&self) -> Vec<String> {
        [self.path.clone(), self.position.to_string(), self.kept.clone().unwrap_or_default()].into()
    }

    fn page(&self, page: &mut Page) {
        page.line(format!("`{}` is restored, up to event #{}", self.path, self.position));
        if let Some(kept) = &self.kept {
            page.line(format!("`{kept}` is what was there before"));
        }
        if !self.key {
            page.line("its key is not there: nothing can be shared until it is put back, the rest works");
        }
        match &self.withdrawn {
            Some(withdrawn) => {
                if let Some(what) = withdrawn.said() {
                    page.line(format!(
                        "not agreed to in the database that was there, and so not now: {what}; `cim-nix sync enable` agrees to it"
                    ));
                }
            }
            None => {
                if let Some(what) = self.agreed.said() {
                    page.line(format!(
                        "agreed to when the backup was taken, and in force: {what}; `cim-nix sync disable` and \
                         `cim-nix roots unshare` take that back"
                    ));
                }
            }
        }
    }
}

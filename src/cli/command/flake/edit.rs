//! The commands that edit a `flake.nix`: what they share, and what they answer.

use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::app::Session;
use crate::app::edit::{self, Done, Draft, LockState, Locking, Proposal, Unrecorded, Writing};
use crate::app::scan::ScanRequest;
use crate::cli::answer::{Page, Single};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::path::PathFields;
use crate::cli::table::clean;

pub(super) mod dedupe;
pub(super) mod inputs;
pub(super) mod new;
pub(super) mod update;

/// How an edit is made.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// The directory of the flake, or its `flake.nix`
    #[arg(long, value_name = "PATH", default_value = ".")]
    flake: PathBuf,
    #[command(flatten)]
    how: How,
}

/// How an edit is made, wherever the flake is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct How {
    /// Show the change and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave `flake.lock` alone; without this, Nix brings it up to date where there is one
    #[arg(long)]
    no_lock: bool,
}

impl How {
    /// How drafts are written.
    pub(crate) fn writing<'a>(&self, desk: &'a Desk) -> Writing<'a> {
        let locking = if self.no_lock { Locking::Never } else { Locking::WhereNixIs };
        Writing { session: desk.session.as_ref(), scan: &desk.scan, locking, search: std::env::var_os("PATH") }
    }
}

impl Options {
    fn flake(&self, context: &Context<'_>) -> PathBuf {
        context.directory.join(&self.flake)
    }
}

/// What is now and what would be, in the words of one command: `added`, `would add`.
pub(crate) struct Words {
    pub(crate) done: String,
    pub(crate) planned: String,
}

impl Words {
    /// `("added", "add")`, and what.
    pub(super) fn of((done, planned): (&str, &str), what: &str) -> Self {
        Self { done: format!("{done} {what}"), planned: format!("would {planned} {what}") }
    }
}

/// An edit has no past to look at.
pub(crate) fn refuse_past(context: &Context<'_>) -> Result<(), Failure> {
    if context.global.at.is_some() {
        return Err(Failure::new(Kind::Usage, "a file is edited as it is now: `--at` means nothing here")
            .hinted("leave `--at` out"));
    }
    Ok(())
}

/// Where edits are recorded and how they are observed.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The ledger, when there is one: an edit does not make it.
    pub(crate) session: Option<Session>,
    pub(crate) scan: ScanRequest,
}

impl Desk {
    /// Opens the ledger; when nothing is written, nothing needs it.
    pub(crate) fn open(context: &mut Context<'_>, dry_run: bool) -> Result<Self, Failure> {
        let scan = context.scan_request()?;
        let wanted = !dry_run && context.has_ledger();
        Ok(Self { session: wanted.then(|| context.session()).transpose()?, scan })
    }
}

/// Writes a draft, or only shows it, and answers.
pub(crate) fn finish(
    context: &mut Context<'_>,
    desk: &Desk,
    draft: &Draft,
    how: &How,
    words: &Words,
    proposals: Option<&[Proposal]>,
) -> Result<(), Failure> {
    let mut edited = Edited::of(draft, &context.directory, how.dry_run, proposals);
    if draft.is_empty() && proposals.is_some_and(<[_]>::is_empty) {
        // The page says why.
    } else if draft.is_empty() {
        edited.sentences.push("nothing to change: the file says it already".to_owned());
    } else if how.dry_run {
        edited.sentences.push(format!("{}; nothing was written", words.planned));
    } else {
        let done = edit::write(draft, &how.writing(desk))?;
        edited.written(&done, &words.done);
    }
    edited.sentences.extend(draft.notes.iter().map(ToString::to_string));
    edited.say(context)
}

/// `cim-nix/flake-edit/1`.
#[derive(Debug, Serialize)]
pub(super) struct Edited {
    #[serde(flatten)]
    path: PathFields,
    dry_run: bool,
    /// Whether the text is another, or would be.
    changed: bool,
    edits: Vec<Change>,
    diff: String,
    warnings: Vec<String>,
    notes: Vec<String>,
    lock: Lock,
    /// What `undo` takes.
    command_id: Option<String>,
    undoes: Option<String>,
    recorded: bool,
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposals: Option<Vec<dedupe::Line>>,
    #[serde(skip)]
    sentences: Vec<String>,
}

/// Bytes of the old text, and what comes in their place.
#[derive(Debug, Serialize)]
struct Change {
    start: usize,
    end: usize,
    text: String,
}

#[derive(Debug, Serialize)]
struct Lock {
    state: &'static str,
    reason: Option<String>,
}

impl Edited {
    fn of(draft: &Draft, directory: &Path, dry_run: bool, proposals: Option<&[Proposal]>) -> Self {
        let change = |edit: &edit::Edit| Change { start: edit.start, end: edit.end, text: edit.text.clone() };
        let said = |warnings: bool| {
            let notes = draft.notes.iter().filter(move |note| note.is_warning() == warnings);
            notes.map(ToString::to_string).collect()
        };
        Self {
            path: PathFields::from(draft.path.as_path()),
            dry_run,
            changed: !draft.is_empty(),
            edits: draft.edits.iter().map(change).collect(),
            diff: draft.diff(directory),
            warnings: said(true),
            notes: said(false),
            lock: Lock { state: "untouched", reason: None },
            command_id: None,
            undoes: draft.undoes.map(|command| command.to_string()),
            recorded: false,
            events: 0,
            proposals: proposals.map(|proposals| proposals.iter().map(dedupe::Line::of).collect()),
            sentences: Vec::new(),
        }
    }

    fn written(&mut self, done: &Done, what: &str) {
        self.command_id = done.command.map(|command| command.to_string());
        self.recorded = done.unrecorded.is_none();
        self.events = done.events;
        let back = match &self.command_id {
            Some(_) if done.for_good => String::new(),
            Some(command) if self.undoes.is_some() => format!("; `cim-nix undo {command}` makes it again"),
            Some(_) => "; `cim-nix undo` takes it back".to_owned(),
            None => String::new(),
        };
        self.sentences.push(format!("{what}{back}"));
        self.sentences.extend(done.unrecorded.as_ref().map(unrecorded));
        if done.for_good {
            self.warnings.push(for_good());
            self.sentences.push(for_good());
        }
        match &done.lock {
            LockState::Untouched => {}
            LockState::Fresh => self.lock.state = "fresh",
            LockState::Stale { why } => {
                self.lock = Lock { state: "stale", reason: Some(why.clone()) };
                let stale = format!("flake.lock does not say it yet: {why}; `nix flake lock` brings it up to date");
                self.warnings.push(stale.clone());
                self.sentences.push(stale);
            }
        }
    }

    fn say(self, context: &mut Context<'_>) -> Result<(), Failure> {
        context.printer.answer(&self)?;
        if context.printer.format() == Format::Human {
            context.printer.flush()?;
            for sentence in &self.sentences {
                context.printer.say(sentence);
            }
        }
        Ok(())
    }
}

/// Why the ledger knows of an edit and cannot take it back.
pub(crate) fn for_good() -> String {
    "what was replaced holds a secret, or what may be one by its name, and is not kept: `cim-nix undo` cannot take this back"
        .to_owned()
}

/// Why the ledger knows nothing of an edit.
pub(crate) fn unrecorded(why: &Unrecorded) -> String {
    let why = match why {
        Unrecorded::NoLedger => "there is no ledger yet; `cim-nix scan PATH` makes one",
        Unrecorded::NotScanned => "no scan comes by here; `cim-nix scan --explain PATH` says why",
        Unrecorded::Forgotten => "the flake is forgotten; `cim-nix scan PATH` remembers it",
    };
    format!("not recorded, so it cannot be undone: {why}")
}

impl Single for Edited {
    const NAME: &'static str = "flake-edit";

    fn cells(&self) -> Vec<String> {
        let changed = if self.changed { "changed" } else { "same" };
        let command = self.command_id.clone().unwrap_or_default();
        [self.path.path.clone(), changed.to_owned(), command, self.lock.state.to_owned()].into()
    }

    fn page(&self, page: &mut Page) {
        if let Some(proposals) = &self.proposals {
            dedupe::show(proposals, page);
        }
        show_diff(&self.diff, page);
    }
}

/// A diff, coloured as people know it.
pub(crate) fn show_diff(diff: &str, page: &mut Page) {
    let style = |line: &str| match line.as_bytes().first() {
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    };
    for line in diff.split_terminator('\n') {
        let style = style(line);
        // Tabs are what a line begins with; all else that moves the cursor is shown as what it is.
        let line: Vec<_> = line.split('\t').map(clean).collect();
        page.verbatim(&format!("{style}{}{style:#}\n", line.join("\t")));
    }
}

//! `flake history`: how locked inputs changed, as commits and scans tell it.

use std::ffi::OsString;

use serde::Serialize;

use crate::app::moment::{Written, for_people};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::sentence;
use crate::cli::text::{short, source};
use crate::cli::{known, selector, text};
use crate::domain::Attrs;
use crate::store::view::{self, HistoryFilter, HistoryRow, Source, rfc3339};

#[derive(Debug, clap::Args)]
pub(super) struct History {
    /// A path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE", default_value = ".")]
    flake: OsString,
    /// Only this input, as a path from the root: `nixpkgs`, `home-manager/nixpkgs`
    #[arg(long, value_name = "INPUT")]
    input: Option<String>,
    /// Only what changed at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<Written>,
    /// Only what changed before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Written>,
    /// At most so many changes, the latest ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl History {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let (since, until) = context.span(self.since.as_ref(), ("--until", self.until.as_ref()))?;
        let filter = HistoryFilter { input: self.input.clone(), since, until, limit: self.limit };
        let reading = context.read()?;
        let flake = selector::flake(&reading, &self.flake, &context.directory)?;
        let rows = view::history(&reading.ledger.reader, Some(flake.id), &filter, reading.at)?;
        if let Some(input) = self.input.as_deref().filter(|_| rows.is_empty()) {
            known::input(&reading.ledger.reader, flake.id, input, reading.at)?;
        }
        context.printer.answer(&Changes { changes: rows.into_iter().map(Change::of).collect() })
    }
}

/// `cim-nix/flake-history/1`, the latest change first.
#[derive(Debug, Serialize)]
struct Changes {
    changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    occurred_at: String,
    commit: Option<String>,
    author: Option<String>,
    input: String,
    node: String,
    from: Option<Attrs>,
    to: Option<Attrs>,
    event_id: String,
    summary: Option<String>,
    /// `git` for a commit, `seen` for what a scan saw in the working tree.
    source: &'static str,
    /// False for a commit that the branch no longer holds.
    reachable: bool,
    #[serde(skip)]
    at: i64,
}

impl Change {
    fn of(row: HistoryRow) -> Self {
        Self {
            occurred_at: rfc3339(row.occurred_at),
            commit: row.commit,
            author: row.author,
            input: row.input,
            node: row.node,
            from: row.from,
            to: row.to,
            event_id: row.event_id.to_string(),
            summary: row.summary,
            source: match row.source {
                Source::Git => "git",
                Source::Seen => "seen",
            },
            reachable: row.reachable,
            at: row.occurred_at,
        }
    }
}

impl Answer for Changes {
    const NAME: &'static str = "flake-history";
    type Record = Change;

    fn records(&self) -> &[Change] {
        &self.changes
    }

    fn cells(change: &Change) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let side = |attrs: &Option<Attrs>| attrs.as_ref().map(source).unwrap_or_default();
        let (from, to) = (side(&change.from), side(&change.to));
        [change.occurred_at.clone(), text(&change.commit), text(&change.author), change.input.clone(), from, to].into()
    }

    fn page(&self, page: &mut Page) {
        if self.changes.is_empty() {
            page.line("no change of a locked input is recorded");
            return;
        }
        let mut told: Option<(i64, Option<&str>)> = None;
        for change in &self.changes {
            let moment = (change.at, change.commit.as_deref());
            if told != Some(moment) {
                page.title(change.headline());
                told = Some(moment);
            }
            page.line(format!("  {}", sentence::change(&change.input, change.from.as_ref(), change.to.as_ref())));
        }
        page.gap();
        page.line(text::plural(u64::try_from(self.changes.len()).unwrap_or(u64::MAX), "change"));
    }
}

impl Change {
    fn headline(&self) -> String {
        let time = for_people(self.at);
        let Some(commit) = &self.commit else { return format!("{time}  seen by a scan") };
        let author = self.author.as_deref().unwrap_or("nobody");
        let gone = if self.reachable { "" } else { " (no longer in the branch)" };
        format!("{time}  {} {author}: {}{gone}", short(commit), self.summary.as_deref().unwrap_or_default())
    }
}

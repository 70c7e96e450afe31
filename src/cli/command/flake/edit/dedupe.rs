//! `flake dedupe`: one copy of what a lock holds more than once.

use serde::Serialize;

use super::{Desk, Options, Words, finish, refuse_past};
use crate::app::edit::{self, Proposal, Version};
use crate::cli::answer::Page;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::text::{plural, short};
use crate::store::view::rfc3339;

/// What to make one copy of.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Dedupe {
    /// Also where another branch was asked for, which is more likely to break
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    options: Options,
}

impl Dedupe {
    pub(in super::super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        refuse_past(context)?;
        let flake = self.options.flake(context);
        let proposals = edit::proposals(&flake, self.all)?;
        let draft = edit::draft(&flake, "dedupe", &edit::follow_all(&proposals))?;
        let count = plural(u64::try_from(proposals.len()).unwrap_or(u64::MAX), "input");
        let words = Words::of(("made", "make"), &format!("{count} follow others"));
        let desk = Desk::open(context, self.options.how.dry_run)?;
        finish(context, &desk, &draft, &self.options.how, &words, Some(&proposals))
    }
}

/// One proposal: what follows what, what that saves, and what it risks.
#[derive(Debug, Serialize)]
pub(in super::super) struct Line {
    input: String,
    target: String,
    source: String,
    /// Nodes that go from the lock.
    saves: Vec<String>,
    from: Side,
    to: Side,
    other_branch: bool,
}

#[derive(Debug, Serialize)]
struct Side {
    #[serde(rename = "ref")]
    reference: Option<String>,
    rev: Option<String>,
    modified_at: Option<String>,
}

impl Side {
    fn of(version: &Version) -> Self {
        let modified_at = version.modified.map(|seconds| rfc3339(seconds.saturating_mul(1_000_000)));
        Self { reference: version.reference.clone(), rev: version.rev.clone(), modified_at }
    }

    /// `nixos-unstable 0123abcd of 2026-11-02`
    fn text(&self) -> String {
        let branch = self.reference.as_deref().unwrap_or("the default branch");
        let rev = self.rev.as_deref().map(|rev| format!(" {}", short(rev))).unwrap_or_default();
        let day = self.modified_at.as_deref().and_then(|time| time.get(..10));
        format!("{branch}{rev}{}", day.map(|day| format!(" of {day}")).unwrap_or_default())
    }
}

impl Line {
    pub(super) fn of(proposal: &Proposal) -> Self {
        Self {
            input: proposal.path.clone(),
            target: proposal.target.clone(),
            source: proposal.source.clone(),
            saves: proposal.saves.clone(),
            from: Side::of(&proposal.from),
            to: Side::of(&proposal.to),
            other_branch: proposal.is_other_branch(),
        }
    }
}

pub(super) fn show(lines: &[Line], page: &mut Page) {
    if lines.is_empty() {
        page.line("no input of an input could follow one of this flake's own; `--all` looks at other branches as well");
    }
    for line in lines {
        page.title(format!("{} follows {}", line.input, line.target));
        let saves = if line.saves.is_empty() { "nothing, others need it".to_owned() } else { line.saves.join(", ") };
        page.line(format!("  saves  {saves} ({})", line.source));
        let branch = if line.other_branch { ": another branch" } else { "" };
        page.line(format!("  risks  it was tested with {} and gets {}{branch}", line.from.text(), line.to.text()));
    }
}

//! Rules on Nix text: what is wrong, why, and how it is mended.
//!
//! Pure: texts come in, findings go out. A rule is one file below `rules` and one line in `rules.rs`; command line,
//! documentation, `explain` and tests derive from what it says of itself. Must not know files, clocks, or the ledger.

mod attributes;
mod beside;
mod call;
mod dispatch;
mod finding;
mod fingerprint;
mod generated;
mod place;
mod report;
mod rule;
mod suppression;

pub mod fix;

pub mod flake;

pub mod rules;

pub use attributes::Attributes;
pub use beside::{Beside, Linked};
pub use call::Call;
pub use finding::{Finding, Fix, Meant, Place};
pub use report::{File, Report, replace};
pub use rule::{Check, Example, Rule, Safety, Selection};

use dispatch::Dispatch;

use crate::syntax::names::Names;
use crate::syntax::names::builtins::Release;
use crate::syntax::tree::{self, Tree};

/// Checks texts with one selection of rules.
#[derive(Debug)]
pub struct Linter {
    dispatch: Dispatch,
    /// The day as in `2026-11-28`: what suppressions that end are compared with.
    today: String,
    nix: Option<Release>,
}

impl Linter {
    /// A linter with these rules; `today` as in `2026-11-28`.
    pub fn new(selection: &Selection, today: impl Into<String>) -> Self {
        Self { dispatch: Dispatch::new(selection), today: today.into(), nix: selection.nix }
    }

    /// Every finding of one Nix text, in the order of the text, but those that are meant. Linear in its length.
    pub fn check(&self, text: &str) -> Vec<Finding> {
        self.check_beside(text, Beside::default())
    }

    /// The same, with the files that stand beside it.
    pub fn check_beside(&self, text: &str, beside: Beside<'_>) -> Vec<Finding> {
        open(self.check_as(&tree::parse(text), text, (false, beside)))
    }

    /// Every finding of a text that was parsed already, those that are meant among them.
    pub fn check_tree(&self, tree: &Tree, text: &str) -> Vec<Finding> {
        self.check_as(tree, text, (false, Beside::default()))
    }

    /// The same; whether the text is a `flake.nix` decides what some rules say of it.
    fn check_as(&self, tree: &Tree, text: &str, (flake, beside): (bool, Beside<'_>)) -> Vec<Finding> {
        let names = Names::of(tree, text);
        let file = File { text, tree, names: &names, flake, nix: self.nix, beside };
        let mut findings = self.dispatch.run(&file);
        suppression::apply(&file, &self.today, &self.dispatch, &mut findings, &mut []);
        generated::apply(&file, &mut findings);
        finish(&file, &mut findings);
        findings
    }
}

/// Leaves out what a comment says is meant.
pub fn open(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.meant.is_none());
    findings
}

/// Brings findings into the order of the text, and gives those that have none yet a place and a fingerprint.
fn finish(file: &File<'_>, findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| (a.start, a.end, a.rule.name).cmp(&(b.start, b.end, b.rule.name)));
    let same = |a: &Finding, b: &Finding| (a.start, a.end, a.rule.name) == (b.start, b.end, b.rule.name);
    findings.dedup_by(|a, b| same(a, b) && a.fingerprint == b.fingerprint);
    place::fill(file.text, findings.iter_mut().filter(|finding| finding.fingerprint.is_empty()));
    fingerprint::number(file, findings);
}

#[cfg(test)]
mod tests;

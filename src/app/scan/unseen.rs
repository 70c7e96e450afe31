//! Which rules had nothing to look at: a text that makes no sense as a whole, or beside it another one; a repository that
//! cannot be read. What they had found before stays open, for nobody knows whether it is still there.

use std::collections::HashSet;

use crate::domain::finding::{Finding, Open, Seen};
use crate::domain::flake::decide::NotUnderstood;
use crate::lint::{Check, Rule};
use crate::syntax::{graph, lock, tree};

/// How much there is of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sense {
    /// Nothing of it could be read.
    Unread,
    /// It has faults: what was meant is not known.
    Broken,
    /// It can be read, and is not what its name says.
    Other,
    /// All of it.
    Whole,
}

/// The lock, as `flake.nix` is compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// There is none.
    Missing,
    /// It, or `flake.nix`, makes no sense.
    NotCompared,
    /// Both do.
    Compared,
}

/// What there was to look at in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    text: Sense,
    lock: Lock,
    /// The rules on files and repositories whose question has no answer.
    unanswered: Vec<&'static str>,
}

impl Look {
    /// Everything.
    pub(super) const WHOLE: Self = Self { text: Sense::Whole, lock: Lock::Compared, unanswered: Vec::new() };

    /// A Nix file, which parses or does not.
    pub(super) fn at_nix(parses: bool) -> Self {
        Self { text: if parses { Sense::Whole } else { Sense::Broken }, ..Self::WHOLE }
    }

    /// The two files of a flake; of the lock whether it is there, and whether it could be read.
    pub(super) fn at_flake(not_understood: NotUnderstood, nix: &Seen, is_there: bool, is_read: bool) -> (Self, Self) {
        let parses = !nix.findings.iter().any(|finding| tree::FAULTS.contains(&&*finding.code));
        let nix = match (not_understood.nix, parses) {
            (false, _) => Sense::Whole,
            (true, true) => Sense::Other,
            (true, false) => Sense::Broken,
        };
        let text = match (not_understood.lock, is_read) {
            (false, _) => Sense::Whole,
            (true, true) => Sense::Broken,
            (true, false) => Sense::Unread,
        };
        let lock = match not_understood {
            _ if !is_there => Lock::Missing,
            NotUnderstood { nix: false, lock: false } => Lock::Compared,
            _ => Lock::NotCompared,
        };
        (Self { text: nix, lock, unanswered: Vec::new() }, Self { text, lock, unanswered: Vec::new() })
    }

    /// These rules have no answer to their question.
    pub(super) fn without(&mut self, rules: impl IntoIterator<Item = &'static str>) {
        self.unanswered.extend(rules);
    }

    /// Whether a rule would have found it, were it still there.
    fn shows(&self, code: &str) -> bool {
        match (code, Rule::named(code).map(|rule| &rule.check)) {
            (code, Some(Check::Scan)) => !self.unanswered.contains(&code),
            // These are what a text is searched for that makes no sense.
            (code, _) if tree::FAULTS.contains(&code) || lock::FAULTS.contains(&code) => self.text != Sense::Unread,
            // Without a lock there is nothing to compare with, and with one it is not missing.
            (code, _) if graph::COMPARED.contains(&code) => self.lock != Lock::NotCompared,
            ("no-lock", _) if self.lock != Lock::Missing => true,
            (_, Some(Check::Flake(_) | Check::FlakeReading)) => self.text == Sense::Whole,
            _ => self.text > Sense::Broken,
        }
    }

    /// What is open and was not looked for: all of it but what is seen anyway.
    pub(super) fn kept(&self, open: &Open, seen: &Seen) -> Vec<Finding> {
        if self.text == Sense::Whole && self.lock != Lock::NotCompared && self.unanswered.is_empty() {
            return Vec::new();
        }
        let found = seen.findings.iter().map(|finding| &finding.fingerprint);
        let found: HashSet<&String> = found.chain(seen.suppressed.iter().map(|finding| &finding.fingerprint)).collect();
        let hidden = |finding: &&Finding| !found.contains(&finding.fingerprint) && !self.shows(&finding.code);
        open.values().filter(hidden).cloned().collect()
    }
}

//! Locks with changes that are not committed.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "dirty-lock",
    summary: "a `flake.lock` that is not committed",
    why: "What is built here is not what others build. Commit it, or restore it with `git checkout HEAD -- flake.lock`.",
    bad: Example::Words("A `flake.lock` that `nix flake update` has just written."),
    good: Example::Words("The same after `git commit flake.lock`."),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

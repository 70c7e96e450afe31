//! The past of locks that cannot be read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "history-unreadable",
    summary: "a past that could not be read",
    why: "Git could not walk the commits of the lock. `git log flake.lock` there says more.",
    bad: Example::Words("A repository with a damaged pack."),
    good: Example::Words("A repository in which `git fsck` finds nothing."),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

//! Repositories that cannot be read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "git-unreadable",
    summary: "a repository that cannot be read",
    why: "The flake is recorded, but nothing is known of its remote, its head and its past; what was known of them stays. `git status` or `git fsck` there \
          says more, unless git names its objects with SHA-256: of those, cim-nix reads none.",
    bad: Example::Words("A `.git` whose files belong to another user."),
    good: Example::Words("A repository in which `git status` works."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

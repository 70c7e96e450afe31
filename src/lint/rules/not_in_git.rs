//! Files of a flake that git does not have.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "not-in-git",
    summary: "a file of a flake that is not added to git",
    why: "In a repository Nix sees only what git knows. Run `git add`; a commit is not needed.",
    bad: Example::Words("A new `flake.nix` that `git status` shows as untracked."),
    good: Example::Words("The same after `git add flake.nix`."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

//! What a merge left behind.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "conflict-marker",
    summary: "a merge conflict that was not resolved",
    why: "Nix refuses the file. Git left both sides of the conflict between markers; keep what is right and \
          take the markers out.",
    bad: Example::Nix("{\n<<<<<<< HEAD\n  a = 1;\n=======\n  a = 2;\n>>>>>>> theirs\n}"),
    good: Example::Nix("{\n  a = 2;\n}"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

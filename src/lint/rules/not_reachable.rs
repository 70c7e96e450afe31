//! Flakes whose place cannot be looked at.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "not-reachable",
    summary: "a flake whose place cannot be looked at",
    why: "It is neither there nor gone: a disk is not mounted, or a directory is closed. The ledger keeps it \
          as it was.",
    bad: Example::Words("A flake on a disk that is not mounted."),
    good: Example::Words("The same with the disk mounted."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

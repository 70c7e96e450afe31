//! Files that cannot be read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "unreadable",
    summary: "a file that cannot be read",
    why: "Nothing is known of what is in it; what it held when it could be read stays recorded. Look at its owner and its mode, and \
          at whether it is a file at all.",
    bad: Example::Words(
        "A `flake.nix` of mode 0000, one that is a named pipe, or a link to a disk that is not mounted.",
    ),
    good: Example::Words("A `flake.nix` that its owner can read."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};

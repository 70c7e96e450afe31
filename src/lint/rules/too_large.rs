//! Text longer than is read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "too-large",
    summary: "a file too large to be read",
    why: "Nothing in it was looked at. No file that people write is so long; a generated one should be data, \
          as JSON.",
    bad: Example::Words("A `flake.nix` of more than 16 MiB."),
    good: Example::Words("The same data in a JSON file that is read with `builtins.fromJSON`."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

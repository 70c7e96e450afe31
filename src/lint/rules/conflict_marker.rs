//! What a merge left behind.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "conflict-marker",
    summary: "a merge conflict that was left in the text",
    why: "Nix cannot parse it, and one of the two sides is not what was meant.",
    bad: Example::Nix("{\n<<<<<<< HEAD\n  a = 1;\n=======\n  a = 2;\n>>>>>>> topic\n}"),
    good: Example::Nix("{\n  a = 1;\n}"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

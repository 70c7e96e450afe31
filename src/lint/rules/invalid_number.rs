//! Numbers that Nix cannot hold.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "invalid-number",
    summary: "a number that Nix cannot hold",
    why: "Nix refuses the whole file. Whole numbers have 64 bits; write larger ones as strings.",
    bad: Example::Nix("9223372036854775808"),
    good: Example::Nix("9223372036854775807"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

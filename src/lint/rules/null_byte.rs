//! Null bytes in strings.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "null-byte",
    summary: "a null byte in a string",
    why: "Nix refuses the whole file: its strings end at the first null byte.",
    bad: Example::Nix("\"a\0b\""),
    good: Example::Nix("\"ab\""),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

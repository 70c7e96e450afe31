//! Arguments with the same name.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "duplicate-formal",
    summary: "a name that an argument pattern has twice",
    why: "Nix refuses the whole file. The name of the whole argument counts as well.",
    bad: Example::Nix("{ a, b }@a: b"),
    good: Example::Nix("{ a, b }@all: b"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "duplicated_param"), ("nixf", "parse-dup-formal")],
    check: Check::Reading,
};

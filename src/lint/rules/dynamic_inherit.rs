//! Computed names in `inherit`.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "dynamic-inherit",
    summary: "a computed name in `inherit`",
    why: "Nix refuses the whole file. Write a binding for a computed name.",
    bad: Example::Nix("s: x: { inherit (s) ${x}; }"),
    good: Example::Nix("s: x: { ${x} = s.${x}; }"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "inherit_dynamic")],
    check: Check::Reading,
};

//! Attributes that are defined twice.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "duplicate-attribute",
    summary: "an attribute that is defined twice",
    why: "Nix refuses the whole file. Only sets that are written out become one: `a.b = 1; a.c = 2;`.",
    bad: Example::Nix("{ a = 1; b = 2; a = 3; }"),
    good: Example::Nix("{ a.x = 1; b = 2; a.y = 3; }"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "duplicated_key"), ("nixf", "sema-duplicated-attrname")],
    check: Check::Reading,
};

//! Suppressions whose day has come.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "suppression-expired",
    summary: "a suppression whose day has come",
    why: "What it covers is reported again; the comment says until when it was meant.",
    bad: Example::Nix("# cim-nix: allow(empty-let) later until 2001-01-01\nlet in 1"),
    good: Example::Nix("# cim-nix: allow(empty-let) later until 9999-01-01\nlet in 1"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

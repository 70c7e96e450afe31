//! Suppressions that do not say why.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "suppression-without-reason",
    summary: "a suppression that does not say why",
    why: "Nobody can tell later whether it is still meant.",
    bad: Example::Nix("# cim-nix: allow(empty-let)\nlet in 1"),
    good: Example::Nix("# cim-nix: allow(empty-let) generated\nlet in 1"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

//! Suppressions of what is not there.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "suppression-unused",
    summary: "a suppression of something that is not there",
    why: "What it allowed was mended; the comment would hide the next one.",
    bad: Example::Nix("# cim-nix: allow(empty-let) generated\n1"),
    good: Example::Nix("# cim-nix: allow(empty-let) generated\nlet in 1"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

//! Comments to this program that it does not understand.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "suppression-malformed",
    summary: "a comment to cim-nix that it does not understand",
    why: "It was meant to allow something, and allows nothing.",
    bad: Example::Nix("# cim-nix: ignore\n1"),
    good: Example::Nix("# cim-nix: allow(url-literal) kept as upstream has it\nhttp://example.org"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};

//! Lock files of a version that Nix does not read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-version",
    summary: "a `flake.lock` of a version that is not known",
    why: "A newer Nix wrote it, or a very old one. Nix refuses what it does not know.",
    bad: Example::Flake { nix: "", lock: r#"{ "nodes": { "root": { } }, "root": "root", "version": 3 }"# },
    good: Example::Flake { nix: "", lock: r#"{ "nodes": { "root": { } }, "root": "root", "version": 7 }"# },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

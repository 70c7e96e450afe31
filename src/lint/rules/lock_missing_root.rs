//! Lock files without their root.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-missing-root",
    summary: "a `flake.lock` without its root node",
    why: "Nix begins at the root to find what each input is; without it the lock says nothing. Run `nix flake \
          lock`.",
    bad: Example::Flake { nix: "", lock: r#"{ "nodes": { }, "root": "root", "version": 7 }"# },
    good: Example::Flake { nix: "", lock: r#"{ "nodes": { "root": { } }, "root": "root", "version": 7 }"# },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

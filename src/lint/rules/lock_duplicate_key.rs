//! Keys that stand twice in a lock.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-duplicate-key",
    summary: "a key that stands twice in `flake.lock`",
    why: "Nix takes the last and says nothing. A merge joined both sides; run `nix flake lock`.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": { "root": { } }, "root": "root", "root": "root", "version": 7 }"#,
    },
    good: Example::Flake { nix: "", lock: r#"{ "nodes": { "root": { } }, "root": "root", "version": 7 }"# },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

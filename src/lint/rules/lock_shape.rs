//! Lock files whose parts are not what Nix reads.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-shape",
    summary: "a `flake.lock` with a part of the wrong shape",
    why: "Nix refuses the flake, or takes something else than was written. It was edited by hand or by a \
          program that does not know the format; run `nix flake lock`.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": { "root": { "inputs": [ ] } }, "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": { "root": { "inputs": { } } }, "root": "root", "version": 7 }"#,
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

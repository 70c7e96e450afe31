//! Conflict markers of git in a lock.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "conflict-markers",
    summary: "a merge conflict in `flake.lock` that was not resolved",
    why: "Nix cannot read the lock. Take one side with `git checkout --ours flake.lock`, then run `nix flake \
          lock`.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": { "root": { } },
<<<<<<< HEAD
  "root": "root",
=======
  "root": "top",
>>>>>>> theirs
  "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": { "root": { } },
  "root": "root",
  "version": 7 }"#,
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

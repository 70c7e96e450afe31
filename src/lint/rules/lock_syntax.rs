//! Lock files that are no JSON.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-syntax",
    summary: "a `flake.lock` that is not JSON",
    why: "Nix refuses the flake. Restore the file from git, or delete it and run `nix flake lock`, which takes \
          the newest of every input.",
    bad: Example::Flake { nix: "", lock: r#"{ "nodes": , "root": "root", "version": 7 }"# },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
    "original": { "type": "indirect", "id": "nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

//! Inputs of the lock that are no longer declared.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "input-not-declared",
    summary: "an input that is locked and no longer declared",
    why: "Nothing uses it any more; the next command of Nix takes it out.",
    bad: Example::Flake {
        nix: "{ outputs = _: { }; }",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
    "original": { "type": "indirect", "id": "nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; outputs = _: { }; }"#,
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
    "original": { "type": "indirect", "id": "nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

//! Locks made for other inputs than those declared.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "lock-stale",
    summary: "an input that was changed and not locked again",
    why: "The lock was made for another URL or another `follows` than `flake.nix` has now, or for a \
          `follows` that is gone from it; another spelling of the same, as of capitals, is another URL to Nix. The next command of Nix writes it anew, or fails \
          where that is not allowed, as in CI.",
    bad: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable"; outputs = _: { }; }"#,
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
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

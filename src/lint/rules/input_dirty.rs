//! Inputs locked from a tree that nobody else has.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "input-dirty",
    summary: "an input that was locked from uncommitted changes",
    why: "Nobody else can fetch it, and it is gone here once the store is cleaned. Commit the changes there, \
          then run `nix flake update`.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "git", "url": "file:///src/nixpkgs", "dirtyRev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7-dirty", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
    "original": { "type": "git", "url": "file:///src/nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
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

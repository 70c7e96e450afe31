//! Overrides of inputs that are not there.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "override-without-input",
    summary: "an override of an input that is not there",
    why: "The flake it is meant for has no such input, so nothing follows. It was renamed there, or taken out; \
          remove the line.",
    bad: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; inputs.nixpkgs.inputs.systems.follows = "x"; outputs = _: { }; }"#,
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

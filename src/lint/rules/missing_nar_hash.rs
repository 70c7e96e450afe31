//! Locked inputs without a hash of their content.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::graph;

pub(super) static RULE: Rule = Rule {
    name: "missing-nar-hash",
    summary: "a locked input without `narHash`",
    why: "The revision names the content, but nothing checks what the server sends, and it cannot be taken \
          from a cache. Run `nix flake update` with a Nix that writes the hash.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7" },
    "original": { "type": "indirect", "id": "nixpkgs" } },
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
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(lock) = view.lock else { return };
    for (path, key) in graph::paths(lock) {
        let Some(node) = lock.nodes.get(key) else { continue };
        let Some(locked) = &node.locked else { continue };
        if locked.contains_key("rev") && !locked.contains_key("narHash") {
            report.in_lock(node.span, format!("nothing checks the content of `{path}`: it has a revision but no hash"));
        }
    }
}

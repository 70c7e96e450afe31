//! Flakes without a lock.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "no-lock",
    summary: "a flake with inputs and without `flake.lock`",
    why: "Every machine takes whatever its inputs are at that moment. Run `nix flake lock` and commit the \
          file.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; outputs = _: { }; }"#, lock: "" },
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
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(flake) = view.flake.filter(|_| view.lock.is_none()) else { return };
    if flake.inputs.iter().any(|input| input.follows.is_none()) {
        report.in_nix(None, "there is no flake.lock; run `nix flake lock` to pin the inputs").about("");
    }
}

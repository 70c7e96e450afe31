//! Several copies of nixpkgs in one lock.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::lock::{LockFile, Node};
use crate::syntax::{dedupe, graph};

pub(super) static RULE: Rule = Rule {
    name: "duplicate-nixpkgs",
    summary: "an input that brings a nixpkgs of its own",
    why: "Each copy is downloaded and evaluated by itself, and what is built of two is built of two sets of \
          libraries. Let the input follow yours, unless its authors say that it works with theirs alone. As \
          `cim-nix flake dedupe` does, it looks for an input of yours that asks for the same branch; a copy of another branch, \
          which an input is more likely to need, is left alone.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs" } },
  "nixpkgs_2": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795089600 },
    "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs" } },
  "hm": { "inputs": { "nixpkgs": "nixpkgs_2" }, "locked": { "type": "github", "owner": "nix-community", "repo": "home-manager", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "nix-community", "repo": "home-manager" } },
  "root": { "inputs": { "home-manager": "hm", "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs" } },
  "hm": { "inputs": { "nixpkgs": [ "nixpkgs" ] }, "locked": { "type": "github", "owner": "nix-community", "repo": "home-manager", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "nix-community", "repo": "home-manager" } },
  "root": { "inputs": { "home-manager": "hm", "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("flake-edit", "follow")],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(lock) = view.lock else { return };
    for proposal in dedupe::propose(lock, false) {
        let Some((owner, name)) = proposal.path.split_once('/') else { continue };
        let Some(node) = node(lock, &[owner, name]).filter(|node| graph::is_nixpkgs(node)) else { continue };
        // What an input names beside its nixpkgs is meant.
        if is_second(lock, owner, name) {
            continue;
        }
        let (path, target) = (&proposal.path, &proposal.target);
        let line = format!("inputs.{owner}.inputs.{name}.follows = \"{target}\";");
        let message = format!("`{path}` is another copy of nixpkgs; `{line}` in flake.nix would make it the same");
        report.in_lock(node.span, message).about(path.as_str());
    }
}

fn node<'l>(lock: &'l LockFile, path: &[&str]) -> Option<&'l Node> {
    lock.nodes.get(graph::resolve(lock, path).ok()?)
}

/// Whether an input has this one beside one that is named `nixpkgs`, be it one that follows.
fn is_second(lock: &LockFile, owner: &str, name: &str) -> bool {
    name != "nixpkgs" && node(lock, &[owner]).is_some_and(|owner| owner.inputs.contains_key("nixpkgs"))
}

//! Several copies of nixpkgs in one lock.

use std::collections::BTreeMap;

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::graph;
use crate::syntax::lock::LockFile;

pub(super) static RULE: Rule = Rule {
    name: "duplicate-nixpkgs",
    summary: "an input that brings a nixpkgs of its own",
    why: "Each copy is downloaded and evaluated by itself, and what is built of two is built of two sets of \
          libraries. Let the input follow yours, unless its authors say that it works with theirs alone.",
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
    let mut paths = graph::paths(lock);
    let owners: BTreeMap<String, &str> = paths.iter().cloned().collect();
    paths.retain(|(_, key)| lock.nodes.get(*key).is_some_and(graph::is_nixpkgs));
    // What is pinned to one revision is so for one purpose.
    paths.retain(|(_, key)| !is_pinned(lock, key));
    let named = paths.iter().find(|(path, _)| path == "nixpkgs");
    let Some((target, _)) = named.or_else(|| paths.first()).cloned() else { return };
    // What the flake itself names twice, as stable and unstable, is meant, and so is what an input names beside its nixpkgs.
    let meant = |path: &str| {
        path.rsplit_once('/')
            .is_none_or(|(owner, name)| owners.get(owner).is_some_and(|owner| is_second(lock, owner, name)))
    };
    for (path, key) in paths.iter().filter(|(path, _)| !meant(path) && *path != target) {
        let line = format!("inputs.{}.follows = \"{target}\";", path.replace('/', ".inputs."));
        let message = format!("`{path}` is another copy of nixpkgs; `{line}` in flake.nix would make it the same");
        report.in_lock(lock.nodes.get(*key).and_then(|node| node.span), message).about(path.as_str());
    }
}

/// Whether an input has this one beside one that is named `nixpkgs`, be it one that follows.
fn is_second(lock: &LockFile, owner: &str, name: &str) -> bool {
    name != "nixpkgs" && lock.nodes.get(owner).is_some_and(|owner| owner.inputs.contains_key("nixpkgs"))
}

/// Whether its flake asks for one revision and no other, as for the tests of an old version.
fn is_pinned(lock: &LockFile, key: &str) -> bool {
    let original = lock.nodes.get(key).and_then(|node| node.original.as_ref());
    original.is_some_and(|original| original.contains_key("rev"))
}

//! A nixpkgs that was locked long ago.

use crate::domain::finding::Severity;
use crate::domain::shell;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::graph;

pub(super) static RULE: Rule = Rule {
    name: "nixpkgs-old",
    summary: "a locked nixpkgs that is older than 30 days",
    why: "Fixes of security faults reach a flake only when its nixpkgs is updated.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1792324800 },
    "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "nixpkgs": { "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "NixOS", "repo": "nixpkgs" } },
  "root": { "inputs": { "nixpkgs": "nixpkgs" } } },
  "root": "root", "version": 7 }"#,
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("flake-checker", "outdated")],
    check: Check::Flake(check),
};

/// How many days a nixpkgs may be old.
const MOST_DAYS: i64 = 30;
const SECONDS_PER_DAY: i64 = 86_400;

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let (Some(lock), Some(now)) = (view.lock, view.now) else { return };
    let Some((key, modified)) = graph::nixpkgs(lock) else { return };
    let days = now.saturating_sub(modified) / SECONDS_PER_DAY;
    if days <= MOST_DAYS {
        return;
    }
    let path = graph::paths(lock).into_iter().find(|(_, at)| *at == key).map_or(key.clone(), |(path, _)| path);
    let span = lock.nodes.get(&key).and_then(|node| node.span);
    let message = format!("`{path}` is {days} days old; run `nix flake update {}`", shell::argument(&path));
    report.in_lock(span, message).about(path);
}

//! Several copies of one repository in one lock.

use std::collections::BTreeMap;

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::graph;

pub(super) static RULE: Rule = Rule {
    name: "duplicate-input",
    summary: "a repository that is locked more than once",
    why: "Each copy is updated, downloaded and evaluated by itself. Let the inputs follow one of them.",
    bad: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "flake-utils": { "locked": { "type": "github", "owner": "numtide", "repo": "flake-utils", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "numtide", "repo": "flake-utils" } },
  "flake-utils_2": { "locked": { "type": "github", "owner": "numtide", "repo": "flake-utils", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "numtide", "repo": "flake-utils" } },
  "x": { "inputs": { "flake-utils": "flake-utils_2" }, "locked": { "type": "github", "owner": "a", "repo": "b", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "a", "repo": "b" } },
  "root": { "inputs": { "flake-utils": "flake-utils", "x": "x" } } },
  "root": "root", "version": 7 }"#,
    },
    good: Example::Flake {
        nix: "",
        lock: r#"{ "nodes": {
  "flake-utils": { "locked": { "type": "github", "owner": "numtide", "repo": "flake-utils", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "numtide", "repo": "flake-utils" } },
  "x": { "inputs": { "flake-utils": [ "flake-utils" ] }, "locked": { "type": "github", "owner": "a", "repo": "b", "rev": "5633bcff0c6162b9e4b5f1264264611e950c8ec7", "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "lastModified": 1795608000 },
    "original": { "type": "github", "owner": "a", "repo": "b" } },
  "root": { "inputs": { "flake-utils": "flake-utils", "x": "x" } } },
  "root": "root", "version": 7 }"#,
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("flake-edit", "follow")],
    check: Check::Flake(check),
};

/// How many paths of one repository are named.
const MOST_SHOWN: usize = 4;

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(lock) = view.lock else { return };
    let paths: BTreeMap<&str, String> = graph::paths(lock).into_iter().map(|(path, key)| (key, path)).collect();
    for group in graph::duplicates(lock) {
        let nodes =
            group.nodes.iter().filter_map(|key| Some((paths.get(key.as_str())?.as_str(), lock.nodes.get(key)?)));
        let nodes: Vec<_> = nodes.collect();
        let is_meant = nodes.iter().all(|(path, _)| !path.contains('/'));
        if is_meant || nodes.iter().any(|(_, node)| graph::is_nixpkgs(node)) {
            continue;
        }
        let mut all: Vec<_> = nodes.iter().take(MOST_SHOWN).map(|(path, _)| format!("`{path}`")).collect();
        all.extend((nodes.len() > MOST_SHOWN).then(|| format!("{} more", nodes.len() - MOST_SHOWN)));
        let span = nodes.iter().filter_map(|(_, node)| node.span).min();
        let message = format!("{} is locked {} times, as {}", group.key, nodes.len(), all.join(", "));
        report.in_lock(span, message).about(group.key);
    }
}

//! Fetches of a branch while Nix evaluates.

use super::fetcher;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "unpinned-fetch",
    summary: "a fetch of something that changes",
    why: "The URL names a branch or a newest release, so two evaluations an hour apart may differ. Name a \
          commit, and add `sha256`.",
    bad: Example::Nix(r#"import (fetchTarball "https://github.com/NixOS/nixpkgs/archive/nixos-unstable.tar.gz") { }"#),
    good: Example::Nix(
        r#"import (fetchTarball {
  url = "https://github.com/NixOS/nixpkgs/archive/5633bcff0c6162b9e4b5f1264264611e950c8ec7.tar.gz";
  sha256 = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}) { }"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["fetchTarball", "fetchurl"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(fetch) = fetcher::of(call, report).filter(|fetch| fetch.builtin && !fetch.has_hash()) else { return };
    if fetch.urls().first().is_some_and(|url| !fetcher::names_a_commit(url)) {
        report.at(call.range(), "what this fetches changes: its URL names no commit, and it has no `sha256`");
    }
}

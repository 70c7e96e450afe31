//! Hashes of what changes.

use super::fetcher::{self, FETCHERS};
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "moving-source",
    summary: "a hash of something that changes",
    why: "The next commit to the branch changes what is fetched, and the build fails because the hash is of \
          the old one; where the old one is in a cache, the build goes on with it and nobody notices. Name a \
          commit or a tag.",
    bad: Example::Nix(
        r#"{ fetchFromGitHub }: fetchFromGitHub {
  owner = "a";
  repo = "b";
  rev = "main";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    good: Example::Nix(
        r#"{ fetchFromGitHub }: fetchFromGitHub {
  owner = "a";
  repo = "b";
  rev = "5633bcff0c6162b9e4b5f1264264611e950c8ec7";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(FETCHERS, check),
};

const BRANCHES: &[&str] = &["HEAD", "develop", "main", "master", "trunk"];
/// Where the branch is a part of the path.
const FORGES: &[&str] = &["//github.com/", "//gitlab.com/", "//raw.githubusercontent.com/"];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(fetch) = fetcher::of(call, report).filter(|fetch| fetch.has_hash() && !fetch.builtin) else { return };
    let rev = fetch.set.and_then(|set| set.value("rev")).as_ref().and_then(text);
    let moves = rev.is_some_and(|rev| BRANCHES.contains(&rev.as_str()) || rev.starts_with("refs/heads/"));
    if moves || fetch.urls().first().is_some_and(|url| is_of_branch(url)) {
        report.at(call.range(), "this has a hash, but what it fetches changes with the next commit");
    }
}

/// Whether a URL leads to an archive or a file of a branch: the first name behind `owner/repo` and what kind it is.
fn is_of_branch(url: &str) -> bool {
    let Some(path) = FORGES.iter().find_map(|forge| url.split_once(forge)).map(|(_, path)| path) else { return false };
    let names: Vec<&str> = path.split('/').skip(2).filter(|name| !matches!(*name, "-" | "archive" | "raw")).collect();
    match names.as_slice() {
        ["refs", "heads", ..] => true,
        [branch, ..] => BRANCHES.contains(&branch.split('.').next().unwrap_or_default()),
        [] => false,
    }
}

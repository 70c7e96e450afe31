//! Fetches without a hash.

use super::fetcher::{self, FETCHERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "fetch-without-hash",
    summary: "a fetch that does not say what must come",
    why: "Whoever serves the URL decides what is built. In pure evaluation Nix refuses it. Add `hash`, which \
          Nix prints when it is wrong.",
    bad: Example::Nix(r#"{ fetchurl }: fetchurl { url = "https://example.org/x.tar.gz"; }"#),
    good: Example::Nix(
        r#"{ fetchurl }: fetchurl {
  url = "https://example.org/x.tar.gz";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(FETCHERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(fetch) = fetcher::of(call, report).filter(|fetch| !fetch.has_hash()) else { return };
    // Attributes that are taken over from elsewhere may be anything that names what comes.
    let known = fetch.set.as_ref().is_none_or(|set| !set.has("args") && !set.has("impureEnvVars"));
    // What has no commit in its URL is reported as what changes at any time.
    let pinned = fetch.urls().first().is_none_or(|url| fetcher::names_a_commit(url));
    if known && (pinned || !fetch.builtin) {
        report.at(call.range(), format!("`{}` takes whatever comes: it has no hash", call.name()));
    }
}

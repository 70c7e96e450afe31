//! Fetches over an open line.

use super::fetcher::{self, FETCHERS};
use super::reference::is_insecure;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "insecure-url",
    summary: "a fetch without encryption",
    why: "A hash tells when something else came, but everyone on the way sees what is fetched, and can keep it \
          from coming. Most servers have `https:`; `git:` can be replaced by it.",
    bad: Example::Nix(
        r#"{ fetchurl }: fetchurl {
  url = "http://example.org/x.tar.gz";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    good: Example::Nix(
        r#"{ fetchurl }: fetchurl {
  url = "https://example.org/x.tar.gz";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(FETCHERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(fetch) = fetcher::of(call, report) else { return };
    let urls = fetch.urls();
    if urls.first().is_some_and(|url| is_insecure(url)) {
        let severity = if fetch.has_hash() { Severity::Info } else { Severity::Warning };
        report.at(call.range(), "this is fetched over a line that anyone on the way can change").severity(severity);
    }
}

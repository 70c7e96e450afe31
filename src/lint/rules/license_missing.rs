//! Packages whose license is not said.

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "license-missing",
    summary: "a package without a license",
    why: "Nobody knows whether the package may be passed on, and settings that let only free packages in do \
          not see it.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  meta.description = "X";
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  meta.description = "X";
  meta.license = "mit";
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "license-missing")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    if !set.has("meta") {
        return;
    }
    let Some(missing) = package::meta_without(set, &["license"]) else { return };
    report.at(missing, "these attributes say nothing of the license");
}

//! Packages that nobody looks after.

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "maintainers-missing",
    summary: "a package without a maintainer",
    why: "Nobody is asked when the package breaks. Of use in nixpkgs and its like.",
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
  meta.maintainers = [ ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nixpkgs-hammering", "maintainers-missing")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    if !set.has("meta") {
        return;
    }
    let Some(missing) = package::meta_without(set, &["maintainers", "teams"]) else { return };
    report.at(missing, "these attributes name no maintainer");
}

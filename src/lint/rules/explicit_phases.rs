//! Packages that list their phases.

use super::option::name_range;
use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "explicit-phases",
    summary: "a package that lists its phases",
    why: "Every phase that is not in the list is left out, those that hooks add among them. Turn single ones \
          off, as with `dontBuild = true`.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  phases = [ "installPhase" ];
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  dontUnpack = true;
  dontBuild = true;
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "explicit-phases")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    if let Some(binding) = set.binding("phases") {
        let message = "a list of phases leaves out all others, those of hooks too; turn single ones off instead";
        report.at(name_range(binding), message);
    }
}

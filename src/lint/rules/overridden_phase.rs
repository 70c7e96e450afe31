//! Phases that do more than their name says.

use super::option::name_range;
use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "overridden-phase",
    summary: "a phase that is replaced and does more than is seen",
    why: "The one that is replaced also strips programs, moves documentation and mends the first lines of \
          scripts, or puts the patches in. Add to it by `preFixup`, `postFixup`, `prePatch` or `postPatch`, or \
          turn it off by `dontFixup` and `dontPatch`.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  fixupPhase = "true";
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  postFixup = "true";
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "fixup-phase")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for phase in ["fixupPhase", "patchPhase"] {
        if let Some(binding) = set.binding(phase) {
            report.at(name_range(binding), format!("`{phase}` does more than this; add to it before or after"));
        }
    }
}

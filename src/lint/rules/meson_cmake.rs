//! Packages with two tools that configure.

use super::option::name_range;
use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "meson-cmake",
    summary: "a package with both Meson and CMake",
    why: "The hook of one of them wins, mostly that of CMake. Say which is meant with `dontUseCmakeConfigure = \
          true` or `dontUseMesonConfigure = true`, or take CMake out: Meson seldom needs it.",
    bad: Example::Nix(
        r#"{ stdenv, meson, cmake }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInputs = [ meson cmake ];
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv, meson }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInputs = [ meson ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "meson-cmake")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let has = |tool: &str| package::lists(set, "nativeBuildInputs", &[tool]);
    if has("meson") && has("cmake") && !package::steers_hooks(set) {
        let range = set.binding("nativeBuildInputs").map(name_range);
        report.at(range.unwrap_or_else(|| call.range()), "both Meson and CMake would configure this package");
    }
}

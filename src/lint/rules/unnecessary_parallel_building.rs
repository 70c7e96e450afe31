//! Parallel building that is on already.

use rowan::ast::AstNode;

use super::certain::literal_bool;
use super::option::name_range;
use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "unnecessary-parallel-building",
    summary: "`enableParallelBuilding` where it is on already",
    why: "The hooks of CMake, Meson and Ninja build in parallel by themselves.",
    bad: Example::Nix(
        r#"{ stdenv, cmake }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInputs = [ cmake ];
  enableParallelBuilding = true;
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv, cmake }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  nativeBuildInputs = [ cmake ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("nixpkgs-hammering", "unnecessary-parallel-building")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(binding) = set.binding("enableParallelBuilding") else { return };
    let on = set.value("enableParallelBuilding");
    let on = on.is_some_and(|value| literal_bool(&value, report.names()) == Some(true));
    if on && !package::steers_hooks(set) && package::lists(set, "nativeBuildInputs", &["cmake", "meson", "ninja"]) {
        let whole = report.file.with_line(binding.syntax().text_range());
        let said = report.at(name_range(binding), "CMake, Meson and Ninja build in parallel by themselves");
        said.fix_to_review([replace(whole, "")]);
    }
}

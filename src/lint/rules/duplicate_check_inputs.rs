//! Inputs that stand in two lists.

use std::collections::BTreeSet;

use rowan::ast::AstNode;

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "duplicate-check-inputs",
    summary: "an input of the tests that is an input anyway",
    why: "What stands in `buildInputs` or `nativeBuildInputs` is there for the tests, too.",
    bad: Example::Nix(
        r#"{ stdenv, zlib }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  buildInputs = [ zlib ];
  checkInputs = [ zlib ];
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv, zlib }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  buildInputs = [ zlib ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "duplicate-check-inputs")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let of = |lists: &[&str]| -> Vec<_> { lists.iter().flat_map(|list| package::listed_always(set, list)).collect() };
    let both = [
        (of(&["checkInputs"]), of(&["buildInputs", "propagatedBuildInputs", "dependencies"])),
        (of(&["nativeCheckInputs"]), of(&["nativeBuildInputs", "propagatedBuildInputs", "dependencies"])),
    ];
    for (tests, inputs) in both {
        let texts: BTreeSet<&str> = inputs.iter().map(|(_, item)| report.text_of(item.syntax())).collect();
        for (name, item) in tests {
            if texts.contains(report.text_of(item.syntax())) {
                let message = format!("`{name}` is among the inputs of the build already");
                report.at(item.syntax().text_range(), message);
            }
        }
    }
}

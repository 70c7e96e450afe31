//! Names that hold the version.

use rnix::ast::Expr;
use rowan::ast::AstNode;

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "name-and-version",
    summary: "a package whose name holds its version",
    why: "With `pname` and `version` apart, tools that look for updates and overrides that change the version \
          find both.",
    bad: Example::Nix(
        r#"{ stdenv, version }: stdenv.mkDerivation {
  name = "x-${version}";
  version = "1";
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "name-and-version")],
    check: Check::Call(MAKERS, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(Expr::Str(name)) = set.value("name") else { return };
    let ends = report.text_of(name.syntax()).trim_end_matches('"').ends_with("-${version}");
    let named = set.has("pname");
    if ends && !named {
        report.at(name.syntax().text_range(), "write `pname` without the version; the name is made of both");
    }
}

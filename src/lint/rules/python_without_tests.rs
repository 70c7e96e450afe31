//! Python packages that nothing tests.

use super::certain::literal_bool;
use super::option::name_range;
use super::package::{self, PYTHON};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "python-without-tests",
    summary: "a Python package that is not tested at all",
    why: "A missing dependency shows only when somebody runs it. `pythonImportsCheck` with the name of the \
          module is the least.",
    bad: Example::Nix(
        r#"{ buildPythonPackage }: buildPythonPackage {
  pname = "x";
  version = "1";
  doCheck = false;
}"#,
    ),
    good: Example::Nix(
        r#"{ buildPythonPackage }: buildPythonPackage {
  pname = "x";
  version = "1";
  doCheck = false;
  pythonImportsCheck = [ "x" ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nixpkgs-hammering", "no-python-tests")],
    check: Check::Call(PYTHON, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(binding) = set.binding("doCheck") else { return };
    let off = set.value("doCheck");
    let off = off.is_some_and(|value| literal_bool(&value, report.names()) == Some(false));
    if off && !["pythonImportsCheck", "installCheckPhase", "passthru"].iter().any(|name| set.has(name)) {
        report.at(name_range(binding), "nothing tests this package; `pythonImportsCheck` is the least");
    }
}

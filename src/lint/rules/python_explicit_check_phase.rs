//! Python tests that are run by hand.

use super::option::name_range;
use super::package::{self, PYTHON};
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "python-explicit-check-phase",
    summary: "a `checkPhase` that runs only pytest",
    why: "`pytestCheckHook` among `nativeCheckInputs` does the same, and lets single tests be left out by \
          `disabledTests`.",
    bad: Example::Nix(
        r#"{ buildPythonPackage }: buildPythonPackage {
  pname = "x";
  version = "1";
  checkPhase = "pytest";
}"#,
    ),
    good: Example::Nix(
        r#"{ buildPythonPackage, pytestCheckHook }: buildPythonPackage {
  pname = "x";
  version = "1";
  nativeCheckInputs = [ pytestCheckHook ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "python-explicit-check-phase")],
    check: Check::Call(PYTHON, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(binding) = set.binding("checkPhase") else { return };
    let script = set.value("checkPhase").as_ref().and_then(text).unwrap_or_default();
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("runHook"));
    let runs_pytest = |line: &str| matches!(line.split(' ').next(), Some("pytest" | "py.test"));
    if lines.next().is_some_and(runs_pytest) && lines.next().is_none() {
        report.at(name_range(binding), "`pytestCheckHook` does this, and can leave single tests out");
    }
}

//! Python packages with the old name of their format.

use super::option::name_range;
use super::package::{self, PYTHON};
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "python-format",
    summary: "a Python package that says `format`",
    why: "`format` is on its way out: `pyproject = true` with `build-system` says the same of most packages.",
    bad: Example::Nix(
        r#"{ buildPythonPackage }: buildPythonPackage {
  pname = "x";
  version = "1";
  format = "pyproject";
}"#,
    ),
    good: Example::Nix(
        r#"{ buildPythonPackage }: buildPythonPackage {
  pname = "x";
  version = "1";
  pyproject = true;
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(PYTHON, check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    let Some(binding) = set.binding("format") else { return };
    match set.value("format").as_ref().and_then(text).as_deref() {
        Some("pyproject" | "flit") => {
            report.at(name_range(binding), "write `pyproject = true` and name the `build-system`")
        }
        Some("setuptools") => {
            report.at(name_range(binding), "write `pyproject = true` and name the `build-system`, mostly `setuptools`")
        }
        _ => return,
    };
}

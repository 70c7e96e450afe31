//! Imports of files that do not exist.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Linked, Report, Rule, Safety};
use crate::syntax::links::Link;

pub(super) static RULE: Rule = Rule {
    name: "import-not-there",
    summary: "an import of a file that does not exist",
    why: "Nix fails as soon as it comes to the import. The file was renamed, or was never added; a file that a machine makes \
          for itself, such as a hardware configuration, belongs beside the configuration or behind `builtins.pathExists`.",
    bad: Example::Beside("import ./lib.nix", ("./library.nix", "{ }")),
    good: Example::Beside("import ./lib.nix", ("./lib.nix", "{ }")),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Link(check),
};

fn check(link: &Link, linked: &Linked, report: &mut Report<'_, '_>) {
    // Whoever asks first may well know that it is missing.
    let asked = report.file.text.contains("pathExists") || report.file.text.contains("readDir");
    if link.written && matches!(linked, Linked::Missing) && !asked {
        report.at(link.at, format!("there is nothing at `{}`", link.path));
    }
}

//! Builds without a sandbox.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "sandbox-disabled",
    summary: "builds that are not kept from the machine",
    why: "A build reaches the network and every file its user can read, so what comes out depends on the \
          machine and on what others serve. Mend the package that needs it, or exempt it alone with \
          `__noChroot` and `\"relaxed\"`.",
    bad: Example::Nix("{ nix.settings.sandbox = false; }"),
    good: Example::Nix("{ nix.settings.sandbox = true; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["sandbox", "useSandbox"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::is(binding, false, report)
        && (option::ends(binding, &["nix", "settings", "sandbox"]) || option::ends(binding, &["nix", "useSandbox"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "builds are not kept from the network and the files of this machine");
    }
}

//! Root without a password.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "wheel-without-password",
    summary: "users who become root without a password",
    why: "Every program that such a user runs can become root, too.",
    bad: Example::Nix("{ security.sudo.wheelNeedsPassword = false; }"),
    good: Example::Nix("{ security.sudo.wheelNeedsPassword = true; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["wheelNeedsPassword"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::is(binding, false, report) && option::ends(binding, &["security", "*", "wheelNeedsPassword"]);
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "whatever a user of `wheel` runs can become root without a password");
    }
}

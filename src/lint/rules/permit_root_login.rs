//! Root by password over the network.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "permit-root-login",
    summary: "root who may log in by password",
    why: "Everyone in the world may try passwords of the one account whose name is known. Use `\"prohibit- \
          password\"` with keys, or `\"no\"` and `sudo`.",
    bad: Example::Nix(r#"{ services.openssh.settings.PermitRootLogin = "yes"; }"#),
    good: Example::Nix(r#"{ services.openssh.settings.PermitRootLogin = "prohibit-password"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["PermitRootLogin", "permitRootLogin"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::value(binding).and_then(|value| super::written::text(&value)).as_deref() == Some("yes")
        && (option::ends(binding, &["openssh", "settings", "PermitRootLogin"])
            || option::ends(binding, &["openssh", "permitRootLogin"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "root may log in over the network with a password");
    }
}

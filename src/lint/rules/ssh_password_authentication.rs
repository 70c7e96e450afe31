//! Passwords over the network.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "ssh-password-authentication",
    summary: "logins by password over the network",
    why: "Passwords can be tried by everyone who reaches the machine; keys cannot.",
    bad: Example::Nix("{ services.openssh.settings.PasswordAuthentication = true; }"),
    good: Example::Nix("{ services.openssh.settings.PasswordAuthentication = false; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["PasswordAuthentication", "passwordAuthentication"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::is(binding, true, report)
        && (option::ends(binding, &["openssh", "settings", "PasswordAuthentication"])
            || option::ends(binding, &["openssh", "passwordAuthentication"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "whoever reaches this machine may try passwords");
    }
}

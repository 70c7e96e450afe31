//! Machines without a firewall.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "firewall-disabled",
    summary: "a firewall that is turned off",
    why: "Every service of the machine that listens is open to everyone who reaches it. Open the ports that \
          are meant with `allowedTCPPorts`.",
    bad: Example::Nix("{ networking.firewall.enable = false; }"),
    good: Example::Nix("{ networking.firewall.allowedTCPPorts = [ 443 ]; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["enable"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::is(binding, false, report) && option::ends(binding, &["networking", "firewall", "enable"]);
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "every port of this machine that listens is open");
    }
}

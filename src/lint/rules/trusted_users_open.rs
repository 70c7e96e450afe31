//! Users as powerful as root.

use rnix::ast::AttrpathValue;

use super::option;
use super::written::{items, text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "trusted-users-open",
    summary: "every user made as powerful as root",
    why: "Trusted users choose caches and settings of the daemon, by which they become root. Name those who \
          may, or `@wheel`.",
    bad: Example::Nix(r#"{ nix.settings.trusted-users = [ "*" ]; }"#),
    good: Example::Nix(r#"{ nix.settings.trusted-users = [ "@wheel" ]; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["trusted-users", "trustedUsers"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::value(binding)
        .iter()
        .flat_map(items)
        .filter_map(|item| text(&item))
        .any(|user| user == "*" || user == "@users")
        && (option::ends(binding, &["nix", "settings", "trusted-users"])
            || option::ends(binding, &["nix", "trustedUsers"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "every user can become root: all of them are trusted by the Nix daemon");
    }
}

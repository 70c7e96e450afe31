//! Caches over an open line.

use rnix::ast::AttrpathValue;

use super::option;
use super::written::{items, text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "insecure-substituter",
    summary: "a binary cache that is reached without encryption",
    why: "Signatures keep others from changing what comes, but not from seeing it, nor from holding back what \
          is new. Use `https:`.",
    bad: Example::Nix(r#"{ nix.settings.substituters = [ "http://cache.example.org" ]; }"#),
    good: Example::Nix(r#"{ nix.settings.substituters = [ "https://cache.example.org" ]; }"#),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["substituters", "extra-substituters", "trusted-substituters", "binaryCaches"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::value(binding)
        .iter()
        .flat_map(items)
        .filter_map(|item| text(&item))
        .any(|url| super::reference::is_insecure(&url))
        && (option::ends(binding, &["nix", "settings", "*"]) || option::ends(binding, &["nix", "binaryCaches"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "a cache is reached over a line that anyone on the way can read");
    }
}

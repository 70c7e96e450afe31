//! Binaries that nobody signed.

use rnix::ast::AttrpathValue;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "unsigned-binaries",
    summary: "binaries that are taken without a signature",
    why: "Whoever serves a cache, or sits between it and here, chooses what runs. Sign what is copied, with \
          `nix store sign`, and name the key in `trusted-public-keys`.",
    bad: Example::Nix("{ nix.settings.require-sigs = false; }"),
    good: Example::Nix("{ nix.settings.require-sigs = true; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["require-sigs", "requireSignedBinaryCaches"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let found = option::is(binding, false, report)
        && (option::ends(binding, &["nix", "settings", "require-sigs"])
            || option::ends(binding, &["nix", "requireSignedBinaryCaches"]));
    if found && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "binaries are taken from anyone, without a signature");
    }
}

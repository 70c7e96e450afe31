//! State versions that change by themselves.

use rnix::ast::{AttrpathValue, Expr};

use super::option;
use super::written::last_name;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "moving-state-version",
    summary: "a `stateVersion` that changes with every update",
    why: "It says in which version data on the disk was made; when it moves by itself, services look for their \
          data where it is not. Write the release that the machine was installed with, and leave it.",
    bad: Example::Nix("{ config, ... }: { system.stateVersion = config.system.nixos.release; }"),
    good: Example::Nix(r#"{ system.stateVersion = "26.05"; }"#),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[],
    check: Check::Binding(&["stateVersion"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let Some(value @ Expr::Select(_)) = option::value(binding) else { return };
    let moving = last_name(&value).is_some_and(|name| matches!(name.as_str(), "release" | "version" | "codeName"));
    let of_machine =
        option::ends(binding, &["system", "stateVersion"]) || option::ends(binding, &["home", "stateVersion"]);
    if moving && of_machine && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "this changes with every update; write the release of the installation");
    }
}

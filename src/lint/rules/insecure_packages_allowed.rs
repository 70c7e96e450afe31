//! Packages that nixpkgs refuses to build.

use rnix::ast::{AttrpathValue, Expr};

use super::certain::literal_bool;
use super::option;
use super::written::items;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "insecure-packages-allowed",
    summary: "packages that nixpkgs refuses for good reason",
    why: "A package that is marked insecure has a known hole and no fix; one that is broken does not work, and \
          all of them are let through at once. Name single ones, say why beside it, and look again at every \
          update.",
    bad: Example::Nix("{ nixpkgs.config.allowBroken = true; }"),
    good: Example::Nix("{ nixpkgs.config.allowUnfree = true; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(
        &["allowBroken", "allowInsecure", "allowInsecurePredicate", "permittedInsecurePackages"],
        check,
    ),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let Some(value) = option::value(binding) else { return };
    let allowed = match &value {
        Expr::Lambda(predicate) => {
            predicate.body().is_some_and(|body| literal_bool(&body, report.names()) == Some(true))
        }
        Expr::List(_) | Expr::BinOp(_) => !items(&value).is_empty(),
        _ => literal_bool(&value, report.names()) == Some(true),
    };
    if allowed && !option::is_for_show(binding) {
        report.at(option::name_range(binding), "this lets packages through that nixpkgs refuses as insecure or broken");
    }
}

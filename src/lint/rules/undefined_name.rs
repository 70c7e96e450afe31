//! Names that nothing defines.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Meaning;

pub(super) static RULE: Rule = Rule {
    name: "undefined-name",
    summary: "a name that nothing defines",
    why: "Nix refuses the file as soon as it is parsed, even when the name stands in a part that is never evaluated. \
          Names inside `with` are not reported: they may come from it.",
    bad: Example::Nix("{ pkgs }: [ pkgs.hello lib.version ]"),
    good: Example::Nix("{ pkgs, lib }: [ pkgs.hello lib.version ]"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "undefined_name"), ("nixf", "sema-undefined-variable")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    for name in report.names().uses.iter().filter(|name| name.meaning == Meaning::Undefined) {
        report.at(name.range, format!("`{}` is not defined here", name.name));
    }
}

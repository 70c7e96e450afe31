//! `with` inside `with`.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "nested-with",
    summary: "a `with` inside another one, where a name may come from both",
    why: "The inner one wins, silently: when its set gains an attribute, a name below changes its meaning. Name the \
          set where the name is used, or bind the names by `inherit (…)` in a `let`.",
    bad: Example::Nix("{ lib, pkgs }: with lib; { a = with pkgs; [ hello ]; }"),
    good: Example::Nix("{ lib, pkgs }: with lib; { a = [ pkgs.hello version ]; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let names = report.names();
    for with in names.withs.iter().filter(|with| with.uses > 0) {
        let Some(outer) = with.outer.and_then(|outer| names.with(outer)) else { continue };
        let message =
            format!("names below may come from `{}` as well", super::writing::brief(report.text(outer.namespace)));
        report.at(with.namespace, message);
    }
}

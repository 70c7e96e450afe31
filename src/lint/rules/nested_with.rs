//! `with` inside `with`.

use std::collections::BTreeMap;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::WithId;

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
    // How many stand inside each; one finding for the one outside, which the names can be told from.
    let mut inside: BTreeMap<WithId, usize> = BTreeMap::new();
    for outer in names.withs.iter().filter(|with| with.uses > 0).filter_map(|with| with.outer) {
        *inside.entry(outer).or_default() += 1;
    }
    for (outer, count) in inside {
        let Some(with) = names.with(outer) else { continue };
        let message = match count {
            1 => "another `with` stands inside this one; names there may come from both".to_owned(),
            _ => format!("{count} `with` stand inside this one; names there may come from both"),
        };
        report.at(with.namespace, message);
    }
}

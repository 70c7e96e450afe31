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
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let names = report.names();
    // How many stand inside each of those that stand in none: one finding each, however deep they are nested.
    let mut inside: BTreeMap<WithId, usize> = BTreeMap::new();
    let mut outermost: Vec<Option<WithId>> = Vec::with_capacity(names.withs.len());
    for with in &names.withs {
        let outer = with.outer.map(|outer| outermost.get(outer.index()).copied().flatten().unwrap_or(outer));
        outermost.push(outer);
        if let Some(outer) = outer.filter(|_| with.uses > 0) {
            *inside.entry(outer).or_default() += 1;
        }
    }
    for (outer, count) in inside {
        let Some(with) = names.with(outer) else { continue };
        let message = match count {
            1 => "another `with` stands inside this one; names there may come from both".to_owned(),
            _ => format!("{count} `with` stand inside this one; names there may come from several"),
        };
        report.at(with.namespace, message);
    }
}

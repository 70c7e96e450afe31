//! `with` whose attributes nothing uses.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "unused-with",
    summary: "a `with` that brings in nothing that is used",
    why: "Every name below it is bound elsewhere. The `with` makes readers, and tools, look for names where none \
          come from.",
    bad: Example::Nix("{ lib }: with lib; lib.version"),
    good: Example::Nix("{ lib }: lib.version"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("nil", "unused_with"), ("nixf", "sema-extra-with")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    for with in report.names().withs.iter().filter(|with| with.uses == 0) {
        let before_body = report.file.until_body(with.range, with.namespace);
        let said = report.at(with.namespace, "no name below comes from this `with`");
        if let Some(range) = before_body {
            said.fix([replace(range, "")]);
        }
    }
}

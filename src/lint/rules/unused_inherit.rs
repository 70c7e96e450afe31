//! Names that `let` inherits and nothing uses.

use super::dead::{edits, report_dead};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Binder;

pub(super) static RULE: Rule = Rule {
    name: "unused-inherit",
    summary: "a name that `let` inherits and nothing uses",
    why: "It is brought in for nothing; a reader looks for where it is used. In a set the same `inherit` makes an \
          attribute, which others may use, so only those of `let` are reported.",
    bad: Example::Nix("{ lib }: let inherit (lib) mkIf mkForce; in mkIf"),
    good: Example::Nix("{ lib }: let inherit (lib) mkIf; in mkIf"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("deadnix", "unused let binding"), ("nil", "unused_binding")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    report_dead(report, Binder::LetInherit, edits);
}

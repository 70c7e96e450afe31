//! Bindings of `let` that nothing uses.

use super::dead::{edits, report_dead};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Binder;

pub(super) static RULE: Rule = Rule {
    name: "unused-let",
    summary: "a binding of `let` that nothing uses",
    why: "Nix never evaluates it; a reader looks for what it is good for. What only unused bindings use is not used \
          either. A name that begins with `_` is taken for one that is not used on purpose.",
    bad: Example::Nix("let\n  used = 1;\n  unused = 2;\nin\nused"),
    good: Example::Nix("let\n  used = 1;\nin\nused"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("deadnix", "unused let binding"), ("nil", "unused_binding"), ("nixf", "sema-unused-def-let")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    report_dead(report, Binder::Let, edits);
}

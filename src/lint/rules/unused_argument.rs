//! Arguments that the function does not use.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::Binder;

pub(super) static RULE: Rule = Rule {
    name: "unused-argument",
    summary: "an argument that the function does not use",
    why: "It has to be there, since others call the function with it. `_`, or a name that begins with it, says that \
          it is not used on purpose.",
    bad: Example::Nix("final: prev: { hello = prev.hello; }"),
    good: Example::Nix("_: prev: { hello = prev.hello; }"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("deadnix", "unused lambda argument"), ("nixf", "sema-unused-def-lambda-noarg-formal")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let names = report.names();
    // An argument `_` would hide what they mean.
    let underscore_is_used = names.uses.iter().any(|name| name.name == "_");
    for argument in &names.definitions {
        if argument.binder != Binder::Argument || argument.uses > 0 || argument.name.starts_with('_') {
            continue;
        }
        let said = report.at(argument.range, format!("`{}` is never used", argument.name));
        if !underscore_is_used {
            said.fix([replace(argument.range, "_")]);
        }
    }
}

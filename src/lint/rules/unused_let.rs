//! Bindings of `let` that nothing uses.

use rnix::TextRange;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::Binder;

pub(super) static RULE: Rule = Rule {
    name: "unused-let",
    summary: "a binding of `let` that nothing uses",
    why: "Nix never evaluates it; a reader looks for what it is good for. A name that begins with `_` is taken for \
          one that is not used on purpose.",
    bad: Example::Nix("let\n  used = 1;\n  unused = 2;\nin\nused"),
    good: Example::Nix("let\n  used = 1;\nin\nused"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("deadnix", "unused let binding"), ("nil", "unused_binding"), ("nixf", "sema-unused-def-let")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let names = report.names();
    for (at, definition) in names.definitions.iter().enumerate() {
        if definition.binder != Binder::Let || definition.uses > 0 || definition.name.starts_with('_') {
            continue;
        }
        let parts = names.also.iter().filter(|(id, _)| id.index() == at).map(|(_, entry)| *entry);
        let entries: Vec<TextRange> = std::iter::once(definition.entry).chain(parts).collect();
        let edits: Vec<_> = entries.iter().map(|entry| replace(report.file.with_line(*entry), "")).collect();
        report.at(definition.range, format!("`{}` is never used", definition.name)).fix(edits);
    }
}

//! Builtins that are used as if they were seen everywhere.

use rnix::SyntaxKind::NODE_INHERIT;

use super::certain::node_at;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::names::{Meaning, builtins};

pub(super) static RULE: Rule = Rule {
    name: "builtin-needs-prefix",
    summary: "a builtin without `builtins.` in front",
    why: "Only a few builtins are seen everywhere; this one is an attribute of `builtins`, and Nix refuses the file.",
    bad: Example::Nix("attrNames { }"),
    good: Example::Nix("builtins.attrNames { }"),
    severity: Severity::Error,
    fix: Safety::Review,
    on: true,
    alike: &[("nixf", "sema-primop-needs-prefix")],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let names = report.names();
    let hidden = names.definitions.iter().any(|definition| definition.name == "builtins");
    for name in names.uses.iter().filter(|name| name.meaning == Meaning::Undefined) {
        if builtins::named(name.name).is_none() {
            continue;
        }
        let inherited = node_at(report.file, name.range).and_then(|node| node.parent());
        let inherited = inherited.is_some_and(|parent| parent.kind() == NODE_INHERIT);
        let said =
            report.at(name.range, format!("`{0}` is not defined here; the builtin is `builtins.{0}`", name.name));
        if !inherited && !hidden {
            said.fix([replace(name.range, format!("builtins.{}", name.name))]);
        }
    }
}

//! `elem name (attrNames set)`.

use super::certain::{bare, call, library_name};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "elem-of-attr-names",
    summary: "a search for a name among all names of a set",
    why: "Nix makes a list of all names and walks it. `set ? ${name}`, or `builtins.hasAttr name set`, looks it up.",
    bad: Example::Nix("name: set: builtins.elem name (builtins.attrNames set)"),
    good: Example::Nix("name: set: set ? ${name}"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["elem"], check),
};

fn check(elem: &Call, report: &mut Report<'_, '_>) {
    let arguments = elem.arguments();
    let [_, list] = arguments.as_slice() else { return };
    if elem.function().and_then(|function| library_name(&function)).is_none() {
        return;
    }
    let (inner, of) = call(&bare(list.clone()));
    if of.len() == 1 && library_name(&inner).as_deref() == Some("attrNames") {
        report.at(elem.whole().text_range(), "`set ? ${name}` looks the name up without a list of all names");
    }
}

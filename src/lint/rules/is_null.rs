//! `isNull a`.

use rnix::ast::Apply;
use rowan::ast::AstNode;

use super::certain::{builtin_name, has_comment};
use super::writing::{EQUALITY, at_least, brief, put_text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "is-null",
    summary: "the deprecated `isNull`",
    why: "`a == null` says the same; Nix calls the function deprecated.",
    bad: Example::Nix("a: isNull a"),
    good: Example::Nix("a: a == null"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    if !report.file.text.contains("isNull") {
        return;
    }
    // Where `null` means something else, nobody can write it.
    let own = report.names().definitions.iter().any(|definition| definition.name == "null");
    for apply in report.file.tree.root().syntax().descendants().filter_map(Apply::cast) {
        let name = apply.lambda().and_then(|function| builtin_name(&function, report.names()));
        let Some(argument) = apply.argument().filter(|_| name.as_deref() == Some("isNull")) else { continue };
        let text = format!("{} == null", at_least(EQUALITY + 1, &argument, report));
        let edit = put_text(apply.syntax(), EQUALITY, &text, report);
        let said = report.at(apply.syntax().text_range(), format!("this is `{}`", brief(&text)));
        if !own && !has_comment(&apply) {
            said.fix([edit]);
        }
    }
}

//! Licenses of GNU that do not say whether later versions are meant.

use rnix::SyntaxKind;
use rnix::ast::AttrpathValue;
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "unclear-gpl",
    summary: "a license of GNU that is not clear",
    why: "`gpl2` may be `gpl2Only` or `gpl2Plus`, which is not the same to those who pass it on.",
    bad: Example::Nix("{ lib }: { meta.license = lib.licenses.gpl2; }"),
    good: Example::Nix("{ lib }: { meta.license = lib.licenses.gpl2Plus; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "unclear-gpl")],
    check: Check::Binding(&["license"], check),
};

const UNCLEAR: &[&str] = &["agpl3", "fdl11", "fdl12", "fdl13", "gpl1", "gpl2", "gpl3", "lgpl2", "lgpl21", "lgpl3"];

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let Some(value) = binding.value() else { return };
    if !report.text_of(value.syntax()).contains("gpl") && !report.text_of(value.syntax()).contains("fdl") {
        return;
    }
    for name in value.syntax().descendants().filter(|node| node.kind() == SyntaxKind::NODE_IDENT) {
        let text = report.text_of(&name);
        if UNCLEAR.contains(&text) {
            report.at(name.text_range(), format!("say which is meant: `{text}Only` or `{text}Plus`"));
        }
    }
}

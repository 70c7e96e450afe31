//! `rec` sets whose attributes do not use each other.

use rnix::SyntaxKind::{NODE_ATTR_SET, TOKEN_COMMENT, TOKEN_L_BRACE, TOKEN_REC};
use rnix::{SyntaxNode, TextRange};

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "unused-rec",
    summary: "a `rec` set whose attributes do not use each other",
    why: "Without `rec` the same names mean what they mean around the set, and nobody has to look whether one of \
          them is an attribute.",
    bad: Example::Nix("{ version }: rec { pname = \"hello\"; inherit version; }"),
    good: Example::Nix("{ version }: { pname = \"hello\"; inherit version; }"),
    severity: Severity::Warning,
    fix: Safety::Safe,
    on: true,
    alike: &[("nil", "unused_rec"), ("nixf", "sema-extra-rec")],
    check: Check::Node(&[NODE_ATTR_SET], check),
};

fn check(set: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(rec) = set.first_token().filter(|token| token.kind() == TOKEN_REC) else { return };
    let names = report.names();
    let Some(scope) = names.scope_at(set.text_range()).filter(|scope| scope.uses == 0) else { return };
    // In a `rec` set alone, Nix takes this attribute for a way to override the others.
    if names.definitions_of(scope).any(|(_, definition)| definition.name == "__overrides") {
        return;
    }
    let mut between = set.children_with_tokens().take_while(|part| part.kind() != TOKEN_L_BRACE);
    let commented = between.any(|part| part.kind() == TOKEN_COMMENT);
    let brace = set.children_with_tokens().find(|part| part.kind() == TOKEN_L_BRACE);
    let said = report.at(rec.text_range(), "no attribute of this `rec` set is used by another");
    if let Some(brace) = brace.filter(|_| !commented) {
        said.fix([replace(TextRange::new(rec.text_range().start(), brace.text_range().start()), "")]);
    }
}

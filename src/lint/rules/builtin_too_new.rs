//! Builtins that the oldest Nix which the text is for does not have.

use rnix::SyntaxKind::{NODE_INHERIT, NODE_SELECT};
use rnix::SyntaxNode;
use rnix::ast::Attr;
use rowan::ast::AstNode;

use super::unknown_builtin::{is_looked_for, taken};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::builtins;

pub(super) static RULE: Rule = Rule {
    name: "builtin-too-new",
    summary: "a builtin that the oldest Nix in use does not have",
    why: "Evaluation fails there. The setting `rules.nix` says which Nix that is, 2.18 in the examples; without it nothing is found. What is \
          looked for first, with `builtins ? name` or `or`, is not reported.",
    bad: Example::Nix("builtins.convertHash { }"),
    good: Example::Nix("builtins.convertHash or null"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Node(&[NODE_SELECT, NODE_INHERIT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(oldest) = report.file.nix else { return };
    for attr in taken(node, report) {
        let Attr::Ident(name) = attr else { continue };
        let range = name.syntax().text_range();
        let text = report.text(range);
        let too_new = builtins::named(text).filter(|builtin| builtin.since > oldest);
        if let Some(builtin) = too_new
            && !is_looked_for(report, text)
        {
            report.at(range, format!("`builtins.{text}` came with Nix {}, and {oldest} is in use", builtin.since));
        }
    }
}

//! Sets whose bindings are in no order.

use rnix::ast::{AttrSet, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "alphabetical-bindings",
    summary: "a set whose attributes are not in the order of the alphabet",
    why: "In order, an attribute is found at a glance. Most sets are ordered by meaning, so this is off: it is for files \
          that are lists of packages or options.",
    bad: Example::Nix("{ b = 1; a = 2; }"),
    good: Example::Nix("{ a = 2; b = 1; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nix-linter", "AlphabeticalBindings")],
    check: Check::Node(&[SyntaxKind::NODE_ATTR_SET], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(set) = AttrSet::cast(node.clone()) else { return };
    let paths: Vec<_> = set.attrpath_values().filter_map(|binding| binding.attrpath()).collect();
    let texts: Vec<String> = paths.iter().map(|path| path.syntax().text().to_string().to_lowercase()).collect();
    for ((path, text), before) in paths.iter().zip(&texts).skip(1).zip(&texts) {
        if text < before {
            report.at(path.syntax().text_range(), format!("`{}` belongs before `{before}`", path.syntax().text()));
            return;
        }
    }
}

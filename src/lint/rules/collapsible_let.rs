//! A `let` whose body is only another `let`.

use std::collections::HashSet;

use rnix::ast::{Entry, Expr, HasEntry, LetIn};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::writing::token;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "collapsible-let",
    summary: "a `let` whose body is only another `let`",
    why: "The bindings of one `let` see each other, so one is enough. Nothing is said where both bind the same name, or \
          where the first uses a name that the second would then bind.",
    bad: Example::Nix("let\n  a = 1;\nin\nlet\n  b = a;\nin\nb"),
    good: Example::Nix("let\n  a = 1;\n  b = a;\nin\nb"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("statix", "collapsible_let_in"), ("nix-linter", "SequentialLet")],
    check: Check::Node(&[SyntaxKind::NODE_LET_IN], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(outer) = LetIn::cast(node.clone()) else { return };
    let Some(Expr::LetIn(inner)) = outer.body() else { return };
    let (Some(first), Some(second)) = (bound(&outer), bound(&inner)) else { return };
    let inside = inner.syntax().text_range();
    let between = TextRange::new(node.text_range().start(), inside.start());
    if first.is_empty() || second.is_empty() || !first.is_disjoint(&second) || uses(&second, between, report) {
        return;
    }
    let (Some(end), Some(begin)) = (token(node, SyntaxKind::TOKEN_IN), token(inner.syntax(), SyntaxKind::TOKEN_LET))
    else {
        return;
    };
    let seam = TextRange::new(end.text_range().start(), begin.text_range().end());
    let (end, begin) = (report.file.with_line(end.text_range()), report.file.with_line(begin.text_range()));
    // Comments between the two stay; without any, the seam is one.
    let edits = if report.text(seam).split_whitespace().eq(["in", "let"]) {
        vec![replace(report.file.with_line(seam), "")]
    } else {
        vec![replace(end, ""), replace(begin, "")]
    };
    report.at(inside, "this `let` can be one with the `let` around it").fix(edits);
}

/// The names of a `let`; none when one of them is computed.
fn bound(block: &LetIn) -> Option<HashSet<String>> {
    let mut names = HashSet::new();
    for entry in block.entries() {
        match entry {
            Entry::AttrpathValue(binding) => {
                names.insert(attr_name(&binding.attrpath()?.attrs().next()?)?);
            }
            Entry::Inherit(inherit) => {
                for attr in inherit.attrs() {
                    names.insert(attr_name(&attr)?);
                }
            }
        }
    }
    Some(names)
}

/// Whether one of the names is used within the range.
fn uses(names: &HashSet<String>, range: TextRange, report: &Report<'_, '_>) -> bool {
    let uses = &report.names().uses;
    let from = uses.partition_point(|name| name.range.start() < range.start());
    let within = uses.iter().skip(from).take_while(|name| name.range.start() < range.end());
    within.into_iter().any(|name| names.contains(name.name))
}

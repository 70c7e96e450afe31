//! `{ a = 1; } // { b = 2; }`.

use std::collections::HashSet;

use rnix::ast::{AttrSet, BinOp, BinOpKind, Entry, Expr, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::writing::seam;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "set-literal-update",
    summary: "two set literals that are joined",
    why: "One literal says the same, and Nix then refuses an attribute that is written twice. Nothing is said where \
          both have an attribute, where one is `rec`, or where a name is computed.",
    bad: Example::Nix("{ a = 1; } // { b = 2; }"),
    good: Example::Nix("{ a = 1; b = 2; }"),
    severity: Severity::Info,
    fix: Safety::Safe,
    on: true,
    alike: &[("nix-linter", "SetLiteralUpdate")],
    check: Check::Node(&[SyntaxKind::NODE_BIN_OP], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(operation) = BinOp::cast(node.clone()) else { return };
    let Some(BinOpKind::Update) = operation.operator() else { return };
    let (Some(Expr::AttrSet(left)), Some(Expr::AttrSet(right))) = (operation.lhs(), operation.rhs()) else { return };
    let (Some(first), Some(second)) = (names(&left), names(&right)) else { return };
    if first.is_empty() || second.is_empty() || !first.is_disjoint(&second) {
        return;
    }
    let (Some(close), Some(open)) = (left.r_curly_token(), right.l_curly_token()) else { return };
    let edit = seam(close.text_range(), open.text_range(), report);
    let said = report.at(node.text_range(), "these two sets can be written as one");
    if let Some(edit) = edit {
        said.fix([edit]);
    }
}

/// The names of a set; none when it is `rec` or one of them is computed.
fn names(set: &AttrSet) -> Option<HashSet<String>> {
    if set.rec_token().is_some() {
        return None;
    }
    let mut names = HashSet::new();
    for entry in set.entries() {
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

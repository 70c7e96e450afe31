//! A `rec` set that is written in several parts.

use std::collections::HashSet;

use rnix::ast::{AttrpathValue, Expr};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::GreenNodeData;
use rowan::ast::AstNode;

use super::certain::bare;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::tree::{attr_name, green};

pub(super) static RULE: Rule = Rule {
    name: "merged-rec-set",
    summary: "a `rec` set that is written in several parts",
    why: "Nix makes one set of the parts, and the first part alone decides whether it is `rec` as a whole: names in one \
          part then mean something else than what is written around them. Write the set in one place.",
    bad: Example::Nix("{ a = rec { x = 1; }; a.y = 2; }"),
    good: Example::Nix("{ a = rec { x = 1; y = 2; }; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "merge_rec_attrset"), ("nil", "merge_plain_rec_attrset"), ("nixf", "merge-diff-rec")],
    check: Check::Node(&[SyntaxKind::NODE_ATTR_SET, SyntaxKind::NODE_LET_IN], check),
};

/// Longer paths are compared by their beginning.
const MAX_PATH: usize = 16;

struct Part {
    path: Vec<String>,
    range: TextRange,
    recursive: bool,
}

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    // Most sets have none.
    if !green::nodes(node.green()).any(|(_, binding)| green::nodes(binding).last().is_some_and(may_be_rec)) {
        return;
    }
    let bindings = node.children().filter_map(AttrpathValue::cast);
    let is_rec = |value: &Expr| matches!(bare(value.clone()), Expr::AttrSet(set) if set.rec_token().is_some());
    if !bindings.clone().any(|binding| binding.value().is_some_and(|value| is_rec(&value))) {
        return;
    }
    let parts: Vec<Part> = bindings
        .filter_map(|binding| {
            let (path, value) = (binding.attrpath()?, binding.value()?);
            let names: Option<Vec<_>> = path.attrs().take(MAX_PATH).map(|attr| attr_name(&attr)).collect();
            Some(Part { path: names?, range: path.syntax().text_range(), recursive: is_rec(&value) })
        })
        .collect();
    let recursive: HashSet<&[String]> = parts.iter().filter(|part| part.recursive).map(|part| &*part.path).collect();
    let mut seen: HashSet<&[String]> = HashSet::new();
    for part in &parts {
        let mut beginnings = (1..=part.path.len()).filter_map(|length| part.path.get(..length));
        let before = beginnings.clone().any(|beginning| recursive.contains(beginning) && seen.contains(beginning));
        let after = part.recursive && seen.contains(part.path.as_slice());
        if before || after {
            let message = format!("a part of `{}` is written elsewhere, and one of them is `rec`", part.path.join("."));
            report.at(part.range, message);
        }
        while let Some(beginning) = beginnings.next_back() {
            seen.insert(beginning);
        }
    }
}

fn may_be_rec((kind, value): (SyntaxKind, &GreenNodeData)) -> bool {
    let is_rec = || green::tokens(value).any(|(kind, _)| kind == SyntaxKind::TOKEN_REC);
    kind == SyntaxKind::NODE_PAREN || (kind == SyntaxKind::NODE_ATTR_SET && is_rec())
}

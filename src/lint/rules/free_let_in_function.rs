//! Bindings in a function that do not depend on its argument.

use rnix::ast::{Expr, HasEntry, Lambda};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::writing::brief;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Meaning;

pub(super) static RULE: Rule = Rule {
    name: "free-let-in-function",
    summary: "a binding in a function that does not depend on its argument",
    why: "Nix evaluates it anew in every call; outside the function it is evaluated once. It matters only where the \
          function is called often, so this is off.",
    bad: Example::Nix("f: x: let y = f 1; in x + y"),
    good: Example::Nix("f: let y = f 1; in x: x + y"),
    severity: Severity::Info,
    fix: Safety::None,
    on: false,
    alike: &[("nix-linter", "FreeLetInFunc")],
    check: Check::Node(&[SyntaxKind::NODE_LAMBDA], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(Expr::LetIn(block)) = Lambda::cast(node.clone()).and_then(|lambda| lambda.body()) else { return };
    // The outermost function of a file is called once.
    if super::certain::is_file_value(node) {
        return;
    }
    for binding in block.attrpath_values() {
        let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else { continue };
        let range = value.syntax().text_range();
        if matches!(value, Expr::Apply(_)) && is_free(range, node.text_range(), report) {
            let message = format!("`{}` is the same in every call", brief(report.text_of(path.syntax())));
            report.at(path.syntax().text_range(), message);
        }
    }
}

/// Whether nothing within the range refers to what is bound in the function around it.
fn is_free(range: TextRange, function: TextRange, report: &Report<'_, '_>) -> bool {
    let names = report.names();
    let from = names.uses.partition_point(|used| used.range.start() < range.start());
    let mut within = names.uses.iter().skip(from).take_while(|used| used.range.start() < range.end());
    within.all(|used| match used.meaning {
        Meaning::Defined(id) => {
            let scope = names.definition(id).and_then(|definition| names.scope(definition.scope));
            scope.is_some_and(|scope| !function.contains_range(scope.range) || range.contains_range(scope.range))
        }
        _ => true,
    })
}

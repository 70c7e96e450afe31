//! The library under a name that was removed.

use rnix::ast::{Expr, Select};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "stdenv-lib",
    summary: "`lib` taken from `stdenv`",
    why: "It was removed in 2021. Take `lib` as an argument, or from `pkgs`.",
    bad: Example::Nix("{ stdenv }: stdenv.lib.version"),
    good: Example::Nix("{ lib }: lib.version"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_SELECT], check),
};

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    let Some(select) = Select::cast(node.clone()) else { return };
    let Some(Expr::Ident(base)) = select.expr() else { return };
    let base = report.text_of(base.syntax());
    if base != "stdenv" && base != "pkgs" {
        return;
    }
    let names: Vec<_> =
        select.attrpath().into_iter().flat_map(|path| path.attrs()).filter_map(|attr| attr_name(&attr)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = match names.as_slice() {
        ["lib", ..] => base == "stdenv",
        ["stdenv", "lib", ..] => base == "pkgs",
        _ => false,
    };
    if found {
        report.at(node.text_range(), "`stdenv.lib` was removed; use `lib`");
    }
}

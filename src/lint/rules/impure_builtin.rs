//! What depends on the machine that evaluates.

use rnix::ast::{Expr, Select};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "impure-builtin",
    summary: "a builtin that depends on the machine",
    why: "Two machines, or two moments, give two results. In a flake Nix has none of these: there the name is \
          missing, or the text is empty. Take it as an argument.",
    bad: Example::Nix(r#"{ home = builtins.getEnv "HOME"; }"#),
    good: Example::Nix("{ home }: { inherit home; }"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Node(&[SyntaxKind::NODE_SELECT, SyntaxKind::NODE_PATH_SEARCH], check),
};

const IMPURE: &[&str] = &["currentSystem", "currentTime", "getEnv", "nixPath", "storePath"];

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    if node.kind() == SyntaxKind::NODE_PATH_SEARCH {
        // Elsewhere `<nixpkgs>` is the way to say whatever the machine has.
        if report.file.flake {
            let message = "a flake has no search path; take this from an input";
            report.at(node.text_range(), message).severity(Severity::Warning);
        }
        return;
    }
    let Some(name) = impure(node, report) else { return };
    // A default that a caller can set is what keeps the rest pure.
    let is_default = node.parent().is_some_and(|parent| {
        let after_or = parent.kind() == SyntaxKind::NODE_SELECT && parent.first_child().as_ref() != Some(node);
        parent.kind() == SyntaxKind::NODE_PAT_ENTRY || after_or
    });
    if report.file.flake {
        let message = format!("a flake is evaluated without the machine, where `builtins.{name}` says nothing");
        report.at(node.text_range(), message).severity(Severity::Warning);
    } else if !is_default {
        report.at(node.text_range(), format!("`builtins.{name}` depends on the machine and the moment"));
    }
}

fn impure(node: &SyntaxNode, report: &Report<'_, '_>) -> Option<String> {
    let select = Select::cast(node.clone())?;
    let Expr::Ident(base) = select.expr()? else { return None };
    if base.syntax().text() != "builtins" || select.default_expr().is_some() {
        return None;
    }
    let name = attr_name(&select.attrpath()?.attrs().next()?)?;
    let known = IMPURE.contains(&name.as_str()) && report.names().is_global(base.syntax().text_range());
    known.then_some(name)
}

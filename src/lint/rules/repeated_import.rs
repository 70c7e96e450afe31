//! The package set imported more than once.

use std::collections::HashMap;

use rnix::ast::{Apply, Expr};
use rnix::{SyntaxKind, TextRange};
use rowan::ast::AstNode;

use super::certain::bare;
use super::writing::brief;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::Meaning;

pub(super) static RULE: Rule = Rule {
    name: "repeated-import",
    summary: "a package set that one file imports several times",
    why: "Each call of `import nixpkgs` evaluates all of it anew: a second or so, and hundreds of megabytes. Bind it \
          once in a `let`, or use `nixpkgs.legacyPackages`. With other arguments it is another set, which may be \
          meant, so that is only noted.",
    bad: Example::Nix("{ nixpkgs }: { a = (import nixpkgs { }).hello; b = (import nixpkgs { }).jq; }"),
    good: Example::Nix("{ nixpkgs }: let pkgs = import nixpkgs { }; in { a = pkgs.hello; b = pkgs.jq; }"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    let imports = report.names().uses.iter().filter(|used| used.name == "import" && used.meaning == Meaning::Global);
    if imports.count() < 2 {
        return;
    }
    let mut first: HashMap<String, String> = HashMap::new();
    for apply in report.file.tree.root().syntax().descendants().filter_map(Apply::cast) {
        let Some((source, arguments, range)) = imported(&apply, report) else { continue };
        let Some(before) = first.get(&source) else {
            first.insert(source, arguments);
            continue;
        };
        let (severity, how) = if *before == arguments {
            (Severity::Warning, "again")
        } else {
            (Severity::Info, "again, with other arguments")
        };
        report.at(range, format!("`{source}` is imported {how}; each time it is evaluated anew")).severity(severity);
    }
}

/// What is imported and with which arguments, when it is a package set that is called.
fn imported(apply: &Apply, report: &Report<'_, '_>) -> Option<(String, String, TextRange)> {
    let Expr::Ident(import) = apply.lambda()? else { return None };
    if import.syntax().text() != "import" || !report.names().is_global(import.syntax().text_range()) {
        return None;
    }
    let source = bare(apply.argument()?);
    let text = brief(report.text_of(source.syntax()));
    let package_set = match source {
        Expr::PathSearch(_) => text == "<nixpkgs>",
        Expr::Ident(_) | Expr::Select(_) => text.rsplit('.').next().is_some_and(|last| last.starts_with("nixpkgs")),
        _ => false,
    };
    let around = apply.syntax().parent().filter(|parent| package_set && parent.kind() == SyntaxKind::NODE_APPLY)?;
    let call = Apply::cast(around)?;
    let arguments = call.argument().filter(|argument| argument.syntax() != apply.syntax())?;
    let words = report.text_of(arguments.syntax()).split_whitespace().collect::<Vec<_>>().join(" ");
    Some((text, words, apply.syntax().text_range()))
}

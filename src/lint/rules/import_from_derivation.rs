//! Evaluation that waits for builds.

use rnix::ast::Expr;
use rowan::ast::AstNode;

use super::bound::meant;
use super::fetcher::FETCHERS;
use super::package::MAKERS;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};
use crate::syntax::tree::{Part, parts};

pub(super) static RULE: Rule = Rule {
    name: "import-from-derivation",
    summary: "something that is evaluated only after a build",
    why: "Nix stops evaluating until the build is done, one at a time, and `nix flake check` and caches cannot \
          look ahead. Keep the file in the repository, or make it an input.",
    bad: Example::Nix(r#"{ pkgs }: import (pkgs.runCommand "x.nix" { } "echo 1 > $out")"#),
    good: Example::Nix("{ pkgs }: import ./x.nix"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nix", "allow-import-from-derivation")],
    check: Check::Call(&["import", "readFile", "readDir", "importJSON", "importTOML"], check),
};

/// Functions of nixpkgs that make a file or a directory, beside those that fetch and those that make packages.
const BUILDERS: &[&str] = &[
    "applyPatches",
    "linkFarm",
    "runCommand",
    "runCommandCC",
    "runCommandLocal",
    "symlinkJoin",
    "writeScript",
    "writeShellScript",
    "writeText",
    "writeTextFile",
];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let of_lib = call.name().starts_with("import") && call.name() != "import";
    if !of_lib && !call.is_builtin(report.names()) {
        return;
    }
    let Some(argument) = call.argument() else { return };
    if let Some(builder) = built(&argument, report) {
        let message = format!("`{}` waits until what `{builder}` makes is built", call.name());
        report.at(call.range(), message);
    }
}

/// The function whose result a path begins with.
fn built(path: &Expr, report: &Report<'_, '_>) -> Option<String> {
    let beginning = match meant(path, report) {
        Expr::BinOp(sum) => meant(&sum.lhs()?, report),
        Expr::Str(text) => match parts(&text)?.into_iter().next()? {
            Part::Expression(Some(expression)) => meant(&expression, report),
            Part::Expression(None) | Part::Text(_) => return None,
        },
        other => other,
    };
    let call = Call::of_expression(&beginning)?;
    let known = [BUILDERS, FETCHERS, MAKERS].iter().any(|list| list.contains(&call.name()));
    let fetched_by_nix = call.is_builtin(report.names());
    let whole = beginning.syntax().text_range().contains_range(call.range());
    (known && whole && !fetched_by_nix && !super::bound::is_own(&call, report)).then(|| call.name().to_owned())
}

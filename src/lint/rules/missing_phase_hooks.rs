//! Phases that leave out what others add.

use rnix::ast::Expr;
use rowan::ast::AstNode;

use super::option::name_range;
use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "missing-phase-hooks",
    summary: "a phase that runs neither its `pre` nor its `post` hook",
    why: "Whoever changes the package by `preInstall` or `postInstall`, hooks of other packages among them, is \
          not heard. Begin with `runHook preInstall` and end with `runHook postInstall`.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  installPhase = "cp -r . $out";
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  installPhase = "runHook preInstall; cp -r . $out; runHook postInstall";
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "missing-phase-hooks")],
    check: Check::Call(MAKERS, check),
};

/// Phases and what their hooks are named after.
const PHASES: &[(&str, &str)] = &[
    ("configurePhase", "Configure"),
    ("buildPhase", "Build"),
    ("checkPhase", "Check"),
    ("installPhase", "Install"),
    ("installCheckPhase", "InstallCheck"),
];
/// Shorter scripts do nothing.
const SHORT: usize = 8;

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for (phase, hook) in PHASES {
        let Some(Expr::Str(script)) = set.value(phase) else { continue };
        let text = report.text_of(script.syntax());
        let runs = |when: &str| text.contains(&format!("{when}{hook}"));
        // A phase that is turned off, or that runs another by its name, has nothing to hook into.
        if text.len() > SHORT && !(runs("pre") && runs("post")) {
            let (pre, post) = (runs("pre"), runs("post"));
            let missing: Vec<_> =
                [("pre", pre), ("post", post)].into_iter().filter(|(_, runs)| !runs).map(|(when, _)| when).collect();
            let hooks: Vec<_> = missing.iter().map(|when| format!("`runHook {when}{hook}`")).collect();
            let binding = set.binding(phase);
            let range = binding.map_or_else(|| script.syntax().text_range(), name_range);
            report.at(range, format!("`{phase}` does not run {}", hooks.join(" and ")));
        }
    }
}

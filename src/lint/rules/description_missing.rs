//! Flakes without a description.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake::FlakeFile;

pub(super) static RULE: Rule = Rule {
    name: "description-missing",
    summary: "a flake without a description",
    why: "`nix flake metadata` and people who find the flake show it. One line says what the flake is for.",
    bad: Example::Flake { nix: "{ outputs = _: { }; }", lock: "" },
    good: Example::Flake { nix: r#"{ description = "Tools of the house"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let whole = |flake: &&FlakeFile| !flake.problems.iter().any(|problem| NOT_READ.contains(&problem.code));
    if view.sound().filter(whole).is_some_and(|flake| flake.description.is_none()) {
        report.in_nix(None, "this flake has no description").about("");
    }
}

/// With these a description may be there.
const NOT_READ: &[&str] = &["not-literal", "computed-attribute", "flake-shape"];

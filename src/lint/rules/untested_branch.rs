//! Branches of nixpkgs that nothing waits for.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake_ref::{Forge, Source};

pub(super) static RULE: Rule = Rule {
    name: "untested-branch",
    summary: "a nixpkgs from a branch that is not tested",
    why: "A commit comes to `master` before anything of it is built, so there are often no binaries and \
          sometimes no working ones. The branches `nixos-unstable` and `nixos-26.05` follow when the tests \
          have passed.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("flake-checker", "supported refs")],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.declared() {
        let Some(reference) = reference::of(input).filter(|reference| reference.rev.is_none()) else { continue };
        let Source::Forge { forge: Forge::GitHub, owner, repo, host: None } = &reference.source else { continue };
        let is_nixpkgs = owner.eq_ignore_ascii_case("nixos") && repo.eq_ignore_ascii_case("nixpkgs");
        let branch = reference.reference.as_deref().unwrap_or("master");
        if is_nixpkgs && (branch == "master" || branch.starts_with("staging")) {
            let message = format!("input `{}` is the branch {branch} of nixpkgs, which is not tested", input.name);
            report.in_nix(Some(input.span), message);
        }
    }
}

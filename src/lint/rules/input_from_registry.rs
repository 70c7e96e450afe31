//! Inputs that a registry resolves.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake_ref::Source;

pub(super) static RULE: Rule = Rule {
    name: "input-from-registry",
    summary: "an input that the registry decides",
    why: "Which repository a bare name means is written in a registry, not in the flake; registries change. \
          Write where it comes from: `github:NixOS/nixpkgs/nixos-unstable`.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.sound().into_iter().flat_map(|flake| &flake.inputs) {
        let Some(reference) = reference::of(input) else { continue };
        if let Source::Indirect { id } = &reference.source {
            let name = &input.name;
            let message = format!("a registry decides what `{id}` is for input `{name}`; write its repository instead");
            report.in_nix(Some(input.span), message);
        }
    }
}

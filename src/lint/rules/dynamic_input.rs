//! Inputs that are not written out.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "dynamic-input",
    summary: "an input that is not written as a literal",
    why: "Nix refuses inputs that are computed. Write each URL out, even when two are alike.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "github:NixOS/" + "nixpkgs"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

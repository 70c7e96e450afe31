//! Inputs that are no set.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "invalid-input",
    summary: "an input that is not a set",
    why: "Nix wants a set for each input. Write `inputs.name.url = \"…\";`.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs = "github:NixOS/nixpkgs"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

//! Functions of outputs that do not take what Nix gives them.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "outputs-arguments",
    summary: "an `outputs` that does not take all inputs",
    why: "Nix calls `outputs` with every input and with `self`, and a function without `...` refuses what it does not \
          name: nothing of the flake can be used.",
    bad: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; outputs = { self }: { }; }"#, lock: "" },
    good: Example::Flake { nix: r#"{ inputs.nixpkgs.url = "nixpkgs"; outputs = { self, ... }: { }; }"#, lock: "" },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

//! Flakes that are no set.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "not-an-attrset",
    summary: "a `flake.nix` that is not a set",
    why: "Nix refuses a flake that is a function, a call or anything else but one literal set with `inputs` \
          and `outputs`.",
    bad: Example::Flake { nix: "{ pkgs }: { outputs = _: { }; }", lock: "" },
    good: Example::Flake { nix: "{ outputs = _: { }; }", lock: "" },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

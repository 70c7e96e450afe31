//! Parts of a flake that must be written out and are not.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "not-literal",
    summary: "a part of `flake.nix` that must be literal and is not",
    why: "Nix reads the description, the inputs and the settings of a flake without evaluating it, so they \
          must be written out: no `let` around the set, no call, no `//`.",
    bad: Example::Flake { nix: "let x = 1; in { outputs = _: { y = x; }; }", lock: "" },
    good: Example::Flake { nix: "{ outputs = _: let x = 1; in { y = x; }; }", lock: "" },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

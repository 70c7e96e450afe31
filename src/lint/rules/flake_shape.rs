//! Flakes without outputs, or with parts of the wrong kind.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "flake-shape",
    summary: "a flake without `outputs`, or with a part of the wrong kind",
    why: "Nix refuses the whole flake. It looks at the description, the settings and the function of the outputs \
          without evaluating them, so a call, a `let`, a `with` or a `//` there is as wrong as a number.",
    bad: Example::Flake {
        nix: r#"{ description = "Tools of " + "the house"; outputs = import ./outputs.nix; }"#,
        lock: "",
    },
    good: Example::Flake {
        nix: r#"{ description = "Tools of the house"; outputs = inputs: import ./outputs.nix inputs; }"#,
        lock: "",
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

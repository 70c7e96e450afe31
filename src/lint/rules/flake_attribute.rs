//! Attributes that no flake and no input has.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "flake-attribute",
    summary: "an attribute that Nix does not know in a flake or an input",
    why: "Nix refuses the whole flake. A flake has `description`, `inputs`, `outputs` and `nixConfig`. An input has \
          `url`, `flake`, `follows` and `inputs`, and with a `type` what inputs of that type have, as `owner` and `repo`. \
          What belongs to a URL stands in it: `?ref=main`, `?dir=sub`.",
    bad: Example::Flake {
        nix: r#"{ name = "tools"; inputs.a = { url = "git+https://example.org/a"; ref = "main"; }; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake {
        nix: r#"{ inputs.a.url = "git+https://example.org/a?ref=main"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};

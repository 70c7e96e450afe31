//! Attributes of a flake whose names are not written out.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "computed-attribute",
    summary: "an attribute of a flake whose name is computed",
    why: "Nix takes it, but nobody who reads the file without Nix knows what is there. Write the name out.",
    bad: Example::Flake { nix: r#"{ ${"out" + "puts"} = _: { }; }"#, lock: "" },
    good: Example::Flake { nix: "{ outputs = _: { }; }", lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::FlakeReading,
};
